import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeClockStep } from './clock-step.ts';

const before = { server: 1_700_000_000_000, monotonic: 5000 };
const after = (server: number, monotonic: number) => ({
  server: before.server + server,
  monotonic: before.monotonic + monotonic,
});

test('a clock that runs, a little fast or slow, is not told', () => {
  assert.equal(describeClockStep(before, after(30_000, 30_000)), undefined);
  assert.equal(describeClockStep(before, after(30_400, 30_000)), undefined);
  assert.equal(describeClockStep(before, after(24_000, 30_000)), undefined);
});

test('a clock that was set is told with the direction and what follows', () => {
  assert.match(describeClockStep(before, after(3_630_000, 30_000)) ?? '', /3600 s forward: leases .* run again/);
  assert.match(describeClockStep(before, after(-3_570_000, 30_000)) ?? '', /3600 s back: .* up to 3600 s late/);
});
