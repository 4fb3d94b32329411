/** How a run of stored work ends: done, tried again, or dead; by the result rules of asynchronous calls. */
import { endAttempt, type AttemptResult } from '../delivery/retry-schedule.ts';
import { toAttemptResult } from '../function/attempt-result.ts';
import type { CallResult } from '../lua/types.ts';
import type { Ending } from '../store/store.ts';
import type { LiveFunction } from './live-function.ts';

/** The ending that is settled: what `nil, err` says is told without the secrets of the function. `random` answers [0, 1). */
export function endingOfRun(
  result: CallResult,
  attempt: number,
  retryScheduleMs: readonly number[],
  fn: Pick<LiveFunction, 'hide'> | undefined,
  random: () => number = Math.random,
): Ending {
  const read = resultOf(result);
  if (read.kind !== 'again' && read.kind !== 'dead') return endAttempt(read, attempt, retryScheduleMs, random);
  const error = fn?.hide?.(read.error) ?? read.error;
  return endAttempt({ ...read, error }, attempt, retryScheduleMs, random);
}

function resultOf(result: CallResult): AttemptResult {
  if (result.kind === 'exit') return { kind: 'done' };
  if (result.kind === 'ok') return toAttemptResult({ kind: 'ok', values: result.values });
  const { kind, error } = result;
  if (kind === 'overloaded') return { kind: 'again', error: error.message, retryAfterMs: result.retryAfterMs };
  // The lease was lost or the runtime ends: nothing was decided about the event.
  if (kind === 'cancelled') return { kind: 'again', error: error.message };
  return toAttemptResult({ kind, error });
}
