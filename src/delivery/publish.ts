/** Publishing: an event of a namespace and a delivery for each destination that matches it. */
import { shareBudget } from '../triggers/event-budget.ts';
import { chosenId, shownId } from './chosen-id.ts';
import type { AppendItem, NewDelivery, Store, StoredEvent } from '../store/store.ts';
import type { EventBus, PublishedEvent } from '../store/types.ts';

/** Who wants an event: a delivery for each, or one that is expanded to them later. */
export interface Matched {
  readonly deliveries: readonly NewDelivery[];
  /** How many want it: its budget is divided among them. */
  readonly count: number;
}

/**
 * Which triggers and subscriptions of the event's namespace want it; from the route table. `room`: deliveries beside those of
 * other events that are stored with it; more become one that is expanded later.
 */
export type MatchDestinations = (event: StoredEvent, room?: number) => Matched | Promise<Matched>;

/** An event that is matched and has its id; what may descend from it is known when its siblings are. */
export type PreparedItem = (budget: number) => AppendItem;

/** Under the id the publisher chose, with its source, or else a new one. */
export async function publishedItem(
  published: PublishedEvent,
  newId: () => string,
  match: MatchDestinations,
): Promise<PreparedItem> {
  const { namespaceUid, callId, type, source, subject, channel, extra, delayMs, data, hops, traceparent } = published;
  const attributes = { name: type, subject, channel, extra, callId, hops, traceparent };
  const event: StoredEvent = {
    id: published.id === undefined ? newId() : chosenId(source, published.id),
    namespaceUid,
    type,
    source,
    attributes: JSON.stringify(attributes),
    body: data,
  };
  const matched = await match(event);
  const deliveries = matched.deliveries.map((delivery) =>
    delayMs === undefined ? delivery : { ...delivery, delayMs: delayMs + (delivery.delayMs ?? 0) },
  );
  return (budget) => ({
    event: {
      ...event,
      attributes: JSON.stringify({ ...attributes, budget: shareBudget(budget, matched.count) }),
    },
    deliveries,
  });
}

/** `events.publish` of a synchronous call: durable when it answers. */
export function createEventBus(store: Store, match: MatchDestinations, newId: () => string): EventBus {
  return {
    durable: store.durable,
    async publish(event) {
      const item = await publishedItem(event, newId, match);
      const [appended] = await store.append([item(event.budget)]);
      if (appended === undefined) throw new Error('the store answered nothing');
      return shownId(appended.id);
    },
  };
}
