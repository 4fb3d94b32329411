import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairOrder } from './fair-order.ts';

function taken(order: FairOrder, most = Infinity): readonly string[] {
  const keys: string[] = [];
  while (keys.length < most) {
    const key = order.take();
    if (key === undefined) break;
    keys.push(key);
  }
  return keys;
}

test('the newest go first, and each fourth time the one that waits longest', () => {
  const order = new FairOrder();
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) order.add(key);
  assert.deepEqual(taken(order), ['f', 'e', 'd', 'a', 'c', 'b']);
  assert.equal(order.take(), undefined);
  assert.equal(order.size, 0);
});

test('an edit that comes while thousands wait is next, and what waited longest is reached all the same', () => {
  const order = new FairOrder();
  for (let index = 0; index < 10_000; index += 1) order.add(`bulk ${index}`);
  const seen: string[] = [];
  for (let edit = 0; edit < 400; edit += 1) {
    order.add(`edit ${edit}`);
    const next = taken(order, 2);
    assert.ok(next.includes(`edit ${edit}`), `edit ${edit} is not among ${next.join(', ')}`);
    seen.push(...next);
  }
  assert.ok(seen.includes('bulk 0') && seen.includes('bulk 199'));
});

test('what is added again waits once, as the newest', () => {
  const order = new FairOrder();
  for (const key of ['a', 'b', 'a', 'a']) order.add(key);
  assert.deepEqual(taken(order), ['a', 'b']);
});

test('adding the same again and again takes no memory', () => {
  const order = new FairOrder();
  for (let round = 0; round < 100_000; round += 1) order.add(`key ${round % 3}`);
  assert.deepEqual([...taken(order)].sort(), ['key 0', 'key 1', 'key 2']);
});
