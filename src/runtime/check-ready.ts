/** Refuses what cannot be served now: unresolved references, no handler, suspended, quarantined. */
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

const retryAfterMs = 10_000;

/** Asynchronous triggers are stopped only by what they need to verify the sender: the event itself can wait. */
export function checkReady(call: HttpCall, parts: WorkerParts): void {
  const { fn, trigger } = call;
  if (fn === undefined || trigger === undefined) return undefined;
  const { asynchronous } = trigger;
  const unavailable = trigger.unverifiable ?? (asynchronous ? undefined : trigger.unavailable);
  if (unavailable !== undefined) {
    call.note('ready', false, unavailable.message);
    return refuse(call, parts, unavailable.code, {
      outcome: 'unresolved',
      detail: unavailable.message,
      retryAfterMs,
    });
  }
  if (asynchronous) return undefined;
  if (fn.suspended) return refuse(call, parts, 'Suspended', { outcome: 'suspended', retryAfterMs: 60_000 });
  return refuseQuarantined(call, parts);
}

/** A function whose call held a thread is refused for a while. */
export function refuseQuarantined(call: HttpCall, parts: WorkerParts): void {
  if (parts.quarantine.size === 0 || call.fn === undefined) return undefined;
  const until = parts.quarantine.get(call.fn.uid);
  const left = until === undefined ? 0 : until - parts.clock.wall();
  if (left <= 0) return undefined;
  call.note('quarantine', false, 'a call of this function held its thread; it is refused for a while');
  return refuse(call, parts, 'Overloaded', {
    outcome: 'overloaded',
    detail: 'quarantined: a call of this function held its thread',
    retryAfterMs: left,
  });
}
