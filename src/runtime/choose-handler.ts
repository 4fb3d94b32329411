/** Which handler an active call runs: that of the trigger its caller names, else `call`, else `default`. */
import { activeCallHandlers } from '../routing/find-handler.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveFunction } from './live-function.ts';
import { imitateTrigger } from './imitate-trigger.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

/** A proven caller names a trigger in this header to try its handler (`moonhook invoke --trigger`). */
const triggerHeader = 'x-moonhook-trigger';

/** Handler names to try in order; undefined: there is no such trigger, and the call was refused. */
export function wantedHandlers(call: HttpCall, parts: WorkerParts, fn: LiveFunction): readonly string[] | undefined {
  const wanted = call.header(triggerHeader);
  if (wanted === undefined) return activeCallHandlers;
  const trigger = fn.trigger(wanted);
  if (trigger !== undefined) {
    const unfit = imitateTrigger(call, trigger);
    if (unfit === undefined) return trigger.entry.handlers;
    refuse(call, parts, 'RequestInvalid', { outcome: 'unmatched', publicDetail: unfit });
    return undefined;
  }
  const names = fn.entry.triggers.map(({ name }) => name).join(', ');
  const publicDetail = `the function has no trigger of that name; it has ${names === '' ? 'none' : names}`;
  refuse(call, parts, 'RequestInvalid', { outcome: 'unmatched', publicDetail });
  return undefined;
}
