/** The trigger's filter: what it turns away is answered as accepted and not run; an error of it is never a drop. */
import { EventTable } from './event-table.ts';
import { evaluate, isTrue, type Evaluated } from './evaluate.ts';
import type { HttpCall } from './http-call.ts';
import { acknowledge } from './identify-event.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import type { WorkerParts } from './worker-parts.ts';

/** For people: why nothing ran. */
export const turnedAway = "the trigger's filter turned the event away";

export function filterEvent(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const { fn, trigger } = call;
  const expression = trigger?.expressions.filter;
  if (fn === undefined || expression === undefined) return undefined;
  const value = evaluate(fn, parts, call.id, expression, new EventTable(new RequestEvent(call)));
  if (value instanceof Promise) return value.then((settled) => judge(call, parts, settled));
  return judge(call, parts, value);
}

function judge(call: HttpCall, parts: WorkerParts, value: Evaluated): void {
  if (!value.ok) {
    call.error = value.error;
    call.note('filter', false, value.error.message);
    return refuse(call, parts, 'FilterError', { outcome: 'error', detail: value.error.message });
  }
  if (isTrue(value.value)) return undefined;
  call.note('filter', false, turnedAway);
  return acknowledge(call, parts, 'filtered');
}
