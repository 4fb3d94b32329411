/** The key by which a repeated delivery is recognised. */
import { duplicateKey, itemDuplicateKey } from '../receivers/duplicate-key.ts';
import type { SenderProfile } from '../receivers/types.ts';
import type { DuplicateKey } from '../store/store.ts';
import { evaluate } from './evaluate.ts';
import { EventTable } from './event-table.ts';
import type { HttpCall } from './http-call.ts';
import { keyText } from './limit-calls.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import type { AcceptedEvent } from './split-batch.ts';
import { StoredEventSource } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

type FoundKey = DuplicateKey | undefined | 'refused';

/** The trigger's `dedup`, else what the sender's profile says; `refused`: the call was answered. */
export function findDuplicateKey(
  call: HttpCall,
  parts: WorkerParts,
  fn: LiveFunction,
  trigger: LiveTrigger,
  endpoint: string,
  /** One event of a batch. */
  item?: AcceptedEvent,
): FoundKey | Promise<FoundKey> {
  const expression = trigger.expressions.dedupKey;
  if (expression === undefined) return knownDuplicateKey(call, parts, trigger, endpoint, item);
  const { identified } = call;
  const profile = trigger.receiver?.prepared.profile;
  if (identified === undefined || profile === undefined) return undefined;
  const windowMs = windowOf(trigger, profile);
  return evaluateKey(call, parts, fn, trigger, { endpoint, windowMs, expression }, item);
}

/** What the sender's profile says: no expression has to be asked. */
export function knownDuplicateKey(
  call: HttpCall,
  parts: WorkerParts,
  trigger: LiveTrigger,
  endpoint: string,
  item?: AcceptedEvent,
): DuplicateKey | undefined {
  const { identified, body } = call;
  const profile = trigger.receiver?.prepared.profile;
  if (identified === undefined || profile === undefined) return undefined;
  const key = item?.item === undefined ? duplicateKey(profile, identified, body) : itemDuplicateKey(profile, item.item);
  if (key === undefined) return undefined;
  if (!identified.idSigned && identified.deliveryId !== undefined && item?.item === undefined)
    noticeReuse(call, parts, trigger, endpoint, identified.deliveryId, key);
  const windowMs = windowOf(trigger, profile);
  return profile.retriesByItself ? { endpoint, key, windowMs } : { endpoint, key, windowMs, rerun: true };
}

/** A new event all the same; whoever looks why a handler ran again finds it, and a counter shows many. */
function noticeReuse(
  call: HttpCall,
  parts: WorkerParts,
  trigger: LiveTrigger,
  endpoint: string,
  id: string,
  key: string,
): void {
  if (!parts.reusedIds.isReused(endpoint, id, key)) return undefined;
  parts.rare.reuse(trigger.receiver?.name ?? '');
  call.note(
    'duplicate',
    true,
    'its id came before with another body: a new event, since the signature does not cover it',
  );
  return undefined;
}

const windowOf = (trigger: LiveTrigger, profile: SenderProfile): number =>
  trigger.http?.dedup?.windowMs ?? profile.duplicateWindowMs ?? 72 * 3_600_000;

async function evaluateKey(
  call: HttpCall,
  parts: WorkerParts,
  fn: LiveFunction,
  trigger: LiveTrigger,
  asked: { readonly endpoint: string; readonly windowMs: number; readonly expression: string },
  item: AcceptedEvent | undefined,
): Promise<FoundKey> {
  const { endpoint, windowMs, expression } = asked;
  const event =
    item?.item === undefined ? new RequestEvent(call) : new StoredEventSource(item.event, trigger.entry.name, 1);
  const value = await evaluate(fn, parts, call.id, expression, new EventTable(event));
  if (!value.ok) {
    call.error = value.error;
    refuse(call, parts, 'FilterError', { outcome: 'error', detail: `${expression}: ${value.error.message}` });
    return 'refused';
  }
  const key = keyText(value.value);
  return key === undefined ? undefined : { endpoint, key: `lua:${key}`, windowMs };
}
