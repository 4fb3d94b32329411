import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { secretsOf } from '../../test/builders/raw-request.ts';
import {
  proofHeaders,
  receiverOfVector,
  requestOfVector,
  secretOfVector,
  type Vector,
} from '../../test/builders/vector-request.ts';
import { receivers } from './catalogue.ts';
import type { RawRequest, Verdict } from './types.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/receivers.json', import.meta.url), 'utf8'),
) as readonly Vector[];

/** Applicable: the catalogue has the sender and the vector has a body. */
const applicable = vectors.filter((vector) => receiverOfVector(vector) !== undefined);
/** Those with a key pair or a token of their own are run by the tests of their receivers. */
const elsewhere = new Set(['paypal-2015', 'jwt-rfc7515-a1']);

function judge(vector: Vector, request: RawRequest, secret: Uint8Array, nowMs = timeOf(vector)): Verdict {
  const { name, fields } = receiverOfVector(vector) ?? assert.fail(vector.id);
  const prepared = receivers.get(name)?.prepare(fields);
  assert.ok(prepared?.ok, JSON.stringify(prepared));
  const verdict = prepared.receiver.verify(request, secretsOf(secret), { now: () => nowMs });
  assert.ok(!(verdict instanceof Promise));
  return verdict;
}

function timeOf(vector: Vector): number {
  // Linear's time lies in the body.
  if (vector.id === 'linear') return 1_700_000_000_000;
  const text = vector.ts ?? '0';
  if (!/^\d+$/.test(text)) return Date.parse(text);
  return text.length > 11 ? Number(text) : Number(text) * 1000;
}

/** Each byte changed, one at a time; of long inputs about 400, the first and last among them. */
function* changed(bytes: Uint8Array): Generator<{ readonly bytes: Uint8Array; readonly index: number }> {
  const step = Math.max(1, Math.floor(bytes.length / 400));
  for (let index = bytes.length - 1; index >= 0; index -= index >= step ? step : 1) {
    const copy = Uint8Array.from(bytes);
    copy[index] = (copy[index] ?? 0) ^ 0x01;
    yield { bytes: copy, index };
  }
}

/** Whether a byte belongs to an entry of another version, which the sender says to skip. */
function isOtherVersion(vector: Vector, value: string, index: number): boolean {
  const start = value.lastIndexOf(',', index) + 1;
  // The names of the signed headers are those configured, whatever the request says.
  if (vector.id === 'hook0-v1' && value.startsWith('h=', start)) return true;
  return (
    vector.header_value !== undefined &&
    value.startsWith('v0=', start) &&
    index >= start &&
    vector.id === 'stripe-dotnet'
  );
}

describe('published and derived vectors', () => {
  test('cover every receiver that names one in its guide, and no guide names one that is not there', () => {
    const ids = new Set(vectors.map(({ id }) => id));
    const used = new Set(applicable.map(({ id }) => id));
    for (const { profile, guide } of receivers.values()) {
      for (const id of guide.vectors) {
        assert.ok(ids.has(id), `${profile.name} names ${id}`);
        assert.ok(used.has(id), `${id} of ${profile.name} is not run`);
      }
    }
    const named = new Set([...receivers.values()].flatMap(({ guide }) => guide.vectors));
    for (const { id } of applicable) assert.ok(named.has(id), `${id} is in no guide`);
  });

  for (const vector of applicable.filter(({ id }) => !elsewhere.has(id))) {
    test(`${vector.id} (${vector.sender}) passes, and fails with any byte changed`, () => {
      const secret = secretOfVector(vector);
      const request = requestOfVector(vector);
      const verdict = judge(vector, request, secret);
      assert.equal(verdict.verdict, 'verified', JSON.stringify(verdict));

      for (const { bytes } of changed(request.body)) {
        assert.equal(judge(vector, { ...request, body: bytes }, secret).verdict, 'refused', 'body');
      }
      assert.equal(
        judge(vector, { ...request, body: Buffer.concat([request.body, Buffer.from('\n')]) }, secret).verdict,
        'refused',
      );
      for (const { bytes } of changed(secret)) {
        assert.equal(judge(vector, request, bytes).verdict, 'refused', 'secret');
      }
      if (/\{url\}/.test(vector.signed)) {
        for (const { bytes, index } of changed(Buffer.from(request.publicUrl))) {
          // What follows `#` never leaves the sender.
          const url = Buffer.from(bytes).toString('latin1');
          if (!URL.canParse(url) || url.includes('#')) continue;
          const query = new Map([...new URL(url).searchParams].map(([name, value]) => [name, [value]]));
          const moved = { ...request, publicUrl: url, query };
          assert.equal(judge(vector, moved, secret).verdict, 'refused', `URL at ${index}`);
        }
      }
      for (const name of proofHeaders(vector)) {
        const value = request.headers.get(name)?.[0] ?? assert.fail(name);
        for (const { bytes, index } of changed(Buffer.from(value, 'latin1'))) {
          if (isOtherVersion(vector, value, index)) continue;
          const headers = new Map([...request.headers, [name, [Buffer.from(bytes).toString('latin1')]]]);
          assert.equal(judge(vector, { ...request, headers }, secret).verdict, 'refused', `${name} at ${index}`);
        }
        const without = new Map([...request.headers].filter(([key]) => key !== name));
        assert.equal(judge(vector, { ...request, headers: without }, secret).verdict, 'refused', `without ${name}`);
        const twice = new Map([...request.headers, [name, [value, value]]]);
        assert.equal(judge(vector, { ...request, headers: twice }, secret).verdict, 'refused', `${name} twice`);
      }
    });
  }
});
