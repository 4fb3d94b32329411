/** Checks a document against the WebhookSubscription schema and its rules. */
import { createDocumentCheck, type DocumentCheck } from './check-document.ts';
import { subscriptionSchema } from './schema-subscription.ts';

/** Compiled once, used for every document. */
export function createSubscriptionCheck(): DocumentCheck {
  return createDocumentCheck(subscriptionSchema, 'WebhookSubscription');
}
