/** Stores the event of an asynchronous trigger, then acknowledges it as its sender expects; duplicates are answered too. */
import { formatDestination } from '../delivery/destination.ts';
import { chooseCallback } from './choose-callback.ts';
import type { AppendItem, Appended, DuplicateKey, NewDelivery, StoredEvent } from '../store/store.ts';
import type { HttpCall } from './http-call.ts';
import { acknowledge } from './identify-event.ts';
import { findDuplicateKey } from './find-duplicate-key.ts';
import { readKey } from './limit-calls.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import { attributesOf } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export function acceptEvent(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const { fn, trigger } = call;
  if (fn === undefined || trigger === undefined) return undefined;
  if (trigger.http?.mode === 'async') return store(call, parts, fn, trigger);
  if (trigger.http?.publish === true) return publish(call, parts, fn);
  return undefined;
}

async function store(call: HttpCall, parts: WorkerParts, fn: LiveFunction, trigger: LiveTrigger): Promise<void> {
  const destination = formatDestination({
    namespaceUid: fn.entry.namespaceUid,
    functionName: fn.entry.name,
    target: { trigger: trigger.entry.name },
  });
  const waiting = await parts.waiting.of(destination);
  if (waiting >= parts.settings.asynchronous.waitingPerDestination) {
    call.note('queue', false, `${waiting} events wait for this trigger`);
    return refuse(call, parts, 'Overloaded', {
      outcome: 'overloaded',
      detail: `${waiting} events wait for this trigger`,
      retryAfterMs: 30_000,
    });
  }
  const key = await findDuplicateKey(call, parts, fn, trigger, destination);
  if (key === 'refused') return undefined;
  const own = await debounced(call, parts, trigger, destination);
  if (own === 'refused') return undefined;
  if (chooseCallback(call, parts, trigger.http?.callback, destination) === 'refused') return undefined;
  const event = eventOf(call, fn);
  const bus = trigger.http?.publish === true ? await publishedDeliveries(parts, event) : [];
  const [appended] = await append(parts, event, [own, ...bus], key);
  if (appended === undefined) {
    return refuse(call, parts, 'Internal', { outcome: 'error', detail: 'the store answered nothing' });
  }
  call.eventId = appended.id;
  const { duplicateOf: first } = appended;
  if (first === undefined || appended.generation !== undefined) {
    const again = appended.generation === undefined ? '' : ` again, as generation ${appended.generation}`;
    call.note('store', true, `stored${again}${parts.store.durable ? '' : ' in memory only'}`);
    return acknowledge(call, parts, 'accepted');
  }
  call.duplicateOf = first;
  call.note('duplicate', false, `the sender has delivered this event before, as ${first}`);
  return acknowledge(call, parts, 'duplicate', [['x-moonhook-duplicate-of', first]]);
}

/** A synchronous trigger that publishes: the event is on the bus before the handler runs. */
async function publish(call: HttpCall, parts: WorkerParts, fn: LiveFunction): Promise<void> {
  const event = eventOf(call, fn);
  const [appended] = await append(parts, event, await publishedDeliveries(parts, event), undefined);
  if (appended !== undefined) call.eventId = appended.id;
}

function append(
  parts: WorkerParts,
  event: StoredEvent,
  deliveries: AppendItem['deliveries'],
  duplicate: DuplicateKey | undefined,
): Promise<readonly Appended[]> {
  return parts.store.append([{ event, deliveries, ...(duplicate === undefined ? {} : { duplicate }) }]);
}

function eventOf(call: HttpCall, fn: LiveFunction): StoredEvent {
  const event = new RequestEvent(call);
  return {
    id: call.id,
    namespaceUid: fn.entry.namespaceUid,
    type: event.eventType,
    source: event.eventSource,
    time: call.time,
    attributes: JSON.stringify(attributesOf(call)),
    // Of exactly its size: a message would clone the whole slab a small Buffer lies in.
    body: new Uint8Array(call.body),
  };
}

/** `debounce`: waits for quiet, and the newest event of a key takes the place of those that wait. */
async function debounced(
  call: HttpCall,
  parts: WorkerParts,
  trigger: LiveTrigger,
  destination: string,
): Promise<NewDelivery | 'refused'> {
  const debounce = trigger.http?.debounce;
  if (debounce === undefined) return { destination };
  const found = await readKey(call, parts, trigger.expressions.debounceKey);
  if (!found.ok) return 'refused';
  // nil: this event is not held back.
  if (found.key === undefined) return { destination };
  const orderKey = `debounce:${found.key}`;
  const delayMs = parts.quiet.delay(`${destination} ${orderKey}`, debounce.waitMs, debounce.maxWaitMs);
  return { destination, delayMs, orderKey, supersede: true };
}
