/** Which slots of a schedule are to be stored now: pure, so that daylight saving, downtime and edits can be tested in no time. */
import { createHash } from 'node:crypto';

/** Slots of a cron expression in its time zone. */
export interface Slots {
  /** The first slot after a moment, milliseconds since the epoch; undefined: none any more. */
  after(moment: number): number | undefined;
}

/** What is remembered of a schedule between processes. */
export interface SchedulePosition {
  /** Hash of cron expression and time zone: an edited schedule starts from now. */
  readonly hash: string;
  /** The last slot that was stored. */
  readonly slot: number;
}

export interface Plan {
  /** Slots to store, each with what to wait from now. */
  readonly fire: readonly { readonly slot: number; readonly delayMs: number }[];
  /** A stored slot that passed while nobody was there and is not to run after all. */
  readonly drop?: number;
  readonly position: SchedulePosition;
  /** The slot that waits. */
  readonly next: number | undefined;
}

/** A schedule that was down for years does not count its slots one by one. */
const mostMissed = 100_000;

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
  const known = position?.hash === hash ? position : undefined;
  const next = slots.after(now);
  const fire: { slot: number; delayMs: number }[] = [];
  const passed = known !== undefined && known.slot <= now ? known.slot : undefined;
  const last = passed === undefined ? undefined : lastSlotUntil(slots, passed, now);
  if (last !== undefined && missed === 'RunOnce') fire.push({ slot: last, delayMs: 0 });
  if (next !== undefined && (known === undefined || known.slot < next)) fire.push({ slot: next, delayMs: next - now });
  const slot = Math.max(known?.slot ?? now, ...fire.map((entry) => entry.slot));
  // The stored row of the passed slot gives way to the last missed one, or to none.
  const drop = starting && passed !== undefined && (missed === 'Skip' || last !== undefined) ? { drop: passed } : {};
  return { fire, ...drop, position: { hash, slot }, next };
}

function lastSlotUntil(slots: Slots, from: number, now: number): number | undefined {
  let last: number | undefined;
  let slot = slots.after(from);
  for (let count = 0; slot !== undefined && slot <= now; count++) {
    last = slot;
    // Far behind: jump close to now instead of walking every minute of a year.
    slot = count === mostMissed ? slots.after(now - 24 * 3_600_000) : slots.after(slot);
  }
  return last;
}

export function hashSchedule(cron: string, timeZone: string): string {
  return createHash('sha256')
    .update(JSON.stringify([cron, timeZone]))
    .digest('hex')
    .slice(0, 16);
}

/** The id of a slot's event: whoever stores it, it is stored once. */
export function slotEventId(destination: string, hash: string, slot: number): string {
  return createHash('sha256')
    .update(JSON.stringify([destination, hash, slot]))
    .digest('hex')
    .slice(0, 32);
}
