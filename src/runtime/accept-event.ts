/** Stores the event of an asynchronous trigger, then acknowledges it as its sender expects; duplicates are answered too. */
import { appendEager } from './append-eager.ts';
import { formatDestination } from '../delivery/destination.ts';
import type { Matched } from '../delivery/publish.ts';
import { chooseCallback } from './choose-callback.ts';
import type { AppendItem, Appended, NewDelivery } from '../store/store.ts';
import { shareBudget } from '../triggers/event-budget.ts';
import { debounced } from './debounce-event.ts';
import type { HttpCall } from './http-call.ts';
import { acknowledge } from './identify-event.ts';
import { findDuplicateKey } from './find-duplicate-key.ts';
import { readKey } from './limit-calls.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { refuse } from './refuse.ts';
import { splitBatch } from './split-batch.ts';
import { withBudget } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

const nobody: Matched = { deliveries: [], count: 0 };

export function acceptEvent(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const { fn, trigger } = call;
  if (fn === undefined || trigger === undefined) return undefined;
  return trigger.http?.mode === 'async' ? store(call, parts, fn, trigger) : undefined;
}

async function store(call: HttpCall, parts: WorkerParts, fn: LiveFunction, trigger: LiveTrigger): Promise<void> {
  const destination = formatDestination({
    namespaceUid: fn.entry.namespaceUid,
    functionName: fn.entry.name,
    target: { trigger: trigger.entry.name },
  });
  // Most of what is asked here is known: a promise for each answer would cost as much as the answers.
  const count = parts.waiting.of(destination);
  const waiting = typeof count === 'number' ? count : await count;
  if (waiting >= parts.settings.asynchronous.waitingPerDestination) {
    call.note('queue', false, `${waiting} events wait for this trigger`);
    return refuse(call, parts, 'Overloaded', {
      outcome: 'overloaded',
      detail: `${waiting} events wait for this trigger`,
      retryAfterMs: 30_000,
    });
  }
  const own =
    trigger.http?.debounce === undefined ? { destination } : await debouncedDelivery(call, parts, trigger, destination);
  if (own === 'refused') return undefined;
  if (chooseCallback(call, parts, trigger.http?.callback, destination) === 'refused') return undefined;
  const items: AppendItem[] = [];
  const all = splitBatch(call, fn);
  for (const accepted of all) {
    const found = findDuplicateKey(call, parts, fn, trigger, destination, accepted);
    const duplicate = found instanceof Promise ? await found : found;
    if (duplicate === 'refused') return undefined;
    const bus = trigger.http?.publish === true ? await publishedDeliveries(parts, accepted.event) : nobody;
    const event = withBudget(accepted.event, shareBudget(call.budget, all.length * (1 + bus.count)));
    const deliveries = [own, ...bus.deliveries];
    items.push({ event, deliveries, ...(duplicate === undefined ? {} : { duplicate }) });
  }
  const stored = await appendEager(items, parts);
  // A batch is a duplicate when all of it is.
  const appended = stored.find(isNew) ?? stored[0];
  if (stored.length > 1) call.note('batch', true, `${stored.filter(isNew).length} of ${stored.length} items are new`);
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

const isNew = ({ duplicateOf, generation }: Appended): boolean => duplicateOf === undefined || generation !== undefined;

/** It waits for quiet. */
async function debouncedDelivery(
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
  return debounced(parts, destination, found.key, debounce);
}
