/**
 * A trigger with `ackAfter` claims its delivery before the handler starts: a sender that repeats while the handler still
 * runs, on any worker, does not start it again, nor does one that repeats what was stored when the time was over.
 */
import { acknowledgeStored } from './accept-event.ts';
import { itemOfCall } from './acknowledge-late.ts';
import { formatDestination } from '../delivery/destination.ts';
import { findDuplicateKey } from './find-duplicate-key.ts';
import type { HttpCall } from './http-call.ts';
import { acknowledge } from './identify-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export function claimDelivery(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  return call.trigger?.extras?.ackAfterMs === undefined ? undefined : claim(call, parts);
}

async function claim(call: HttpCall, parts: WorkerParts): Promise<void> {
  const { fn, trigger } = call;
  if (fn === undefined || trigger === undefined) return undefined;
  const { namespaceUid, name } = fn.entry;
  const endpoint = formatDestination({ namespaceUid, functionName: name, target: { trigger: trigger.entry.name } });
  const key = await findDuplicateKey(call, parts, fn, trigger, endpoint);
  if (key === undefined || key === 'refused') return undefined;
  const limited = { namespaceUid, scope: `delivery ${endpoint}`, key: key.key };
  const place = parts.keys.takePlace(limited, 1, parts.clock.wall());
  if (place === undefined) {
    call.note('duplicate', false, 'this delivery is being handled: the handler is not started again');
    return acknowledge(call, parts, 'duplicate');
  }
  call.duplicateKey = key;
  call.onEnd(() => parts.keys.releasePlace(place));
  // Whoever had the place before has stored it by now, or answered in time. The store judges: it may run again, but there.
  if (await parts.store.isKnown(namespaceUid, key)) {
    acknowledgeStored(await parts.store.append([itemOfCall(call)]), call, parts);
  }
  return undefined;
}
