import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startInTurns } from './start-in-turns.ts';

/** A loop whose turns take as long as the work started in them. */
function bench(costMs: number, busy = false) {
  const clock = { now: 0 };
  const turns: (() => void)[] = [];
  const started: number[] = [];
  const start = startInTurns<number>(
    { nextTurn: (callback) => void turns.push(callback), now: () => clock.now, isBusy: () => busy },
    (item) => {
      started.push(item);
      clock.now += costMs;
    },
  );
  return { turns, started, start };
}

test('everything is started once and in order, a portion a turn', () => {
  const { turns, started, start } = bench(0.01);
  start([1, 2, 3, 4, 5, 6]);
  assert.deepEqual(started, [], 'not before what is ready has had its turn');
  turns.shift()?.();
  assert.deepEqual(started, [1, 2, 3, 4]);
  start([7]);
  while (turns.length > 0) turns.shift()?.();
  assert.deepEqual(started, [1, 2, 3, 4, 5, 6, 7]);
});

test('portions grow with quick work and shrink to one with slow work', () => {
  const sizes = (costMs: number, busy = false): readonly number[] => {
    const { turns, started, start } = bench(costMs, busy);
    start(Array.from({ length: 200 }, (_, index) => index));
    const seen: number[] = [];
    while (turns.length > 0) {
      const before = started.length;
      turns.shift()?.();
      seen.push(started.length - before);
    }
    return seen;
  };
  assert.equal(Math.max(...sizes(0.001)), 32);
  assert.equal(sizes(5).at(-1), 1);
  assert.equal(Math.max(...sizes(0.001, true)), 4, 'while somebody waits for answers');
});
