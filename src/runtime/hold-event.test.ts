import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { openStore } from '../store/open-store.ts';
import { StoreOverQuota } from '../store/store-over-quota.ts';
import type { AppendItem, Store } from '../store/store.ts';
import { holdEvent, type HoldingParts } from './hold-event.ts';

const item = (id: string, bytes = 4): AppendItem => ({
  event: {
    id,
    namespaceUid: 'ns-a',
    type: 'com.acme.test',
    source: '/test',
    attributes: '{}',
    body: new Uint8Array(bytes),
  },
  deliveries: [{ destination: 'ns-a/job/trigger:web', leaseMs: 60_000 }],
});

/** A store in memory with one leased event; `fails`: so many settles are refused as if the disk were gone. */
async function open(t: TestContext, fails: number) {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const [appended] = await store.append([item('late')]);
  const lease = appended?.leased[0];
  assert.ok(lease);
  let left = fails;
  const timers: (() => void)[] = [];
  const reported: string[] = [];
  let [held, tries] = [false, 0];
  const parts: HoldingParts = {
    store: {
      extend: (...given) => store.extend(...given),
      async settle(items: Parameters<Store['settle']>[0]) {
        tries += 1;
        if (left-- > 0) throw new Error('disk I/O error');
        return await store.settle(items);
      },
    },
    after(_milliseconds, callback) {
      setImmediate(callback);
      return () => undefined;
    },
    every(_milliseconds, callback) {
      held = true;
      timers.push(callback);
      return () => (held = false);
    },
    report: (message) => void reported.push(message),
    draining: false,
  };
  const states = async (): Promise<readonly string[]> =>
    (await store.read({ namespaceUid: 'ns-a' }, { limit: 10 })).map(({ state }) => state);
  return { store, lease, parts, states, reported, timers, tries: () => tries, isHeld: () => held };
}

test('an ending that cannot be written is kept and written later, and the event is held until then', async (t) => {
  const { lease, parts, states, reported, tries, isHeld } = await open(t, 3);
  const event = holdEvent(lease, 60_000, parts);
  const settled = event.settle({ kind: 'done' }, undefined);
  assert.ok(isHeld());
  await settled;
  assert.deepEqual(await states(), ['done']);
  assert.deepEqual([tries(), reported.length, isHeld()], [4, 3, false]);
});

test('what somebody else has taken over is left to them', async (t) => {
  const { store, lease, parts, states, timers, tries, isHeld } = await open(t, Number.POSITIVE_INFINITY);
  await store.release([lease.receipt], 0);
  const event = holdEvent(lease, 60_000, parts);
  for (const extend of timers) extend();
  await event.settle({ kind: 'done' }, undefined);
  assert.ok(tries() > 0);
  assert.equal(isHeld(), false);
  assert.deepEqual(await states(), ['waiting']);
});

test('an ending is written without its news where the quota has no room for them', async (t) => {
  const { store, lease, parts, states } = await open(t, 0);
  const quota = { waitingRows: 1000, waitingBytes: 2000, keyValueBytes: 1000 };
  await store.setQuotas({ all: quota, byNamespace: {} });
  const news = item('news', 10_000);
  await assert.rejects(store.append([news]), StoreOverQuota, 'control');
  await holdEvent(lease, 60_000, parts).settle({ kind: 'dead', reason: 'Failed', error: 'no' }, news);
  assert.deepEqual(await states(), ['dead']);
});

test('an ending whose news could not be made is written without them, and the event is held no longer', async (t) => {
  const { lease, parts, states, reported, isHeld } = await open(t, 0);
  const event = holdEvent(lease, 60_000, parts);
  assert.ok(isHeld());
  await event.settle({ kind: 'dead', reason: 'Failed', error: 'no' }, Promise.reject(new Error('a defect')));
  assert.deepEqual(await states(), ['dead']);
  assert.deepEqual([reported, isHeld()], [['what is told of a dead call was given up'], false]);
});
