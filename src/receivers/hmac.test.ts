import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import { checkSecrets } from './check-secrets.ts';
import { hmac } from './hmac.ts';
import type { Fields } from './read-fields.ts';
import type { PreparedReceiver, VerifiedSender } from './types.ts';

const signature = { header: 'X-Acme-Signature' };

function prepare(fields: Fields): PreparedReceiver {
  const result = hmac.prepare(fields);
  assert.ok(result.ok, JSON.stringify(result));
  return result.receiver;
}

function mistakes(fields: Fields): string {
  const result = hmac.prepare(fields);
  assert.ok(!result.ok, JSON.stringify(fields));
  return result.mistakes.map(({ path, message }) => `${path} ${message}`).join('; ');
}

describe('the description of a scheme', () => {
  test('that cannot be right is refused with the path of each mistake', () => {
    const timestamp = { header: 'X-Time' };
    for (const [fields, expected] of [
      [{}, /signature is required/],
      [{ signature: {} }, /signature\.header is required/],
      [{ signature: { header: 'a b' } }, /signature\.header must be a header name/],
      [{ signature: 'X' }, /signature must be an object/],
      [
        { signature: { header: 'X', encodign: 'hex' } },
        /signature\.encodign is not known here; known are header, encoding/,
      ],
      [{ signature, algorithm: 'md5' }, /algorithm must be one of sha1, sha256, sha384, sha512/],
      [{ signature, signed: '{timestamp}' }, /signed leaves the body unsigned/],
      [{ signature, signed: '{timestamp}.{body}' }, /timestamp is required because signed uses \{timestamp\}/],
      [{ signature, timestamp }, /timestamp is not covered by the signature/],
      [
        { signature, signed: '{timestamp}{body}', timestamp: { header: 'X', from: 'signature', field: 't' } },
        /either header, or from/,
      ],
      [{ signature, signed: '{timestamp}{body}', timestamp: { from: 'signature' } }, /timestamp\.field is required/],
      [
        { signature, signed: '{timestamp}{body}', timestamp: { from: 'signature', field: 't' } },
        /separator is required/,
      ],
      [{ signature, signed: '{timestamp}{body}', timestamp: { header: 'X', tolerance: '0s' } }, /above zero/],
      [{ signature, signed: '{timestamp}{body}', timestamp: { header: 'X', tolerance: '5' } }, /duration/],
      [{ signature, signed: '{id}.{body}' }, /id must be \{ header: … \}/],
      [{ signature, id: { header: 'X', body: '/id' } }, /id must have either header or body/],
      [{ signature, type: { body: 'event' } }, /type\.body must be a JSON pointer/],
      [{ signature, nonsense: 1 }, /nonsense is not known/],
      [{ signature, constructor: {} }, /constructor is not known/],
    ] as const) {
      assert.match(mistakes(fields), expected);
    }
  });

  test('warns of what weakens it, and of nothing else', () => {
    assert.match(prepare({ signature, algorithm: 'sha1' }).warnings.join(), /sha1/);
    assert.match(prepare({ signature }).warnings.join(), /no timestamp/);
    const strong = { signature, signed: '{timestamp}.{body}', timestamp: { header: 'X-Time' } };
    assert.deepEqual(prepare(strong).warnings, []);
    assert.match(prepare({ signature, signed: '{id}{body}', id: { header: 'X-Id' } }).warnings.join(), /no separator/);
  });
});

describe('the secret', () => {
  const key = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
  const digest = createHmac('sha256', key).update('x').digest('hex');
  const request = rawRequest({ headers: { 'x-acme-signature': digest }, body: 'x' });

  test('is decoded as the description says', async () => {
    for (const [secretEncoding, text] of [
      ['base64', key.toString('base64')],
      ['base64', `${key.toString('base64url')}\n`],
      ['hex', key.toString('hex').toUpperCase()],
    ] as const) {
      const receiver = prepare({ signature, secretEncoding });
      const verdict = await receiver.verify(request, secretsOf(text), { now: () => 0 });
      assert.equal(verdict.verdict, 'verified', `${secretEncoding} ${text}`);
    }
    assert.equal((await prepare({ signature }).verify(request, secretsOf(key), { now: () => 0 })).verdict, 'verified');
  });

  test('that does not decode, is weak or missing is named before it serves', async () => {
    const receiver = prepare({ signature, secretEncoding: 'hex' });
    const problem = (text: string, allowWeakSecrets = false): string | undefined =>
      checkSecrets(receiver, secretsOf(text), { allowWeakSecrets })?.reason;
    assert.equal(problem(key.toString('hex')), undefined);
    assert.equal(problem('no hex at all'), 'SecretMalformed');
    assert.equal(problem('', true), 'SecretMalformed');
    // 30 hex digits are 15 bytes: what counts is the key, not its text.
    assert.equal(problem('a1'.repeat(15)), 'SecretTooWeak');
    assert.equal(problem('a1'.repeat(15), true), undefined);
    assert.equal(checkSecrets(receiver, secretsOf(), { allowWeakSecrets: true })?.reason, 'SecretMissing');
    const verdict = await receiver.verify(request, secretsOf('no hex'), { now: () => 0 });
    assert.ok(verdict.verdict === 'refused' && verdict.reason === 'SecretMalformed');
  });
});

describe('id and type', () => {
  const verified: VerifiedSender = { verdict: 'verified', proof: 'signature', steps: [] };
  const request = rawRequest({
    headers: { 'x-delivery': 'd-1', 'x-type': 'order paid' },
    body: '{"event":{"id":7,"type":"order.paid"}}',
  });

  test('come from a header or the body, and the id is signed only if the signature covers it', () => {
    for (const [fields, expected] of [
      [{}, { name: 'request', idSigned: false }],
      [{ id: { body: '/event/id' } }, { name: 'request', deliveryId: '7', idSigned: true }],
      [{ id: { header: 'X-Delivery' } }, { name: 'request', deliveryId: 'd-1', idSigned: false }],
      [
        { id: { header: 'X-Delivery' }, signed: '{id}.{body}' },
        { name: 'request', deliveryId: 'd-1', idSigned: true },
      ],
      [
        { id: { header: 'X-Delivery' }, signed: '{header:x-delivery}.{body}' },
        { name: 'request', deliveryId: 'd-1', idSigned: true },
      ],
      [
        { id: { body: '/event/id' }, signed: '{header:Digest}' },
        { name: 'request', deliveryId: '7', idSigned: true },
      ],
      [{ type: { body: '/event/type' } }, { name: 'order.paid', idSigned: false }],
      [{ type: { header: 'X-Type' } }, { name: 'order_paid', idSigned: false }],
      [{ type: { header: 'X-Other' } }, { name: 'request', idSigned: false }],
    ] as const) {
      const { type, ...identified } = prepare({ signature, ...fields }).identify(request, verified);
      assert.deepEqual(identified, expected);
      assert.equal(type, `dev.moonhook.http.${identified.name}`);
    }
  });
});
