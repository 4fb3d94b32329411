import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { createGatherer } from './gather.ts';

function gathering() {
  const clock = manualClock();
  const { signal } = new AbortController();
  const later: (() => void)[] = [];
  const counted = { runs: 0 };
  const gatherer = createGatherer({
    restMs: 20,
    quietMs: 5,
    mostMs: 50,
    clock,
    signal,
    soon: (callback) => void later.push(callback),
    run: () => (counted.runs += 1),
  });
  const turn = (): void => {
    for (const callback of later.splice(0)) callback();
  };
  return { clock, gatherer, counted, turn };
}

test('the first touch after a rest is run in the next turn, with those that came before it', async () => {
  const { clock, gatherer, counted, turn } = gathering();
  gatherer.touch();
  gatherer.touch();
  assert.equal(counted.runs, 0);
  turn();
  assert.equal(counted.runs, 1);
  await clock.pass(20);
  gatherer.touch();
  turn();
  assert.equal(counted.runs, 2);
  await clock.pass(100);
  assert.equal(counted.runs, 2, 'nothing is run without a touch');
});

test('touches that follow within the quiet time are one run', async () => {
  const { clock, gatherer, counted, turn } = gathering();
  gatherer.touch();
  turn();
  gatherer.touch();
  await clock.pass(3);
  gatherer.touch();
  await clock.pass(4);
  turn();
  assert.equal(counted.runs, 1);
  await clock.pass(1);
  assert.equal(counted.runs, 2);
});

test('a run comes at the latest after the bound, however often it is touched', async () => {
  const { clock, gatherer, counted, turn } = gathering();
  gatherer.touch();
  turn();
  for (let at = 0; at < 50; at += 1) {
    gatherer.touch();
    await clock.pass(1);
  }
  assert.equal(counted.runs, 2);
});
