/** What becomes of an attempt: done, again after a wait, or dead with a reason. Pure. */
import type { Ending } from '../store/store.ts';

/** How an attempt ended, as the function's result rules (`src/function/result.ts`) see it. */
export type AttemptResult =
  | { readonly kind: 'done' | 'filtered' | 'cancelled' | 'superseded' }
  | { readonly kind: 'again'; readonly error: string; readonly retryAfterMs?: number }
  | { readonly kind: 'dead'; readonly reason: string; readonly error: string };

/** Upward only, so that a wait is never shorter than its entry says. */
const jitter = 0.2;
/** A function's or a server's own wish is honoured up to this. */
const longestRetryAfterMs = 24 * 3_600_000;

/**
 * `attempt` counts from 1; attempts = entries + 1. `retryAfterMs` lengthens a wait and never shortens it.
 * `random` answers [0, 1).
 */
export function endAttempt(
  result: AttemptResult,
  attempt: number,
  scheduleMs: readonly number[],
  random: () => number,
): Ending {
  if (result.kind !== 'again') return result;
  const wait = scheduleMs[attempt - 1];
  if (wait === undefined) return { kind: 'dead', reason: 'AttemptsExhausted', error: result.error };
  const wished = Math.min(result.retryAfterMs ?? 0, longestRetryAfterMs);
  const delayMs = Math.ceil(Math.max(wait, wished) * (1 + random() * jitter));
  return { kind: 'retry', delayMs, error: result.error };
}
