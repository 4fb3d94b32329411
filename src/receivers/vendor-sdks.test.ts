/** Vendors' own libraries judge what we sign as we do, and make what we verify where they can sign. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { Signature } from '@hubspot/api-client';
import { LinearWebhookClient } from '@linear/sdk/webhooks';
import '@shopify/shopify-api/adapters/node';
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api';
import Pusher from 'pusher';
import { WebhooksHelper } from 'square';
import { Webhook } from 'svix';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import { receivers } from './catalogue.ts';
import type { ReceiverDefinition } from './types.ts';

const url = 'https://hooks.example.com/team-a/hook';
const secret = 'a-secret-of-more-than-sixteen-bytes';
const encoded = `whsec_${Buffer.from('a secret of more than sixteen bytes').toString('base64')}`;
// The libraries look at the machine's clock.
const tools = { now: () => Date.now(), newId: () => 'msg_1' };

interface Captured {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
}

interface VendorLibrary {
  readonly sender: string;
  readonly secret: string;
  readonly body: string;
  /** Whether the library takes the request. */
  readonly judge: (request: Captured, key: string) => boolean | Promise<boolean>;
  /** A request as the library makes it. */
  readonly sign?: (body: string, key: string) => Captured;
}

const headerOf = (request: Captured, name: string): string => request.headers[name] ?? '';
const holds = (check: () => unknown): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

function pusherOf(key: string): Pusher {
  return new Pusher({ appId: '1', key: 'app-key', secret: key, cluster: 'eu' });
}

const libraries: readonly VendorLibrary[] = [
  {
    sender: 'hubspot',
    secret,
    body: '[{"eventId":1,"subscriptionType":"contact.creation"}]',
    judge: (request, clientSecret) =>
      holds(() =>
        assert.ok(
          Signature.isValid({
            signatureVersion: 'v3',
            method: 'POST',
            clientSecret,
            requestBody: request.body,
            url: request.url,
            signature: headerOf(request, 'x-hubspot-signature-v3'),
            timestamp: Number(headerOf(request, 'x-hubspot-request-timestamp')),
          }),
        ),
      ),
    sign: (requestBody, clientSecret) => {
      const timestamp = Date.now();
      const parts = { clientSecret, requestBody, url, timestamp, signature: '' };
      const headers = {
        'x-hubspot-signature-v3': Signature.getSignature('POST', 'v3', parts),
        'x-hubspot-request-timestamp': String(timestamp),
      };
      return { body: requestBody, headers, url };
    },
  },
  {
    sender: 'linear',
    secret,
    body: '{"action":"create","type":"Issue","data":{"title":"grüße"}}',
    judge: (request, key) =>
      holds(() =>
        assert.ok(
          new LinearWebhookClient(key).verify(Buffer.from(request.body), headerOf(request, 'linear-signature')),
        ),
      ),
  },
  {
    sender: 'pusher',
    secret,
    body: '{"time_ms":1753954000000,"events":[{"name":"channel_occupied","channel":"a"}]}',
    judge: ({ body, headers }, key) => pusherOf(key).webhook({ rawBody: body, headers }).isValid(),
    sign: (body, key) => {
      const token = (pusherOf(key) as unknown as { readonly config: { readonly token: PusherToken } }).config.token;
      const headers = {
        'content-type': 'application/json',
        'x-pusher-key': 'app-key',
        'x-pusher-signature': token.sign(body),
      };
      return { body, headers, url };
    },
  },
  {
    sender: 'shopify',
    secret,
    body: '{"id":1,"title":"grüße"}',
    judge: async (request, apiSecretKey) => {
      const shopify = shopifyApi({
        apiKey: 'app-key',
        apiSecretKey,
        apiVersion: ApiVersion.July26,
        hostName: 'hooks.example.com',
        isEmbeddedApp: false,
        logger: { level: LogSeverity.Error, log: () => undefined },
      });
      const rawRequest = Object.assign(Readable.from([request.body]), {
        method: 'POST',
        url,
        headers: request.headers,
      });
      const verdict = await shopify.webhooks.validate({ rawBody: request.body, rawRequest });
      return verdict.valid;
    },
  },
  {
    sender: 'square',
    secret,
    body: '{"event_id":"e1","type":"payment.created"}',
    judge: (request, signatureKey) =>
      WebhooksHelper.verifySignature({
        requestBody: request.body,
        signatureHeader: headerOf(request, 'x-square-hmacsha256-signature'),
        signatureKey,
        notificationUrl: request.url,
      }),
  },
  {
    sender: 'svix',
    secret: encoded,
    body: '{"type":"invoice.paid"}',
    judge: ({ body, headers }, key) => holds(() => new Webhook(key).verify(body, headers)),
    sign: (body, key) => {
      const now = new Date();
      const headers = {
        'svix-id': 'msg_2',
        'svix-timestamp': String(Math.floor(now.getTime() / 1000)),
        'svix-signature': new Webhook(key).sign('msg_2', now, body),
      };
      return { body, headers, url };
    },
  },
];

interface PusherToken {
  sign(text: string): string;
}

const definitionOf = (name: string): ReceiverDefinition => receivers.get(name) ?? assert.fail(name);

async function weSay(sender: string, request: Captured, key: string): Promise<string> {
  const prepared = definitionOf(sender).prepare({});
  assert.ok(prepared.ok);
  const verdict = await prepared.receiver.verify(rawRequest({ method: 'POST', ...request }), secretsOf(key), tools);
  return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
}

function weSign({ sender, body, secret: key }: VendorLibrary): Captured {
  const signed = definitionOf(sender).sign('order.paid', Buffer.from(body), url, {}, secretsOf(key), tools);
  return { body: Buffer.from(signed.body).toString(), headers: signed.headers, url };
}

/** The same request with a change that its signature must not survive. */
function* changed(request: Captured): Generator<Captured> {
  yield { ...request, body: `${request.body} ` };
  for (const [name, value] of Object.entries(request.headers)) {
    if (!/signature|hmac/.test(name)) continue;
    const last = value.search(/[A-Za-z0-9](?=[^A-Za-z0-9]*$)/);
    const first = value.includes(',') ? value.indexOf(',') + 1 : 0;
    for (const at of [first, Math.floor((first + last) / 2)]) {
      const letter = value[at] === '0' ? '1' : '0';
      yield { ...request, headers: { ...request.headers, [name]: value.slice(0, at) + letter + value.slice(at + 1) } };
    }
  }
}

for (const library of libraries) {
  const { sender, judge, sign, secret: key, body } = library;
  const otherKey =
    key === encoded ? `whsec_${Buffer.from('another secret of the tests').toString('base64')}` : `${key}!`;
  describe(sender, () => {
    test('takes what we sign, and refuses it changed or under another secret, as we do', async () => {
      const request = weSign(library);
      assert.equal(await judge(request, key), true);
      assert.equal(await weSay(sender, request, key), 'verified');
      assert.equal(await judge(request, otherKey), false);
      assert.notEqual(await weSay(sender, request, otherKey), 'verified');
      let count = 0;
      for (const other of changed(request)) {
        assert.equal(await judge(other, key), false, JSON.stringify(other));
        assert.notEqual(await weSay(sender, other, key), 'verified', JSON.stringify(other));
        count += 1;
      }
      assert.ok(count >= 3);
    });

    if (sign === undefined) return;
    test('makes requests that we verify, and no other', async () => {
      const request = sign(body, key);
      assert.equal(await weSay(sender, request, key), 'verified');
      assert.notEqual(await weSay(sender, sign(body, otherKey), key), 'verified');
      for (const other of changed(request)) assert.notEqual(await weSay(sender, other, key), 'verified');
    });
  });
}
