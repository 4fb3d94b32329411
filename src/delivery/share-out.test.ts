import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../store/store.ts';
import { loadsOf, shareOut } from './share-out.ts';

const none: ReadonlyMap<string, number> = new Map();

test('one destination gets all it can start', () => {
  assert.deepEqual(shareOut([{ destination: 'a', slots: 500 }], none, 200), [{ destination: 'a', max: 200 }]);
  assert.deepEqual(shareOut([{ destination: 'a', slots: 0 }], none, 200), []);
});

test('a great backlog leaves the others their share, and what they do not need is not lost', () => {
  const due = [
    { destination: 'a', slots: 100 },
    { destination: 'b', slots: 100 },
    { destination: 'c', slots: 2 },
  ];
  assert.deepEqual(shareOut(due, none, 30), [
    { destination: 'a', max: 18 },
    { destination: 'b', max: 10 },
    { destination: 'c', max: 2 },
  ]);
});

test('of more destinations than one pull holds the least busy go first', () => {
  const due = ['a', 'b', 'c'].map((destination) => ({ destination, slots: 5 }));
  const loads = new Map([
    ['a', 3],
    ['b', 1],
  ]);
  assert.deepEqual(
    shareOut(due, loads, 2).map(({ destination }) => destination),
    ['c', 'b'],
  );
});

test('of many that are as busy each has its turn, although a pull takes few and those that had theirs are due again', () => {
  const due = Array.from({ length: 100 }, (_, index) => ({ destination: `ns/f${index}/trigger:t`, slots: 5 }));
  function served(inTurn: boolean): number {
    const seen = new Set<string>();
    let running: readonly string[] = [];
    let turn = 0;
    for (let pull = 0; pull < 40; pull += 1) {
      const loads = loadsOf(running.map((destination) => ({ lease: { destination } as Lease })));
      const wishes = shareOut(due, loads, 16, inTurn ? turn : 0);
      turn += wishes.length;
      for (const { destination } of wishes) seen.add(destination);
      // Those that were pulled before have ended, but for a few.
      running = [...running.slice(16), ...wishes.map(({ destination }) => destination)].slice(-24);
    }
    return seen.size;
  }
  assert.ok(served(false) < due.length, 'control');
  assert.equal(served(true), due.length);
});
