/** How a subscription has been doing is known to all workers and after a restart; days of failures switch it off. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createHealthBook, readHealth, switchOffAfterMs } from '../../src/delivery/subscription-health.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { KeyValueWrite, Store } from '../../src/store/store.ts';

const minute = 60_000;

async function open(
  t: TestContext,
): Promise<{ store: Store; clock: { now: number }; put(writes: readonly KeyValueWrite[]): Promise<void> }> {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  return {
    store,
    clock: { now: Date.UTC(2026, 0, 1) },
    put: async (writes) => void (await store.write(writes, [])),
  };
}

test('only failures count up, also across workers and restarts; a success of any worker ends them', async (t) => {
  const { store, clock, put } = await open(t);
  const one = createHealthBook(store, () => clock.now);
  const first = await one.failure('ns', 'orders', 'boom');
  assert.equal(first.onlyFailuresMs, 0);
  await put(first.writes);
  clock.now += 60 * minute;
  // Another worker, or the same after a restart.
  const two = createHealthBook(store, () => clock.now);
  const later = await two.failure('ns', 'orders', 'boom again');
  assert.equal(later.onlyFailuresMs, 60 * minute);
  await put(later.writes);
  assert.deepEqual((await readHealth(store, 'ns', 'orders')).failing, {
    since: clock.now - 60 * minute,
    at: clock.now,
    error: 'boom again',
  });
  clock.now += minute;
  await put(one.success('ns', 'orders'));
  const health = await readHealth(store, 'ns', 'orders');
  assert.deepEqual([health.lastSuccess, health.failing], [clock.now, undefined]);
  clock.now += minute;
  assert.equal((await two.failure('ns', 'orders', 'boom')).onlyFailuresMs, 0);
});

test('rows are written at most every few seconds while nothing changes', async (t) => {
  const { store, clock, put } = await open(t);
  const book = createHealthBook(store, () => clock.now);
  await put(book.success('ns', 'orders'));
  clock.now += 1000;
  assert.deepEqual(book.success('ns', 'orders'), []);
  await put((await book.failure('ns', 'orders', 'x')).writes);
  clock.now += 1000;
  assert.deepEqual((await book.failure('ns', 'orders', 'x')).writes, []);
  assert.equal(book.success('ns', 'orders').length, 1);
});

test('five days of only failures are told by the book, and being off is seen by another worker within seconds', async (t) => {
  const { store, clock, put } = await open(t);
  const one = createHealthBook(store, () => clock.now);
  const two = createHealthBook(store, () => clock.now);
  assert.equal(await two.switchedOff('ns', 'orders'), undefined);
  await put((await one.failure('ns', 'orders', 'x')).writes);
  clock.now += switchOffAfterMs - 1;
  assert.ok((await one.failure('ns', 'orders', 'x')).onlyFailuresMs < switchOffAfterMs);
  clock.now += 1;
  assert.equal((await one.failure('ns', 'orders', 'x')).onlyFailuresMs, switchOffAfterMs);
  const off = { at: clock.now, reason: 'OnlyFailures', error: 'x', identity: 'i' } as const;
  await put(one.switchOff('ns', 'orders', off));
  assert.deepEqual(await one.switchedOff('ns', 'orders'), off);
  clock.now += 10_000;
  assert.deepEqual(await two.switchedOff('ns', 'orders'), off);
  // It was edited or pinged, and the receiver took an event.
  await put(two.success('ns', 'orders'));
  assert.equal((await readHealth(store, 'ns', 'orders')).switchedOff, undefined);
  await put(one.switchOff('ns', 'orders', off));
  // The control: another namespace with a subscription of the same name knows nothing of it.
  assert.equal(await two.switchedOff('other', 'orders'), undefined);
});
