/** The events of an accepted request: one, or one for each item of a batched body. */
import type { BatchItem } from '../receivers/types.ts';
import type { StoredEvent } from '../store/store.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveFunction } from './live-function.ts';
import { RequestEvent } from './request-event.ts';
import { attributesOf } from './stored-event.ts';

export interface AcceptedEvent {
  readonly event: StoredEvent;
  /** Set: it is one of a batch. */
  readonly item?: BatchItem;
}

export function splitBatch(call: HttpCall, fn: LiveFunction): readonly AcceptedEvent[] {
  const source = new RequestEvent(call);
  const attributes = attributesOf(call);
  const whole: StoredEvent = {
    id: call.id,
    namespaceUid: fn.entry.namespaceUid,
    type: source.eventType,
    source: source.eventSource,
    time: call.time,
    attributes: JSON.stringify(attributes),
    body: call.body,
  };
  const items = call.identified?.items ?? [];
  if (items.length === 0) return [{ event: whole }];
  const { formField: _field, deliveryId: _id, ...shared } = attributes;
  return items.map((item, index) => ({
    item,
    event: {
      ...whole,
      // The first keeps the id of the call, so that a batch of one is like any other event.
      id: index === 0 ? call.id : `${call.id}.${index}`,
      type: item.type,
      attributes: JSON.stringify({
        ...shared,
        name: item.name,
        contentType: item.contentType,
        ...(item.deliveryId === undefined ? {} : { deliveryId: item.deliveryId }),
      }),
      body: item.body,
    },
  }));
}
