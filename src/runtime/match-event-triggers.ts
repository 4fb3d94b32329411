/** Who wants a published event: event triggers and subscriptions of its namespace, each as a delivery. */
import { formatDestination } from '../delivery/destination.ts';
import type { NewDelivery, StoredEvent } from '../store/store.ts';
import { evaluateSubscription } from './evaluate-subscription.ts';
import { keyText } from './limit-calls.ts';
import type { LiveSubscription } from './live-subscriptions.ts';
import { subscriptionExpressions } from './load-subscription.ts';
import { readAttributes } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Ends at once where no order of a subscription has a key of its own. */
export function publishedDeliveries(
  parts: WorkerParts,
  event: StoredEvent,
): readonly NewDelivery[] | Promise<readonly NewDelivery[]> {
  const { namespaceUid, type, source } = event;
  const deliveries: NewDelivery[] = [];
  for (const { functionName, trigger } of parts.table.listeners(namespaceUid, type)) {
    if (trigger.source !== undefined && trigger.source !== source) continue;
    deliveries.push({
      destination: formatDestination({ namespaceUid, functionName, target: { trigger: trigger.name } }),
    });
  }
  const keyed: LiveSubscription[] = [];
  let channel: string | undefined | null = null;
  for (const live of parts.subscriptions.match(namespaceUid, type)) {
    const { channels, ordered } = live.entry;
    if (channels !== undefined) {
      if (channel === null) ({ channel } = readAttributes(event));
      if (channel === undefined || !channels.includes(channel)) continue;
    }
    if (ordered?.key !== undefined) keyed.push(live);
    else deliveries.push({ destination: live.destination, ...(ordered === undefined ? {} : { orderKey: 'all' }) });
  }
  return keyed.length === 0 ? deliveries : withKeys(parts, event, deliveries, keyed);
}

/**
 * A key that cannot be told must not keep the event from being published: such events are in one order, and sending them
 * fails with the error of the expression.
 */
async function withKeys(
  parts: WorkerParts,
  event: StoredEvent,
  deliveries: readonly NewDelivery[],
  keyed: readonly LiveSubscription[],
): Promise<readonly NewDelivery[]> {
  const ordered = await Promise.all(
    keyed.map(async (live): Promise<NewDelivery> => {
      const { destination } = live;
      if (live.program === undefined) return { destination, orderKey: 'unknown' };
      const result = await evaluateSubscription(live, parts, subscriptionExpressions.orderedKey, event, 1);
      if (result.kind !== 'ok') return { destination, orderKey: 'unknown' };
      const key = keyText(result.values[0]);
      return { destination, ...(key === undefined ? {} : { orderKey: `key ${key}` }) };
    }),
  );
  return [...deliveries, ...ordered];
}
