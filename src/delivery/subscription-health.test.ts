import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/open-store.ts';
import { createHealthBook } from './subscription-health.ts';

test('a book that has forgotten a subscription behind ten thousand others knows from the store since when it fails', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const clock = { now: 1_000_000 };
  let reads = 0;
  const counting = {
    ...store,
    get(...parts: Parameters<typeof store.get>) {
      reads += 1;
      return store.get(...parts);
    },
  };
  const book = createHealthBook(counting, () => clock.now);
  const fail = async (): Promise<number> => {
    const { writes, onlyFailuresMs } = await book.failure('ns', 'first', 'spec', 'away');
    await store.write(writes, []);
    return onlyFailuresMs;
  };
  assert.equal(await fail(), 0);
  clock.now += 1_000;
  reads = 0;
  assert.deepEqual([await fail(), reads], [1_000, 0], 'control: it is remembered');
  for (let count = 0; count < 10_000; count += 1) book.success('ns', `other-${count}`);
  clock.now += 1_000;
  assert.deepEqual([await fail(), reads], [2_000, 3], 'it is read anew');
});
