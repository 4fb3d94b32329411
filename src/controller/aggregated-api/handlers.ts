/** Which handler answers which verb of which resource; discovery lists the same, and a test compares them. */
import { deleteDelivery, getDelivery, listDeliveries } from './delivery-resources.ts';
import type { Handler } from './handler.ts';
import type { Verb } from './read-path.ts';

/** By resource, or resource and subresource. */
export const handlers: Readonly<Record<string, Partial<Readonly<Record<Verb, Handler>>>>> = {
  deadletters: { get: getDelivery('DeadLetter'), list: listDeliveries('DeadLetter') },
  deliveries: { get: getDelivery('Delivery'), list: listDeliveries('Delivery'), delete: deleteDelivery },
};
