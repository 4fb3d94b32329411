/** Runs the steps of a request one after the other, without a promise as long as none has to wait. */
import { StoreDiskLow } from '../store/store-disk-low.ts';
import { StoreFailed } from '../store/store-failed.ts';
import { StoreOverQuota } from '../store/store-over-quota.ts';
import type { HttpCall } from './http-call.ts';
import { StoreBehind } from './pending-appends.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Begins what has to be waited for; one of both is called, once. As a promise is, without the turns of its own it takes. */
export type Waiting = (done: () => void, failed: (error: unknown) => void) => void;

/** Ends the request by answering (`call.answered`), or leaves it to the next step. */
export type Step = (call: HttpCall, parts: WorkerParts) => void | Promise<void> | Waiting;

/** A quota that is used up is a 429, a store that fails or has no space a 503; any other step that throws is a defect: 500 and the call id, the log has the rest. */
export function takeSteps(
  steps: readonly Step[],
  call: HttpCall,
  parts: WorkerParts,
  report: (error: unknown, call: HttpCall) => void,
  from = 0,
): void {
  try {
    for (let index = from; index < steps.length; index += 1) {
      const waiting = (steps[index] as Step)(call, parts);
      if (waiting !== undefined) {
        const goOn = (): void => {
          if (!call.answered) takeSteps(steps, call, parts, report, index + 1);
        };
        const stop = (error: unknown): void => fail(error, call, parts, report);
        if (typeof waiting === 'function') waiting(goOn, stop);
        else waiting.then(goOn, stop);
        return;
      }
      if (call.answered) return;
    }
  } catch (error) {
    fail(error, call, parts, report);
  }
}

function fail(
  error: unknown,
  call: HttpCall,
  parts: WorkerParts,
  report: (error: unknown, call: HttpCall) => void,
): void {
  if (call.answered) return report(error, call);
  if (error instanceof StoreOverQuota) {
    const { message } = error;
    return refuse(call, parts, 'QuotaExceeded', { outcome: 'overloaded', detail: message, retryAfterMs: 30_000 });
  }
  if (error instanceof StoreDiskLow) {
    const { message } = error;
    return refuse(call, parts, 'DiskLow', { outcome: 'overloaded', detail: message, retryAfterMs: 30_000 });
  }
  if (error instanceof StoreBehind) {
    const { message } = error;
    return refuse(call, parts, 'StoreUnavailable', { outcome: 'overloaded', detail: message, retryAfterMs: 5000 });
  }
  report(error, call);
  if (error instanceof StoreFailed)
    refuse(call, parts, 'StoreUnavailable', { outcome: 'overloaded', retryAfterMs: 5000 });
  else refuse(call, parts, 'Internal', { outcome: 'error' });
}

const storeEveryMs = 1_000;

/** What the log says of calls that were stopped: each defect; of a store that fails, which all of them meet, a line a second. */
export function createStopReport(
  report: (message: string, error: unknown) => void,
  now: () => number,
): (error: unknown, call: Pick<HttpCall, 'id'>) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (error, { id }) => {
    if (!(error instanceof StoreFailed)) return report(`a defect, call ${id}`, error);
    if (now() - saidAt < storeEveryMs) {
      unsaid += 1;
      return;
    }
    report(`the store failed, call ${id}${unsaid === 0 ? '' : ` and ${unsaid} before it`}`, error);
    saidAt = now();
    unsaid = 0;
  };
}
