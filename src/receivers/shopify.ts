/** Shopify. https://shopify.dev/docs/apps/build/webhooks/subscribe/https */
import { deliveryId, eventName } from './event-name.ts';
import { firstHeader } from './read-header.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

/** Newer names come without `x-`; the first that is there decides. */
const schemes = ['x-shopify-hmac-sha256', 'shopify-hmac-sha256'].map((header): SignatureScheme => ({
  algorithm: 'sha256',
  header,
  encoding: 'base64',
  prefix: '',
  signed: template('{body}'),
}));

const fact = (request: RawRequest, name: string): string | undefined =>
  firstHeader(request, `x-shopify-${name}`) ?? firstHeader(request, `shopify-${name}`);

function identify(request: RawRequest): Identified {
  const name = eventName(fact(request, 'topic') ?? 'request');
  const id = deliveryId(fact(request, 'event-id') ?? fact(request, 'webhook-id'));
  const shop = fact(request, 'shop-domain');
  return {
    name,
    type: `com.shopify.${name}`,
    ...(shop !== undefined && /^[a-z0-9.-]{1,253}$/i.test(shop) ? { source: `https://${shop}` } : {}),
    ...(id === undefined ? {} : { deliveryId: id }),
    idSigned: false,
  };
}

export const shopify = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'shopify',
    title: 'Shopify',
    documentation: 'https://shopify.dev/docs/apps/build/webhooks/subscribe/https',
    answerBudgetMs: 5000,
  }),
  guide: {
    secret: 'The client secret of the app; webhooks made by hand in the shop show theirs under Notifications.',
    setUp: [
      'In the Shopify developer dashboard open the app, Settings, and copy the "Client secret" into the Secret named by `secretRefs`.',
      'Subscribe to topics with the URL of the trigger in `shopify.app.toml`, or with the Admin API.',
      'Webhooks made in the shop (Settings, Notifications, Webhooks) are signed with the secret shown there.',
    ],
    scheme: 'HMAC-SHA256 over the body, base64, `X-Shopify-Hmac-Sha256`',
    replay: 'No time is signed; duplicates are found by event id and body.',
    event: '`X-Shopify-Topic`',
    id: '`X-Shopify-Event-Id`, not signed',
    vectors: ['shopify-go'],
    interop: '@shopify/shopify-api',
    sampleEvent: 'orders/create',
  },
  fields: {},
  setup: () => ({ schemes, decodeSecret: literalSecret, warnings: [], identify }),
  compose: (event, _body, id, _fields, { nowMs }) => ({
    headers: {
      'content-type': 'application/json',
      'x-shopify-topic': event,
      'x-shopify-webhook-id': id,
      'x-shopify-event-id': id,
      'x-shopify-api-version': '2026-07',
      'x-shopify-triggered-at': new Date(nowMs).toISOString(),
      'x-shopify-shop-domain': 'example.myshopify.com',
    },
  }),
});
