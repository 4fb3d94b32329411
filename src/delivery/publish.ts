/** Publishing: an event of a namespace and a delivery for each destination that matches it. */
import { chosenId, shownId } from './chosen-id.ts';
import type { AppendItem, NewDelivery, Store, StoredEvent } from '../store/store.ts';
import type { EventBus, PublishedEvent } from '../store/types.ts';

/** Which triggers and subscriptions of the event's namespace want it; from the route table. */
export type MatchDestinations = (event: StoredEvent) => readonly NewDelivery[] | Promise<readonly NewDelivery[]>;

/** Under the id the publisher chose, with its source, or else a new one. */
export async function publishedItem(
  published: PublishedEvent,
  newId: () => string,
  match: MatchDestinations,
): Promise<AppendItem> {
  const { namespaceUid, type, source, subject, channel, delayMs, data, hops, traceparent } = published;
  const event: StoredEvent = {
    id: published.id === undefined ? newId() : chosenId(source, published.id),
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
      const [appended] = await store.append([await publishedItem(event, newId, match)]);
      if (appended === undefined) throw new Error('the store answered nothing');
      return shownId(appended.id);
    },
  };
}
