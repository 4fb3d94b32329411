import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingRequests, type PendingRequest } from './pending-requests.ts';

const request = (): PendingRequest => ({ resolve: () => undefined, reject: () => undefined });

test('each request that waits has a number of its own, and an answer takes it once', () => {
  const pending = new PendingRequests();
  const [a, b, c] = [request(), request(), request()];
  const [first, second] = [pending.add(a), pending.add(b)];
  assert.notEqual(first, second);
  assert.equal(pending.take(first), a);
  assert.equal(pending.take(first), undefined);
  assert.equal(pending.size, 1);
  const third = pending.add(c);
  assert.notEqual(third, second);
  assert.deepEqual([pending.take(third), pending.take(second), pending.size], [c, b, 0]);
  assert.equal(pending.take(99), undefined);
});

test('all that still wait are taken at once', () => {
  const pending = new PendingRequests();
  const [a, b] = [request(), request()];
  const first = pending.add(a);
  pending.add(b);
  pending.take(first);
  assert.deepEqual(pending.takeAll(), [b]);
  assert.equal(pending.size, 0);
  assert.equal(pending.take(pending.add(a)), a);
});
