/** Publishing: an event of a namespace and a delivery for each destination that matches it. */
import type { AppendItem, NewDelivery, Store, StoredEvent } from '../store/store.ts';
import type { EventBus, PublishedEvent } from '../store/types.ts';

/** Which triggers and subscriptions of the event's namespace want it; from the route table. */
export type MatchDestinations = (event: StoredEvent) => readonly NewDelivery[] | Promise<readonly NewDelivery[]>;

export async function publishedItem(
  published: PublishedEvent,
  id: string,
  match: MatchDestinations,
): Promise<AppendItem> {
  const { namespaceUid, type, source, subject, channel, delayMs, data, hops, traceparent } = published;
  const event: StoredEvent = {
    id,
    namespaceUid,
    type,
    source,
    attributes: JSON.stringify({ name: type, subject, channel, hops, traceparent }),
    body: data,
  };
  const deliveries = await match(event);
  return {
    event,
    deliveries: deliveries.map((delivery) => (delayMs === undefined ? delivery : { ...delivery, delayMs })),
  };
}

/** `events.publish` of a synchronous call: durable when it answers. */
export function createEventBus(store: Store, match: MatchDestinations, newId: () => string): EventBus {
  return {
    durable: store.durable,
    async publish(event) {
      const [appended] = await store.append([await publishedItem(event, event.id ?? newId(), match)]);
      if (appended === undefined) throw new Error('the store answered nothing');
      return appended.id;
    },
  };
}
