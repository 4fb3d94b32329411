import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { secretsOf } from '../../test/builders/raw-request.ts';
import { requestOfVector, type Vector } from '../../test/builders/vector-request.ts';
import { paypal } from './paypal.ts';
import type { FetchDocument, RawRequest, Verdict } from './types.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/receivers.json', import.meta.url), 'utf8'),
) as readonly Vector[];
const vector = vectors.find(({ id }) => id === 'paypal-2015') ?? assert.fail();
const genuine = requestOfVector(vector);
const nowMs = (vector.verify_at_unix ?? 0) * 1000;
const certificate = Buffer.from(vector.key);
const fromHost: FetchDocument = async () => ({ ok: true, bytes: certificate });

async function judge(
  request: RawRequest,
  options: { readonly webhookId?: string; readonly at?: number; readonly fetchDocument?: FetchDocument } = {},
): Promise<string> {
  const prepared = paypal.prepare({ webhookId: options.webhookId ?? vector.webhook_id });
  assert.ok(prepared.ok);
  const { at = nowMs, fetchDocument = fromHost } = options;
  const verdict: Verdict = await prepared.receiver.verify(request, secretsOf(), { now: () => at, fetchDocument });
  return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
}

const withHeader = (name: string, ...values: readonly string[]): RawRequest => ({
  ...genuine,
  headers: new Map([...genuine.headers, [name, values]]),
});

describe('paypal', () => {
  test('passes with its certificate, and fails with each byte of body, headers and webhook id changed', async () => {
    assert.equal(await judge(genuine), 'verified');
    for (let index = 0; index < genuine.body.length; index += 1) {
      const body = Buffer.from(genuine.body);
      body[index] = (body[index] ?? 0) ^ 1;
      assert.equal(await judge({ ...genuine, body }), 'SignatureMismatch', `body at ${index}`);
    }
    for (const name of ['paypal-transmission-id', 'paypal-transmission-time', 'paypal-transmission-sig'] as const) {
      const value = genuine.headers.get(name)?.[0] ?? assert.fail(name);
      for (let index = 0; index < value.length; index += 1) {
        const bytes = Buffer.from(value);
        bytes[index] = (bytes[index] ?? 0) ^ 1;
        assert.notEqual(await judge(withHeader(name, bytes.toString('latin1'))), 'verified', `${name} at ${index}`);
      }
      assert.notEqual(await judge(withHeader(name)), 'verified', name);
      assert.notEqual(await judge(withHeader(name, value, value)), 'verified', name);
    }
    for (let index = 0; index < 17; index += 1) {
      const id = Buffer.from(vector.webhook_id ?? '');
      id[index] = (id[index] ?? 0) ^ 1;
      if (/^\w+$/.test(id.toString()))
        assert.equal(await judge(genuine, { webhookId: id.toString() }), 'SignatureMismatch');
    }
  });

  test('fails closed without the certificate, with another one, and outside of its time', async () => {
    assert.equal(
      await judge(genuine, { fetchDocument: async () => ({ ok: false, message: 'no' }) }),
      'KeysUnavailable',
    );
    const other = readFileSync(new URL('../../test/certificates/signing.pem', import.meta.url));
    assert.equal(
      await judge(genuine, { fetchDocument: async () => ({ ok: true, bytes: other }) }),
      'CertificateRefused',
    );
    const noise = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----');
    assert.equal(
      await judge(genuine, { fetchDocument: async () => ({ ok: true, bytes: noise }) }),
      'CertificateRefused',
    );
    assert.equal(await judge(genuine, { at: Date.UTC(2026, 0, 1) }), 'CertificateRefused');
    assert.equal(await judge(genuine, { at: nowMs + 97 * 3_600_000 }), 'TimestampOutsideTolerance');
    assert.equal(await judge(genuine, { at: nowMs + 95 * 3_600_000 }), 'verified');
    assert.equal(await judge(genuine, { at: nowMs - 3_600_000 }), 'TimestampOutsideTolerance');
  });

  test('takes the algorithm it knows and no other', async () => {
    for (const algorithm of ['SHA1withRSA', 'none', '']) {
      assert.equal(await judge(withHeader('paypal-auth-algo', algorithm)), 'SignatureMalformed');
    }
  });
});
