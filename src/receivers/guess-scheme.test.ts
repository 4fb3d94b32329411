import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import { receiverOfVector, requestOfVector, secretOfVector, type Vector } from '../../test/builders/vector-request.ts';
import { receivers } from './catalogue.ts';
import { guessScheme } from './guess-scheme.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/receivers.json', import.meta.url), 'utf8'),
) as readonly Vector[];
const nowMs = Date.UTC(2026, 0, 31);
const secret = 'a secret that is long enough';

/** The description that was found verifies the request it was found from. */
async function assertFits(request: ReturnType<typeof rawRequest>, key: Uint8Array, at: number): Promise<void> {
  const [guess] = await guessScheme(request, [key], { nowMs });
  assert.equal(guess?.receiver, 'hmac', JSON.stringify(guess));
  const prepared = receivers.get('hmac')?.prepare(guess.fields);
  assert.ok(prepared?.ok, JSON.stringify(prepared));
  const verdict = await prepared.receiver.verify(request, secretsOf(key), { now: () => at });
  assert.equal(verdict.verdict, 'verified', JSON.stringify([guess, verdict]));
}

describe('guessing the scheme of a captured request', () => {
  for (const id of ['mux', 'convoy-advanced', 'hook0-v0', 'generic-adnanh-sha512', 'aspnet-custom', 'generic-scalr']) {
    const vector = vectors.find((candidate) => candidate.id === id) ?? assert.fail(id);
    test(`finds a description for ${id}`, async () => {
      const request = requestOfVector(vector);
      await assertFits(request, secretOfVector(vector), Number(vector.ts ?? 0) * 1000 || nowMs);
    });
  }

  test('finds unusual places: a time in a header, an id, a hex secret, base64 behind a word', async () => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const digest = createHmac('sha256', key).update('evt-7.1769850000.{"a":1}').digest('base64');
    const headers = { 'x-sent': '1769850000', 'x-event': 'evt-7', 'x-auth': `HMAC ${digest}` };
    const request = rawRequest({ headers, body: '{"a":1}' });
    await assertFits(request, Buffer.from(key.toString('hex')), 1_769_850_000_000);
  });

  test('names the receiver of the catalogue where one fits', async () => {
    for (const id of ['stripe-dotnet', 'slack-event-json', 'square-1', 'twilio-form', 'standard-v1a', 'discord-ping']) {
      const vector = vectors.find((candidate) => candidate.id === id) ?? assert.fail(id);
      const guesses = await guessScheme(requestOfVector(vector), [secretOfVector(vector)], { nowMs });
      assert.ok(
        guesses.some(({ receiver }) => receiver === receiverOfVector(vector)?.name),
        JSON.stringify(guesses),
      );
    }
  });

  test('finds nothing with another secret, nor in a request without a signature', async () => {
    const digest = createHmac('sha256', secret).update('{}').digest('hex');
    const request = rawRequest({ headers: { 'x-signature': digest }, body: '{}' });
    assert.equal((await guessScheme(request, [Buffer.from(secret)], { nowMs })).length, 1);
    assert.deepEqual(await guessScheme(request, [Buffer.from('another secret of some length')], { nowMs }), []);
    assert.deepEqual(await guessScheme(rawRequest({ body: '{}' }), [Buffer.from(secret)], { nowMs }), []);
  });
});
