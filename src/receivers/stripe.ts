/** Stripe. https://docs.stripe.com/webhooks/signature */
import { deliveryId, eventName } from './event-name.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

const scheme: SignatureScheme = {
  algorithm: 'sha256',
  header: 'stripe-signature',
  encoding: 'hex',
  prefix: 'v1=',
  separator: ',',
  timestampField: 't',
  signed: template('{timestamp}.{body}'),
  timestamp: { from: { field: 't' }, unit: 's', toleranceMs: 300_000 },
};

function identify(request: RawRequest): Identified {
  const name = eventName(readJsonText(request.body, ['type']) ?? 'request');
  const id = deliveryId(readJsonText(request.body, ['id']));
  return { name, type: `com.stripe.${name}`, ...(id === undefined ? {} : { deliveryId: id }), idSigned: true };
}

export const stripe = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'stripe',
    title: 'Stripe',
    documentation: 'https://docs.stripe.com/webhooks/signature',
    answerBudgetMs: 10_000,
    // Live mode repeats for three days.
    duplicateWindowMs: 96 * 3_600_000,
  }),
  guide: {
    // The prefix is part of the key here, unlike in Standard Webhooks.
    secret: 'The "Signing secret" of the endpoint, whole: `whsec_…` is used as text.',
    setUp: [
      'In the Stripe dashboard open Developers, Webhooks and press "Add destination".',
      'Choose the events and type the URL of the trigger as "Endpoint URL".',
      'Open the destination, reveal the "Signing secret" and copy it, `whsec_` included, into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over `{timestamp}.{body}`, hex, `Stripe-Signature: t=…,v1=…`; other versions are skipped',
    replay: 'The signed time may be 5 minutes off.',
    event: '`type`',
    id: '`id`, signed',
    vectors: ['stripe-dotnet'],
    interop: 'stripe',
    sampleEvent: 'customer.created',
  },
  fields: {},
  setup: () => ({ schemes: [scheme], decodeSecret: literalSecret, warnings: [], identify }),
  compose: () => ({ headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Stripe/1.0' } }),
});
