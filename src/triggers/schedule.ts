/** Times of a cron expression in a time zone, computed by croner; nothing here looks at the clock. */
import { Cron } from 'croner';
import { errorMessage } from '../failures/error-message.ts';

/** A schedule that was parsed once. */
export interface Schedule {
  readonly cron: string;
  readonly timeZone: string;
  /** The first time after a moment, milliseconds since the epoch; undefined: none any more. */
  after(moment: number): number | undefined;
}

export type ParsedSchedule =
  | { readonly ok: true; readonly schedule: Schedule }
  | { readonly ok: false; readonly field: 'cron' | 'timeZone'; readonly message: string };

const nicknames = ['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'];

/** Five fields (minute hour day month weekday) or a nickname; day and weekday together mean either, as in crontab(5). */
export function parseSchedule(cron: string, timeZone = 'UTC'): ParsedSchedule {
  const text = cron.trim();
  const mistake = checkForm(text);
  if (mistake !== undefined) return { ok: false, field: 'cron', message: mistake };
  if (!isTimeZone(timeZone)) {
    return {
      ok: false,
      field: 'timeZone',
      message: `"${timeZone}" is not a time zone; write an IANA name such as Europe/Berlin, or UTC`,
    };
  }
  let job: Cron;
  try {
    job = new Cron(text, { timezone: timeZone, paused: true, mode: '5-part' });
  } catch (error) {
    return { ok: false, field: 'cron', message: `"${text}" is not a schedule: ${readable(error)}` };
  }
  const after = (moment: number): number | undefined => job.nextRun(new Date(moment))?.getTime();
  // A day that no month has (30 February) parses and never comes.
  if (!text.startsWith('@') && !hasDate(text))
    return { ok: false, field: 'cron', message: `"${text}" never fires: there is no such date` };
  return { ok: true, schedule: { cron: text, timeZone, after } };
}

/**
 * Whether its dates come within 28 years, which hold each date on each weekday. Without an end croner looks for them until the
 * year 3000: up to 175 ms for a schedule that never fires, in the thread that builds everybody's routes.
 */
function hasDate(fields: string): boolean {
  const [, , day, month, weekday] = fields.split(/\s+/);
  const dates = new Cron(`0 0 0 ${day} ${month} ${weekday} 2024-2051`, {
    timezone: 'UTC',
    paused: true,
    mode: '7-part',
  });
  return dates.nextRun(new Date(Date.UTC(2023, 11, 31))) !== null;
}

function checkForm(text: string): string | undefined {
  if (text.startsWith('@')) {
    return nicknames.includes(text.toLowerCase())
      ? undefined
      : `"${text}" is not a schedule; there are ${nicknames.join(', ')}`;
  }
  // croner reads "?" as "now", which would make a schedule depend on when it was parsed.
  if (text.includes('?')) return '"?" has no meaning here; write *';
  const fields = text === '' ? 0 : text.split(/\s+/).length;
  if (fields !== 5) return `"${text}" has ${fields} fields; a schedule has five: minute hour day month weekday`;
  return undefined;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function readable(error: unknown): string {
  const message = errorMessage(error);
  return message.replace(/^CronPattern:\s*/, '');
}
