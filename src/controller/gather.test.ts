import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGatherer } from './gather.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';

test('touches within the quiet time are one run', async () => {
  const clock = manualClock();
  const { signal } = new AbortController();
  let runs = 0;
  const gatherer = createGatherer({ quietMs: 5, mostMs: 50, clock, signal, run: () => (runs += 1) });
  gatherer.touch();
  await clock.pass(3);
  gatherer.touch();
  await clock.pass(4);
  assert.equal(runs, 0);
  await clock.pass(1);
  assert.equal(runs, 1);
});

test('a run comes at the latest after the bound, however often it is touched', async () => {
  const clock = manualClock();
  const { signal } = new AbortController();
  let runs = 0;
  const gatherer = createGatherer({ quietMs: 5, mostMs: 50, clock, signal, run: () => (runs += 1) });
  for (let at = 0; at < 50; at += 1) {
    gatherer.touch();
    await clock.pass(1);
  }
  assert.equal(runs, 1);
});
