/** Publishing: an event of a namespace and a delivery for each destination that matches it. */
import type { AppendItem, NewDelivery, Store } from '../store/store.ts';
import type { EventBus, PublishedEvent } from '../store/types.ts';

/** Which triggers and subscriptions of the event's namespace want it; from the route table. */
export type MatchDestinations = (event: PublishedEvent) => readonly NewDelivery[];

export function publishedItem(event: PublishedEvent, id: string, match: MatchDestinations): AppendItem {
  const { namespaceUid, type, source, subject, channel, delayMs, data, hops, traceparent } = event;
  return {
    event: {
      id,
      namespaceUid,
      type,
      source,
      attributes: JSON.stringify({ name: type, subject, channel, hops, traceparent }),
      body: data,
    },
    deliveries: match(event).map((delivery) => (delayMs === undefined ? delivery : { ...delivery, delayMs })),
  };
}

/** `events.publish` of a synchronous call: durable when it answers. */
export function createEventBus(store: Store, match: MatchDestinations, newId: () => string): EventBus {
  return {
    durable: store.durable,
    async publish(event) {
      const [appended] = await store.append([publishedItem(event, event.id ?? newId(), match)]);
      if (appended === undefined) throw new Error('the store answered nothing');
      return appended.id;
    },
  };
}
