/** Zendesk. https://developer.zendesk.com/documentation/webhooks/verifying/ */
import { deliveryId, eventName } from './event-name.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

const scheme: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-zendesk-webhook-signature',
  encoding: 'base64',
  prefix: '',
  signed: template('{timestamp}{body}'),
  // Zendesk states no tolerance; its repeats are over after minutes.
  timestamp: { from: { header: 'x-zendesk-webhook-signature-timestamp' }, unit: 'rfc3339', toleranceMs: 3_600_000 },
};

function identify(request: RawRequest): Identified {
  // zen:event-type:ticket.created
  const word = readJsonText(request.body, ['type'])?.replace(/^zen:event-type:/, '');
  const name = eventName(word ?? 'request');
  const id = deliveryId(firstHeader(request, 'x-zendesk-webhook-invocation-id'));
  return { name, type: `com.zendesk.${name}`, ...(id === undefined ? {} : { deliveryId: id }), idSigned: false };
}

export const zendesk = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'zendesk',
    title: 'Zendesk',
    documentation: 'https://developer.zendesk.com/documentation/webhooks/verifying/',
    answerBudgetMs: 12_000,
  }),
  guide: {
    // It looks like base64 and is used as text all the same.
    secret: 'The "Signing secret" of the webhook, as it is shown.',
    setUp: [
      'In the Zendesk Admin Center open Apps and integrations, Webhooks and press "Create webhook".',
      'Choose events or a trigger, type the URL of the trigger, method POST and format JSON.',
      'Open the webhook, press "Reveal secret" and copy the signing secret into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over `{timestamp}{body}`, base64, `X-Zendesk-Webhook-Signature`',
    replay: 'The signed time may be an hour off (Zendesk states nothing).',
    event: '`type` without `zen:event-type:`; webhooks of triggers `request`',
    id: '`X-Zendesk-Webhook-Invocation-Id`, not signed',
    vectors: ['zendesk'],
    sampleEvent: 'ticket.created',
  },
  fields: {},
  setup: () => ({ schemes: [scheme], decodeSecret: literalSecret, warnings: [], identify }),
  compose: (_event, _body, id) => ({
    headers: { 'content-type': 'application/json', 'x-zendesk-webhook-invocation-id': id },
  }),
});
