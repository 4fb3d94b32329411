/** Stores the event of an asynchronous trigger, then acknowledges it as its sender expects; duplicates are answered too. */
import { appendEager } from './append-eager.ts';
import { formatDestination } from '../delivery/destination.ts';
import { mostAtOnce } from '../delivery/fan-out.ts';
import type { Matched } from '../delivery/publish.ts';
import { chooseCallback } from './choose-callback.ts';
import type { AppendItem, Appended, NewDelivery } from '../store/store.ts';
import { shareBudget } from '../triggers/event-budget.ts';
import { debounced } from './debounce-event.ts';
import type { HttpCall } from './http-call.ts';
import { acknowledge } from './identify-event.ts';
import { findDuplicateKey, knownDuplicateKey } from './find-duplicate-key.ts';
import { readKey } from './limit-calls.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { refuse } from './refuse.ts';
import { splitBatch } from './split-batch.ts';
import { withBudget } from './stored-event.ts';
import type { Waiting } from './take-steps.ts';
import type { WorkerParts } from './worker-parts.ts';

const nobody: Matched = { deliveries: [], count: 0 };

export function acceptEvent(call: HttpCall, parts: WorkerParts): void | Promise<void> | Waiting {
  const { fn, trigger } = call;
  if (fn === undefined || trigger?.asynchronous !== true) return undefined;
  const gathered = gather(call, parts, fn, trigger);
  if (gathered instanceof Promise) {
    return gathered.then((items) => new Promise((resolve, reject) => keep(items, call, parts, resolve, reject)));
  }
  return (done, failed) => keep(gathered, call, parts, done, failed);
}

/** Undefined: the call was answered. */
type Gathered = readonly AppendItem[] | undefined;

/** Most of what is asked here is known: a promise for each answer would cost as much as the answers. */
function gather(
  call: HttpCall,
  parts: WorkerParts,
  fn: LiveFunction,
  trigger: LiveTrigger,
): Gathered | Promise<Gathered> {
  const destination = (trigger.destination ??= formatDestination({
    namespaceUid: fn.entry.namespaceUid,
    functionName: fn.entry.name,
    target: { trigger: trigger.entry.name },
  }));
  const waiting = parts.waiting.of(destination);
  const { expressions, http } = trigger;
  const isKnown =
    typeof waiting === 'number' &&
    http?.debounce === undefined &&
    http?.publish !== true &&
    expressions.dedupKey === undefined;
  if (!isKnown) return gatherSlowly(call, parts, fn, trigger, destination, waiting);
  if (isFull(call, parts, waiting) || chooseCallback(call, parts, http?.callback, destination) === 'refused')
    return undefined;
  const all = splitBatch(call, fn);
  const deliveries = [{ destination }];
  const items: AppendItem[] = [];
  for (const accepted of all) {
    const duplicate = knownDuplicateKey(call, parts, trigger, destination, accepted);
    const event = withBudget(accepted.event, shareBudget(call.budget, all.length));
    items.push(duplicate === undefined ? { event, deliveries } : { event, deliveries, duplicate });
  }
  return items;
}

async function gatherSlowly(
  call: HttpCall,
  parts: WorkerParts,
  fn: LiveFunction,
  trigger: LiveTrigger,
  destination: string,
  waiting: number | Promise<number>,
): Promise<Gathered> {
  if (isFull(call, parts, await waiting)) return undefined;
  const own =
    trigger.http?.debounce === undefined ? { destination } : await debouncedDelivery(call, parts, trigger, destination);
  if (own === 'refused') return undefined;
  if (chooseCallback(call, parts, trigger.http?.callback, destination) === 'refused') return undefined;
  const items: AppendItem[] = [];
  let room = mostAtOnce;
  const all = splitBatch(call, fn);
  for (const accepted of all) {
    const duplicate = await findDuplicateKey(call, parts, fn, trigger, destination, accepted);
    if (duplicate === 'refused') return undefined;
    const bus = trigger.http?.publish === true ? await publishedDeliveries(parts, accepted.event, room) : nobody;
    room -= bus.deliveries.length;
    const event = withBudget(accepted.event, shareBudget(call.budget, all.length * (1 + bus.count)));
    const deliveries = [own, ...bus.deliveries];
    items.push({ event, deliveries, ...(duplicate === undefined ? {} : { duplicate }) });
  }
  return items;
}

/** Refuses the call where too much waits for its trigger. */
function isFull(call: HttpCall, parts: WorkerParts, waiting: number): boolean {
  if (waiting < parts.settings.asynchronous.waitingPerDestination) return false;
  call.note('queue', false, `${waiting} events wait for this trigger`);
  refuse(call, parts, 'Overloaded', {
    outcome: 'overloaded',
    detail: `${waiting} events wait for this trigger`,
    retryAfterMs: 30_000,
  });
  return true;
}

function keep(
  items: Gathered,
  call: HttpCall,
  parts: WorkerParts,
  done: () => void,
  failed: (error: unknown) => void,
): void {
  if (items === undefined) return done();
  // Whoever wants it again decodes it again: what was decoded to see that it can be is not held until the disk has answered.
  call.data = undefined;
  call.decoded = false;
  const conclude = (stored: readonly Appended[]): void => {
    try {
      acknowledgeStored(stored, call, parts);
    } catch (error) {
      return failed(error);
    }
    return done();
  };
  try {
    appendEager(items, parts, conclude, failed);
  } catch (error) {
    failed(error);
  }
}

/** Of what a call had stored. */
export function acknowledgeStored(stored: readonly Appended[], call: HttpCall, parts: WorkerParts): void {
  // A batch is a duplicate when all of it is.
  const appended = stored.find(isNew) ?? stored[0];
  if (stored.length > 1) call.note('batch', true, `${stored.filter(isNew).length} of ${stored.length} items are new`);
  if (appended === undefined) {
    return refuse(call, parts, 'Internal', { outcome: 'error', detail: 'the store answered nothing' });
  }
  call.eventId = appended.id;
  const { duplicateOf: first } = appended;
  if (first === undefined || appended.generation !== undefined) {
    const { generation } = appended;
    const stored = parts.store.durable ? 'stored' : 'stored in memory only';
    const again = ': its sender had sent it before, and it runs again as replay';
    call.note('store', true, generation === undefined ? stored : `${stored}${again} ${generation}`);
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
