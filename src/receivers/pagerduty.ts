/** PagerDuty webhooks v3. https://developer.pagerduty.com/docs/webhooks-overview */
import { bodyScheme, identified } from './identify-event.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

const scheme = bodyScheme('x-pagerduty-signature', { prefix: 'v1=', separator: ',' });

function identify({ body }: RawRequest): Identified {
  return identified('com.pagerduty', readJsonText(body, ['event', 'event_type']), {
    id: readJsonText(body, ['event', 'id']),
    idSigned: true,
    source: readJsonText(body, ['event', 'data', 'html_url']),
  });
}

export const pagerduty = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'pagerduty',
    title: 'PagerDuty',
    documentation: 'https://developer.pagerduty.com/docs/webhooks-overview',
    answerBudgetMs: 5000,
    handshakeEvents: ['pagey.ping'],
  }),
  guide: {
    secret: 'The secret that is shown once when the webhook subscription is made.',
    setUp: [
      'In PagerDuty open Integrations, Generic Webhooks (v3) and press "New Webhook".',
      'Type the URL of the trigger, choose scope and events, and press "Add Webhook".',
      'Copy the secret that is shown now, and never again, into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-PagerDuty-Signature: v1=…`; several while a secret is replaced',
    handshake: 'The test sends `pagey.ping`, acknowledged by the host.',
    replay: 'No time is signed; duplicates are found by the id of the event.',
    event: '`event.event_type`',
    id: '`event.id`, signed',
    vectors: ['pagerduty'],
    sampleEvent: 'incident.triggered',
  },
  fields: {},
  setup: () => ({ schemes: [scheme], decodeSecret: literalSecret, warnings: [], identify }),
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'PagerDuty-Webhook/V3.0' } }),
});
