/** Which slots of a schedule are to be stored now: pure, so that daylight saving, downtime and edits can be tested in no time. */
import { createHash } from 'node:crypto';

/** Slots of a cron expression in its time zone. */
export interface Slots {
  /** The first slot after a moment, milliseconds since the epoch; undefined: none any more. */
  after(moment: number): number | undefined;
}

/** What is remembered of a schedule between processes. */
export interface SchedulePosition {
  /** Hash of cron expression, time zone and data: an edited schedule starts from now. */
  readonly hash: string;
  /** The last slot that was stored; of one that was cancelled with its trigger, when that was. */
  readonly slot: number;
  /** When the trigger was edited last, or left: slots of before are cancelled, and the same ones stored again are others. */
  readonly since?: number;
  /** When its function or trigger was deleted. */
  readonly gone?: number;
}

/** As long as events of what was deleted wait for it to come back. */
const goneMs = 3_600_000;

export interface Plan {
  /** Slots to store, each with what to wait from now. */
  readonly fire: readonly { readonly slot: number; readonly delayMs: number }[];
  /** A stored slot that passed while nobody was there and is not to run after all. */
  readonly drop?: number;
  readonly position: SchedulePosition;
  /** The slot that waits. */
  readonly next: number | undefined;
}

/**
 * Stores the next slot ahead of time, once. `missed` decides about slots that passed while nobody was there: one run for
 * all of them (the last), or none. `starting`: the first look of this process, so a passed slot was missed, not fired.
 */
export function planSchedule(
  slots: Slots,
  {
    hash,
    missed,
    starting,
  }: { readonly hash: string; readonly missed: 'RunOnce' | 'Skip'; readonly starting: boolean },
  position: SchedulePosition | undefined,
  now: number,
): Plan {
  const cameBack = position?.gone === undefined || now - position.gone < goneMs;
  const known = position?.hash === hash && cameBack ? position : undefined;
  const next = slots.after(now);
  const fire: { slot: number; delayMs: number }[] = [];
  const passed = known !== undefined && known.slot <= now ? known.slot : undefined;
  const last = passed === undefined ? undefined : lastSlotUntil(slots, passed, now);
  if (last !== undefined && missed === 'RunOnce') fire.push({ slot: last, delayMs: 0 });
  if (next !== undefined && (known === undefined || known.slot < next)) fire.push({ slot: next, delayMs: next - now });
  const slot = Math.max(known?.slot ?? now, ...fire.map((entry) => entry.slot));
  const since = known === position ? known?.since : now;
  // The stored row of the passed slot gives way to the last missed one, or to none.
  const drop = starting && passed !== undefined && (missed === 'Skip' || last !== undefined) ? { drop: passed } : {};
  return { fire, ...drop, position: { hash, slot, ...(since === undefined ? {} : { since }) }, next };
}

/** Less than lies between two slots. */
const apartMs = 30_000;

/** Halves the time until the slot is found: of a schedule that rested for months, each one by one would take seconds. */
function lastSlotUntil(slots: Slots, from: number, now: number): number | undefined {
  const isMissed = (moment: number): boolean => (slots.after(moment) ?? Infinity) <= now;
  if (!isMissed(from)) return undefined;
  let [before, behind] = [from, now];
  while (behind - before > apartMs) {
    const middle = before + Math.floor((behind - before) / 2);
    if (isMissed(middle)) before = middle;
    else behind = middle;
  }
  return slots.after(before);
}

/** Data stand in the stored slot, too. */
export function hashSchedule(cron: string, timeZone: string, data?: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(data === undefined ? [cron, timeZone] : [cron, timeZone, data]))
    .digest('hex')
    .slice(0, 16);
}

/** The id of a slot's event: whoever stores it, it is stored once. */
export function slotEventId(destination: string, { hash, since }: SchedulePosition, slot: number): string {
  return createHash('sha256')
    .update(JSON.stringify(since === undefined ? [destination, hash, slot] : [destination, hash, slot, since]))
    .digest('hex')
    .slice(0, 32);
}
