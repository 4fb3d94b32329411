/** The next times of a schedule that is being written, in its own time zone. */
import { parseSchedule } from '../triggers/schedule.ts';
import type { UpcomingTimes } from './editing-source.ts';

const shown = 5;

/** `now`: milliseconds since the epoch. */
export function upcomingTimes(cron: string, timeZone: string, now: number): UpcomingTimes {
  const parsed = parseSchedule(cron, timeZone);
  if (!parsed.ok) return parsed;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: '2-digit',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  });
  const times: { readonly at: number; readonly local: string }[] = [];
  let moment = now;
  while (times.length < shown) {
    const at = parsed.schedule.after(moment);
    if (at === undefined) break;
    times.push({ at, local: format.format(at) });
    moment = at;
  }
  return { ok: true, times };
}
