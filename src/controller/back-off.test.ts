import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackOff } from './back-off.ts';

const timing = { leastMs: 800, mostMs: 30_000 };

test('waits double up to the bound, and begin anew after a reset', () => {
  const backOff = createBackOff(timing, () => 0);
  assert.deepEqual(
    Array.from({ length: 8 }, () => backOff.next()),
    [800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000],
  );
  backOff.reset();
  assert.equal(backOff.next(), 800);
});

test('chance spreads a wait up to twice its length', () => {
  assert.equal(createBackOff(timing, () => 0.5).next(), 1_200);
});

test('a longer wait that the server asks for is honoured, within bounds', () => {
  const backOff = createBackOff(timing, () => 0);
  assert.equal(backOff.next(7_000), 7_000);
  assert.equal(backOff.next(86_400_000), 300_000);
  assert.equal(backOff.next(10), 3_200);
});
