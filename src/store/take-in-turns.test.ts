import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeInTurns } from './take-in-turns.ts';

/** A loop whose work takes as long as it is told. */
function bench(costMs: number, busy = false) {
  const clock = { now: 0 };
  let asked: (() => void)[] = [];
  const started: number[] = [];
  const start = takeInTurns<number>(
    { nextTurn: (callback) => void asked.push(callback), now: () => clock.now, isBusy: () => busy },
    (item) => {
      started.push(item);
      clock.now += costMs;
    },
  );
  /** What was asked for before the turn began comes in it. */
  const turn = (): number => {
    const before = started.length;
    const now = asked;
    asked = [];
    for (const callback of now) callback();
    return started.length - before;
  };
  return { turn, isIdle: () => asked.length === 0, started, start };
}

test('everything is started once and in order, whenever it comes', () => {
  const { turn, isIdle, started, start } = bench(0.9);
  start([1, 2, 3, 4, 5, 6]);
  assert.deepEqual(started, [], 'not before what is ready has had its turn');
  turn();
  assert.deepEqual(started, [1, 2, 3, 4, 5], 'as many as begin within the time of a turn');
  start([7]);
  start([]);
  while (!isIdle()) turn();
  assert.deepEqual(started, [1, 2, 3, 4, 5, 6, 7]);
  start([8]);
  turn();
  assert.deepEqual(started.at(-1), 8);
  assert.ok(isIdle());
});

test('a turn takes what fits in its time, one at least, and less while somebody waits for answers', () => {
  const sizes = (costMs: number, busy = false): readonly number[] => {
    const { turn, isIdle, started, start } = bench(costMs, busy);
    start(Array.from({ length: 3_000 }, (_, index) => index));
    const seen: number[] = [];
    while (!isIdle()) seen.push(turn());
    assert.equal(started.length, 3_000);
    assert.ok(started.every((item, index) => item === index));
    return seen;
  };
  assert.equal(Math.max(...sizes(0.001)), 64);
  assert.equal(Math.max(...sizes(5)), 1);
  assert.equal(Math.max(...sizes(0.5)), 8);
  assert.equal(Math.max(...sizes(0.25, true)), 4);
});

test('while somebody waits for answers there is a pause after each turn, as long as its work asks for', () => {
  const clock = { now: 0, busy: true };
  let asked: (() => void)[] = [];
  const pauses: { readonly workedMs: number; readonly callback: () => void }[] = [];
  const started: number[] = [];
  const start = takeInTurns<number>(
    {
      nextTurn: (callback) => void asked.push(callback),
      now: () => clock.now,
      isBusy: () => clock.busy,
      rest: (workedMs, callback) => void pauses.push({ workedMs, callback }),
    },
    (item) => {
      started.push(item);
      clock.now += 0.5;
    },
  );
  const turn = (): void => {
    const now = asked;
    asked = [];
    for (const callback of now) callback();
  };
  start([1, 2, 3]);
  turn();
  assert.deepEqual(started, [1, 2]);
  assert.deepEqual(
    pauses.map(({ workedMs }) => workedMs),
    [1],
  );
  start([4]);
  turn();
  assert.deepEqual(started, [1, 2], 'what comes meanwhile waits, too');
  pauses.shift()?.callback();
  turn();
  assert.deepEqual(started, [1, 2, 3, 4]);
  pauses.shift()?.callback();
  assert.equal(asked.length, 0);
  clock.busy = false;
  start([5, 6, 7, 8]);
  turn();
  assert.deepEqual(started, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(pauses.length, 0, 'nobody waits: no pause');
});
