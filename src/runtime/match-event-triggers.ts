/** Who wants a published event: event triggers and subscriptions of its namespace, each as a delivery. */
import { formatDestination } from '../delivery/destination.ts';
import { fanOutDestination, mostAtOnce } from '../delivery/fan-out.ts';
import type { Matched } from '../delivery/publish.ts';
import type { NewDelivery, StoredEvent } from '../store/store.ts';
import { debouncedEvent } from './debounce-event.ts';
import { evaluateSubscription } from './evaluate-subscription.ts';
import { keyText } from './limit-calls.ts';
import type { LiveSubscription } from './live-subscriptions.ts';
import type { EventListener } from './live-table.ts';
import { subscriptionExpressions } from './load-subscription.ts';
import { readAttributes } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

interface Wanted {
  readonly listeners: readonly EventListener[];
  readonly subscriptions: readonly LiveSubscription[];
}

/**
 * Ends at once where no delivery has a key of its own. Of more than there is room for, beside others that are stored with
 * them and after what the namespace has published just now, one row that is expanded later.
 */
export function publishedDeliveries(
  parts: WorkerParts,
  event: StoredEvent,
  room = mostAtOnce,
): Matched | Promise<Matched> {
  const wanted = whoWants(parts, event);
  const count = wanted.listeners.length + wanted.subscriptions.length;
  if (count > 1 && (count > room || !parts.fanOut.take(event.namespaceUid, count))) {
    return { deliveries: [{ destination: fanOutDestination(event.namespaceUid), background: true }], count };
  }
  const deliveries = deliveriesTo(parts, event, wanted);
  if (deliveries instanceof Promise) return deliveries.then((all) => ({ deliveries: all, count }));
  return { deliveries, count };
}

/** However many they are. */
export async function allDeliveries(parts: WorkerParts, event: StoredEvent): Promise<readonly NewDelivery[]> {
  return deliveriesTo(parts, event, whoWants(parts, event));
}

function whoWants(parts: WorkerParts, event: StoredEvent): Wanted {
  const { namespaceUid, type, source } = event;
  const listeners = [...parts.table.listeners(namespaceUid, type)].filter(
    ({ trigger }) => trigger.source === undefined || trigger.source === source,
  );
  let channel: string | undefined | null = null;
  const subscriptions = [...parts.subscriptions.match(namespaceUid, type)].filter(({ entry: { channels } }) => {
    if (channels === undefined) return true;
    if (channel === null) ({ channel } = readAttributes(event));
    return channel !== undefined && channels.includes(channel);
  });
  return { listeners, subscriptions };
}

function deliveriesTo(
  parts: WorkerParts,
  event: StoredEvent,
  { listeners, subscriptions }: Wanted,
): readonly NewDelivery[] | Promise<readonly NewDelivery[]> {
  const { namespaceUid } = event;
  const deliveries: NewDelivery[] = [];
  const keyed: Promise<NewDelivery>[] = [];
  for (const { functionName, trigger } of listeners) {
    const destination = formatDestination({ namespaceUid, functionName, target: { trigger: trigger.name } });
    if (trigger.debounce === undefined) deliveries.push({ destination });
    else keyed.push(debouncedEvent(parts, event, functionName, trigger.name, trigger.debounce, destination));
  }
  for (const live of subscriptions) {
    const { ordered } = live.entry;
    if (ordered?.key !== undefined) keyed.push(inOrder(parts, event, live));
    else deliveries.push({ destination: live.destination, ...(ordered === undefined ? {} : { orderKey: 'all' }) });
  }
  return keyed.length === 0 ? deliveries : Promise.all(keyed).then((more) => [...deliveries, ...more]);
}

/**
 * A key that cannot be told must not keep the event from being published: such events are in one order, and sending them
 * fails with the error of the expression.
 */
async function inOrder(parts: WorkerParts, event: StoredEvent, live: LiveSubscription): Promise<NewDelivery> {
  const { destination } = live;
  if (live.program === undefined) return { destination, orderKey: 'unknown' };
  const result = await evaluateSubscription(live, parts, subscriptionExpressions.orderedKey, event, 1);
  if (result.kind !== 'ok') return { destination, orderKey: 'unknown' };
  const key = keyText(result.values[0]);
  return { destination, ...(key === undefined ? {} : { orderKey: `key ${key}` }) };
}
