import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSubscriptionCheck } from './check-subscription.ts';
import { schemaProblems } from '../../test/builders/schema-problems.ts';
import { subscriptionSchema } from './schema-subscription.ts';

const check = createSubscriptionCheck();
const document = (spec: Readonly<Record<string, unknown>> = {}, name = 'orders') => ({
  apiVersion: 'moonhook.dev/v1alpha1',
  kind: 'WebhookSubscription',
  metadata: { name, namespace: 'a' },
  spec: { url: 'https://hooks.example.com/x', events: ['com.acme.*'], secretRefs: [{ name: 's', key: 'k' }], ...spec },
});
const said = (value: unknown, before?: unknown): readonly string[] =>
  check(value, before).map(({ path, message }) => `${path}: ${message}`);

test('the schema is sound', () => {
  assert.deepEqual(schemaProblems(subscriptionSchema), []);
});

test('what the page shows is accepted', () => {
  const full = {
    channels: ['gold'],
    filter: 'event.data.total > 10',
    transform: 'return { text = event.data.text }',
    format: 'cloudEvents',
    handshake: { origin: 'events.example.com' },
    headers: [
      { name: 'X-A', value: 'b' },
      { name: 'X-B', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
    ],
    retry: { schedule: ['5s', '5m'] },
    timeout: '10s',
    rate: { requests: 5, per: '1s' },
    concurrency: 3,
    ordered: { key: 'event.data.customer' },
    suspend: true,
  };
  assert.deepEqual(said(document(full)), []);
  assert.deepEqual(said(document({ ordered: {}, events: ['*'] })), []);
});

test('each rule refuses with its sentence', () => {
  const secretKeyRef = { name: 's', key: 'k' };
  for (const [value, pattern] of [
    [document({ urlFrom: { secretKeyRef } }), /^spec: set exactly one of url and urlFrom/],
    [document({ url: undefined }), /^spec: set exactly one of url and urlFrom/],
    [document({ url: 'https://user@x.example/' }), /^spec\.url: .*absolute http or https URL/],
    [document({ url: 'ftp://x.example/' }), /^spec\.url: .*absolute http or https URL/],
    [document({ handshake: { origin: 'events.example.com' } }), /^spec: handshake needs format: cloudEvents/],
    [document({ format: 'cloudEvents', handshake: { origin: 'a b' } }), /^spec\.handshake\.origin: .*DNS name/],
    [document({ events: [] }), /^spec\.events: /],
    [document({ events: ['a.*.b'] }), /^spec\.events\[0\]: .*event type/],
    [document({ secretRefs: [] }), /^spec\.secretRefs: /],
    [document({ secretRefs: undefined }), /secretRefs/],
    [document({ format: 'xml' }), /^spec\.format: .*standardWebhooks/],
    [document({ headers: [{ name: 'X-A' }] }), /^spec\.headers\[0\]: set exactly one of value and valueFrom/],
    [
      document({ headers: [{ name: 'X-A', valueFrom: {} }] }),
      /valueFrom: set exactly one of secretKeyRef and configMapKeyRef/,
    ],
    [document({ concurrency: 0 }), /^spec\.concurrency: /],
    [document({ rate: { requests: 1 } }), /per/],
    [document({ evnts: 1 }), /unknown field "evnts"/],
    [document({}, 'a.b'), /metadata\.name: at most 63/],
    [{ ...document(), kind: 'WebhookFunction' }, /WebhookSubscription/],
  ] as const) {
    const mistakes = said(value);
    assert.ok(
      mistakes.some((each) => pattern.test(each)),
      `${String(pattern)} in ${mistakes.join('; ')}`,
    );
  }
  assert.match(said(document({ class: 'canary' }), document())[0] ?? '', /class is immutable/);
  assert.deepEqual(said(document({ class: 'canary' }), document({ class: 'canary' })), []);
});
