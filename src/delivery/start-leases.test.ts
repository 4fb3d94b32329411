import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../store/store.ts';
import { createLeaseStarts } from './start-leases.ts';

const event = { namespaceUid: 'ns-a', type: 't', source: '/', attributes: '{}', body: new Uint8Array() };

function lease(delivery: number): Lease {
  const id = `e${delivery}`;
  return {
    receipt: { delivery, epoch: 1 },
    event: { ...event, id },
    destination: 'd',
    generation: 0,
    attempt: 1,
    crashes: 0,
  };
}

const leases = (from: number, count: number): readonly Lease[] =>
  Array.from({ length: count }, (_, index) => lease(from + index));

/** A loop whose work takes 0.3 ms each, and whose pauses end when they are told to. */
function bench(busy: boolean) {
  const clock = { now: 0 };
  let asked: (() => void)[] = [];
  const pauses: { readonly milliseconds: number; readonly end: () => void }[] = [];
  const started: number[] = [];
  const starts = createLeaseStarts<Lease>(
    { nextTurn: (callback) => void asked.push(callback), now: () => clock.now, isBusy: () => busy },
    (milliseconds, end) => void pauses.push({ milliseconds, end }),
    ({ receipt }) => {
      started.push(receipt.delivery);
      clock.now += 0.3;
    },
  );
  const turn = (): void => {
    const now = asked;
    asked = [];
    for (const callback of now) callback();
  };
  return { clock, pauses, started, starts, turn, isIdle: () => asked.length === 0 };
}

test('while synchronous calls come the backlog pauses after each turn, and what came with its accept does not', () => {
  const { clock, pauses, started, starts, turn, isIdle } = bench(true);
  starts.pulled(leases(0, 10));
  turn();
  assert.deepEqual(started, [0, 1, 2, 3]);
  assert.equal(starts.waiting(), 6);
  assert.equal(pauses.length, 1);
  starts.fresh(leases(100, 5));
  while (!isIdle()) turn();
  assert.deepEqual(started, [0, 1, 2, 3, 100, 101, 102, 103, 104]);
  let rested = 0;
  for (let pause = pauses.shift(); pause !== undefined; pause = pauses.shift()) {
    rested += 1;
    clock.now += pause.milliseconds;
    pause.end();
    while (!isIdle()) turn();
  }
  assert.deepEqual(started.slice(9), [4, 5, 6, 7, 8, 9]);
  assert.equal(starts.waiting(), 0);
  assert.equal(rested, 3);
});

test('pauses that end late become longer', () => {
  const longest = (lateMs: number): number => {
    const { clock, pauses, starts, turn, isIdle } = bench(true);
    starts.pulled(leases(0, 100));
    let most = 0;
    for (;;) {
      while (!isIdle()) turn();
      const pause = pauses.shift();
      if (pause === undefined) return most;
      most = Math.max(most, pause.milliseconds);
      clock.now += pause.milliseconds + lateMs;
      pause.end();
    }
  };
  assert.equal(longest(0), 4);
  assert.equal(longest(20), 11);
});

test('where nobody waits for answers nothing pauses', () => {
  const { pauses, started, starts, turn, isIdle } = bench(false);
  starts.pulled(leases(0, 100));
  while (!isIdle()) turn();
  assert.equal(started.length, 100);
  assert.equal(pauses.length, 0);
});
