import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue, type Owner } from './fair-queue.ts';

const owner = (namespaceUid: string, revision: string): Owner => ({ namespaceUid, revision });

function drain(queue: FairQueue<string>): string[] {
  const order: string[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) order.push(queue.take(next) ?? 'nothing');
  return order;
}

test('namespaces take turns, then functions, whoever came first and however many there are', () => {
  const queue = new FairQueue<string>();
  for (const item of ['evil 1', 'evil 2', 'evil 3']) queue.push(owner('evil', 'a'), item);
  queue.push(owner('evil', 'b'), 'other of evil');
  queue.push(owner('good', 'c'), 'good');
  assert.equal(queue.length, 5);
  assert.deepEqual(drain(queue), ['evil 1', 'good', 'other of evil', 'evil 2', 'evil 3']);
  assert.equal(queue.length, 0);
});

test('an owner who may not have the turn is passed over', () => {
  const queue = new FairQueue<string>();
  queue.push(owner('full', 'a'), 'first');
  queue.push(owner('free', 'b'), 'second');
  assert.deepEqual(
    queue.next(({ namespaceUid }) => namespaceUid !== 'full'),
    owner('free', 'b'),
  );
  assert.equal(
    queue.next(() => false),
    undefined,
  );
});

test('an item can leave before its turn', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a', 'b']) queue.push(owner('n', 'f'), item);
  assert.equal(
    queue.remove(owner('n', 'f'), (item) => item === 'a'),
    'a',
  );
  assert.equal(
    queue.remove(owner('n', 'f'), (item) => item === 'a'),
    undefined,
  );
  assert.equal(
    queue.remove(owner('n', 'g'), () => true),
    undefined,
  );
  assert.deepEqual(drain(queue), ['b']);
});
