import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareOut } from './share-out.ts';

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
