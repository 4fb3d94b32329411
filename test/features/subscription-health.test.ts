/** How a subscription has been doing is known to all workers and after a restart; days of failures switch it off. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  createHealthBook,
  healthScope,
  longestPauseMs,
  readHealth,
  switchOffAfterMs,
} from '../../src/delivery/subscription-health.ts';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { KeyValueWrite, Store } from '../../src/store/store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';
import { answer, startReceiver } from '../builders/webhook-receiver.ts';

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
  const first = await one.failure('ns', 'orders', 'i', 'boom');
  assert.equal(first.onlyFailuresMs, 0);
  await put(first.writes);
  clock.now += 60 * minute;
  // Another worker, or the same after a restart.
  const two = createHealthBook(store, () => clock.now);
  const later = await two.failure('ns', 'orders', 'i', 'boom again');
  assert.equal(later.onlyFailuresMs, 60 * minute);
  await put(later.writes);
  assert.deepEqual((await readHealth(store, 'ns', 'orders')).failing, {
    since: clock.now - 60 * minute,
    at: clock.now,
    error: 'boom again',
    identity: 'i',
  });
  clock.now += minute;
  await put(one.success('ns', 'orders'));
  const health = await readHealth(store, 'ns', 'orders');
  assert.deepEqual([health.lastSuccess, health.failing], [clock.now, undefined]);
  clock.now += minute;
  assert.equal((await two.failure('ns', 'orders', 'i', 'boom')).onlyFailuresMs, 0);
});

test('rows are written at most every few seconds while nothing changes', async (t) => {
  const { store, clock, put } = await open(t);
  const book = createHealthBook(store, () => clock.now);
  await put(book.success('ns', 'orders'));
  clock.now += 1000;
  assert.deepEqual(book.success('ns', 'orders'), []);
  await put((await book.failure('ns', 'orders', 'i', 'x')).writes);
  clock.now += 1000;
  assert.deepEqual((await book.failure('ns', 'orders', 'i', 'x')).writes, []);
  assert.equal(book.success('ns', 'orders').length, 1);
});

test('five days of only failures are told by the book, and being off is seen by another worker within seconds', async (t) => {
  const { store, clock, put } = await open(t);
  const one = createHealthBook(store, () => clock.now);
  const two = createHealthBook(store, () => clock.now);
  assert.equal(await two.switchedOff('ns', 'orders'), undefined);
  await put((await one.failure('ns', 'orders', 'i', 'x')).writes);
  for (let day = 1; day < 5; day += 1) {
    clock.now += 86_400_000;
    await put((await two.failure('ns', 'orders', 'i', 'x')).writes);
  }
  clock.now += 86_400_000 - 1;
  assert.ok((await one.failure('ns', 'orders', 'i', 'x')).onlyFailuresMs < switchOffAfterMs);
  clock.now += 1;
  assert.equal((await one.failure('ns', 'orders', 'i', 'x')).onlyFailuresMs, switchOffAfterMs);
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

test('what was edited, or had nothing to send for days, begins to count anew', async (t) => {
  const { store, clock, put } = await open(t);
  const book = createHealthBook(store, () => clock.now);
  const fails = async (identity: string): Promise<number> => {
    const { writes, onlyFailuresMs } = await book.failure('ns', 'orders', identity, 'x');
    await put(writes);
    return onlyFailuresMs;
  };
  assert.equal(await fails('before'), 0);
  clock.now += longestPauseMs;
  assert.equal(await fails('before'), longestPauseMs, 'the control: as long as between two attempts');
  clock.now += 1000;
  assert.equal(await fails('edited'), 0, 'also within the rest of the row');
  clock.now += longestPauseMs + 1;
  assert.equal(await fails('edited'), 0);
  clock.now += 1000;
  assert.equal(await fails('edited'), 1000);
});

test('an edited subscription outlives its next failure, however long the one before had failed', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  receiver.on('/out', answer(400));
  const failing = { since: Date.now() - switchOffAfterMs - 60_000, at: Date.now(), error: 'x', identity: 'before' };
  const off = { at: Date.now(), reason: 'OnlyFailures', error: 'x', identity: 'before' };
  const row = (key: string, value: unknown): KeyValueWrite => ({
    scope: healthScope('ns-team-a', 'orders'),
    key,
    change: { kind: 'set', value: Buffer.from(JSON.stringify(value)) },
    owed: true,
  });
  await opened.connect().write([row('failure', failing), row('off', off)], []);
  const served = await serveFunctions({
    store: opened,
    policy: { egress: localPolicy('http://127.0.0.1:1', ['127.0.0.1']).egress },
    secrets: { 'signing/first': 'a secret made elsewhere, of plain text' },
  });
  t.after(() => served.close());
  const secretRefs = [{ name: 'signing', key: 'first' }];
  const url = `${receiver.url}/out`;
  await served.subscribe({ name: 'orders', namespace: 'team-a', url, secretRefs, events: ['a.*'] });
  for (const id of ['one', 'two']) {
    await served.call('/events/team-a', { method: 'POST', headers: { 'ce-type': 'a.b', 'ce-id': id } });
    const { detail } = await served.record({ id }, ({ outcome }) => outcome === 'dead');
    assert.match(detail ?? '', /^Refused: answered 400/, id);
  }
});
