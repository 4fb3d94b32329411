/** Square. https://developer.squareup.com/docs/webhooks/step3validate */
import { identified } from './identify-event.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { registeredUrlSetup } from './registered-url.ts';
import { registeredUrlField, vendorProfile } from './vendor-profile.ts';

const scheme: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-square-hmacsha256-signature',
  encoding: 'base64',
  prefix: '',
  signed: template('{url}{body}'),
};

function identify({ body }: RawRequest): Identified {
  return identified('com.squareup', readJsonText(body, ['type']), {
    id: readJsonText(body, ['event_id']),
    idSigned: true,
  });
}

export const square = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'square',
    title: 'Square',
    documentation: 'https://developer.squareup.com/docs/webhooks/step3validate',
    answerBudgetMs: 10_000,
    // The retired SHA-1 of older subscriptions.
    credentialHeaders: ['x-square-signature'],
  }),
  guide: {
    secret: 'The "Signature key" of the webhook subscription.',
    setUp: [
      'In the Square developer console open the application, Webhooks, Subscriptions and press "Add subscription".',
      'Type the URL of the trigger and choose the events.',
      'Open the subscription, press "Show" beside "Signature key" and copy it into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over the registered URL and the body, base64, `x-square-hmacsha256-signature`',
    replay: 'No time is signed; duplicates are found by event id.',
    event: '`type`',
    id: '`event_id`, signed',
    vectors: ['square-1'],
    interop: 'square',
    sampleEvent: 'payment.created',
  },
  fields: registeredUrlField,
  setup: registeredUrlSetup(scheme, identify),
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'Square Connect v2' } }),
});
