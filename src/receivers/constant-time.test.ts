/**
 * Whether the time of a refusal says how much of a guess was right: a statistical test, with a naive comparison as the
 * control that shows it could have noticed.
 */
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import { findEqualSecret } from './compare-secret.ts';
import { github } from './github.ts';
import { sampleTools } from '../../test/builders/sample-receiver.ts';

const rounds = 4000;

/** Compares byte for byte and stops at the first difference: what must not be. Repeated, so that a clock can see it. */
function naiveEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/**
 * Medians of the times for a guess that is wrong at its first byte and for one that is wrong at its last, measured in turn,
 * over the spread of the first: how many times the noise the difference is.
 */
function leak(early: () => unknown, late: () => unknown): number {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, run] of [early, late].entries()) {
      const started = process.hrtime.bigint();
      run();
      times[index]?.push(Number(process.hrtime.bigint() - started));
    }
  }
  const [first, second] = times.map((all) => all.slice(rounds / 4).sort((a, b) => a - b)) as [number[], number[]];
  const at = (all: readonly number[], fraction: number): number => all[Math.floor(all.length * fraction)] ?? 0;
  const spread = Math.max(at(first, 0.75) - at(first, 0.25), 1);
  return Math.abs(at(second, 0.5) - at(first, 0.5)) / spread;
}

const flip = (bytes: Uint8Array, place: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[place] = (copy[place] ?? 0) ^ 0xff;
  return copy;
};

test('a naive comparison is caught by the measurement', () => {
  const secret = randomBytes(4096);
  const [early, late] = [flip(secret, 0), flip(secret, secret.length - 1)];
  assert.ok(
    leak(
      () => naiveEqual(secret, early),
      () => naiveEqual(secret, late),
    ) > 1,
  );
});

test('tokens take as long to refuse at the last byte as at the first', () => {
  const secret = randomBytes(4096);
  const [early, late] = [flip(secret, 0), flip(secret, secret.length - 1)];
  assert.ok(
    leak(
      () => findEqualSecret(early, [secret]),
      () => findEqualSecret(late, [secret]),
    ) < 1,
  );
});

test('signatures take as long to refuse at the last byte as at the first', () => {
  const key = 'a secret that is long enough';
  const body = 'x'.repeat(1024);
  const digest = createHmac('sha256', key).update(body).digest();
  const prepared = github.prepare({});
  assert.ok(prepared.ok);
  const { receiver } = prepared;
  const secrets = secretsOf(key);
  const asking = (guess: Buffer) => {
    const request = rawRequest({ headers: { 'x-hub-signature-256': `sha256=${guess.toString('hex')}` }, body });
    return () => receiver.verify(request, secrets, sampleTools);
  };
  assert.ok(leak(asking(flip(digest, 0)), asking(flip(digest, 31))) < 1);
});
