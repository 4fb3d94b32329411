import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signWebhook } from './sign-webhook.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('signs the published vector of Standard Webhooks', () => {
  const headers = signWebhook('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, bytes('{"test": 2432232314}'), [
    bytes('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
  ]);
  assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  assert.equal(headers['webhook-timestamp'], '1614265330');
});

test('signs with every secret while one is rotated, the first one first', () => {
  const [one, two] = [bytes('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), bytes('a secret made elsewhere')];
  const both = signWebhook('id', 0, bytes('x'), [one, two])['webhook-signature'].split(' ');
  assert.deepEqual(both, [
    signWebhook('id', 0, bytes('x'), [one])['webhook-signature'],
    signWebhook('id', 0, bytes('x'), [two])['webhook-signature'],
  ]);
});
