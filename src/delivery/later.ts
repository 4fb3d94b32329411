/** `later`: a handler of the own function, run after a delay; an ordinary delivery. */
import type { AppendItem, DeliveryFilter, Store } from '../store/store.ts';
import type { LaterItem, LaterQueue } from '../store/types.ts';
import { formatDestination } from './destination.ts';

/** The destination of an item. A function's own handlers need no trigger. */
export type LaterTarget = (item: LaterItem) => string;

export const laterTarget: LaterTarget = ({ namespaceUid, functionName, handler }) =>
  formatDestination({ namespaceUid, functionName, target: { handler } });

/** A waiting item of the same function and key is replaced. */
export function laterItem(item: LaterItem, id: string, destination: string, budget: number): AppendItem {
  const { namespaceUid, functionName, callId, handler, data, delayMs, key, hops } = item;
  return {
    event: {
      id,
      namespaceUid,
      type: 'dev.moonhook.later',
      source: `/namespaces/${item.namespace}/functions/${functionName}`,
      attributes: JSON.stringify({ name: 'later', handler, callId, hops, budget }),
      body: data,
    },
    deliveries: [
      {
        destination,
        delayMs,
        ...(key === undefined ? {} : { orderKey: laterKey(functionName, key), supersede: true }),
      },
    ],
  };
}

const laterKey = (functionName: string, key: string): string => `later:${functionName}:${key}`;

/**
 * What `cancel(id or key)` may mean: both are tried, among what the function put off. Ids are shown to callers, and the next
 * one can be guessed: whoever may name one to a function must not end what others have sent to it.
 */
export function laterFilter(
  namespaceUid: string,
  functionName: string,
  idOrKey: string,
): readonly [DeliveryFilter, DeliveryFilter] {
  const own = {
    namespaceUid,
    destinationPrefix: formatDestination({ namespaceUid, functionName, target: { handler: '' } }),
  };
  return [
    { ...own, eventId: idOrKey },
    { ...own, orderKey: laterKey(functionName, idOrKey) },
  ];
}

/** `later` of a synchronous call: durable when it answers. */
export function createLaterQueue(store: Store, newId: () => string): LaterQueue {
  return {
    durable: store.durable,
    async enqueue(item) {
      const [appended] = await store.append([laterItem(item, newId(), laterTarget(item), item.budget)]);
      if (appended === undefined) throw new Error('the store answered nothing');
      return appended.id;
    },
    async cancel(namespaceUid, functionName, idOrKey) {
      const counts = await Promise.all(
        laterFilter(namespaceUid, functionName, idOrKey).map((filter) => store.cancel(filter)),
      );
      return counts.some((count) => count > 0);
    },
  };
}
