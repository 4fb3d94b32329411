import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettleItem } from '../store/store.ts';
import { createSettleBatches } from './settle-batches.ts';

const item = (delivery: number): SettleItem => ({ receipt: { delivery, epoch: 1 }, ending: { kind: 'done' } });

test('what ends in one turn is one settle, and each hears its own answer', async () => {
  const calls: number[][] = [];
  const settle = createSettleBatches(
    {
      async settle(items) {
        calls.push(items.map(({ receipt }) => receipt.delivery));
        return items.map(({ receipt }) => (receipt.delivery === 2 ? 'stale' : 'ok'));
      },
    },
    (callback) => setImmediate(callback),
  );
  assert.deepEqual(await Promise.all([1, 2, 3].map((delivery) => settle(item(delivery)))), ['ok', 'stale', 'ok']);
  assert.equal(await settle(item(4)), 'ok');
  assert.deepEqual(calls, [[1, 2, 3], [4]]);
});

test('one that cannot be written fails alone', async () => {
  const settle = createSettleBatches(
    {
      async settle(items) {
        if (items.some(({ receipt }) => receipt.delivery === 2)) throw new Error('boom');
        return items.map(() => 'ok' as const);
      },
    },
    (callback) => setImmediate(callback),
  );
  const settled = await Promise.allSettled([1, 2, 3].map((delivery) => settle(item(delivery))));
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});
