/** `concurrencyPolicy` of a schedule: what becomes of slots that come while an earlier one still runs. */
import type { Ending } from '../store/store.ts';
import type { TriggerEntry } from '../routing/types.ts';
import { parseSchedule } from '../triggers/schedule.ts';

/**
 * The first slot after this one, if it has come already and this one is not to run any more. `Forbid`: a slot that waited
 * for an earlier one gives way to the newest; once begun it is tried to its end. `Replace`: it gives way at any attempt.
 */
export function laterSlot(
  entry: TriggerEntry | undefined,
  scheduledTime: string | undefined,
  attempt: number,
  now: number,
): number | undefined {
  if (entry?.kind !== 'schedule' || entry.concurrencyPolicy === 'Allow' || scheduledTime === undefined)
    return undefined;
  if (entry.concurrencyPolicy === 'Forbid' && attempt > 1) return undefined;
  const next = nextSlot(entry, scheduledTime);
  return next !== undefined && next <= now ? next : undefined;
}

/** When a run under `Replace` is ended for the next slot; undefined: never. */
export function replacedAt(entry: TriggerEntry | undefined, scheduledTime: string | undefined): number | undefined {
  if (entry?.kind !== 'schedule' || entry.concurrencyPolicy !== 'Replace' || scheduledTime === undefined)
    return undefined;
  return nextSlot(entry, scheduledTime);
}

/** A retry must not keep the slot waiting that takes its place. */
export function retryBefore(ending: Ending, next: number | undefined, now: number): Ending {
  if (ending.kind !== 'retry' || next === undefined) return ending;
  return { ...ending, delayMs: Math.min(ending.delayMs, Math.max(0, next - now)) };
}

function nextSlot(entry: TriggerEntry & { readonly kind: 'schedule' }, scheduledTime: string): number | undefined {
  const parsed = parseSchedule(entry.cron, entry.timeZone);
  return parsed.ok ? parsed.schedule.after(Date.parse(scheduledTime)) : undefined;
}
