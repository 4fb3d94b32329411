/** Runs an active call. */
import { findHandler } from '../routing/find-handler.ts';
import { wantedHandlers } from './choose-handler.ts';
import { EventTable } from './event-table.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import { runHandler } from './run-trigger.ts';
import type { WorkerParts } from './worker-parts.ts';

export function runActiveCall(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const { fn } = call;
  if (fn?.program === undefined) return refuse(call, parts, 'FunctionNotFound', { outcome: 'unmatched' });
  const wanted = wantedHandlers(call, parts, fn);
  if (wanted === undefined) return undefined;
  const handler = findHandler(wanted, fn.program.handlers);
  if (handler === undefined) {
    const has = [...fn.program.handlers].sort().join(', ');
    return refuse(call, parts, 'HandlerMissing', {
      outcome: 'unresolved',
      detail: `this call runs ${wanted.map((name) => `"${name}"`).join(' or ')}; the module has ${has}`,
    });
  }
  return runHandler(call, parts, fn, handler, new EventTable(new RequestEvent(call)), undefined);
}
