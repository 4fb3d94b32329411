/** Quotas of a namespace: what is refused, what never is, and that the counts stay true whatever happens. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreOverQuota } from '../../src/store/store-over-quota.ts';
import type { AppendItem, KeyValueWrite, Lease, NewDelivery, Store } from '../../src/store/store.ts';
import { eventually } from '../builders/eventually.ts';
import { storeEngines } from './store-engines.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const plenty = { waitingRows: 1e9, waitingBytes: 1e12, keyValueBytes: 1e12 };

function item(id: string, deliveries: readonly NewDelivery[], namespaceUid = 'ns-a', body = id): AppendItem {
  const event = { id, namespaceUid, type: 'com.acme.test', source: '/test', attributes: '{}', body: text(body) };
  return { event, deliveries };
}

function set(key: string, length: number, more: { readonly ttlMs?: number; readonly namespaceUid?: string } = {}) {
  const { namespaceUid = 'ns-a', ttlMs } = more;
  const change = { kind: 'set', value: new Uint8Array(length), ...(ttlMs === undefined ? {} : { ttlMs }) } as const;
  return { scope: { namespaceUid, space: 'f' }, key, change } satisfies KeyValueWrite;
}

async function leaseOne(store: Store, destination = 'f/t'): Promise<Lease> {
  const [lease] = await store.lease([{ destination, max: 1 }], 60_000);
  assert.ok(lease);
  return lease;
}

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`quotas (${name})`, () => {
    test('refuse an event above the number of waiting deliveries, until some have ended', async (t) => {
      const store = await open(t);
      await store.setQuotas({ all: { ...plenty, waitingRows: 3 }, byNamespace: {} });
      await store.append([item('e1', [{ destination: 'f/t' }, { destination: 'g/t' }])]);
      await assert.rejects(
        store.append([item('e2', [{ destination: 'f/t' }, { destination: 'g/t' }])]),
        (error: Error) =>
          error instanceof StoreOverQuota &&
          /quota waitingRows: 2 deliveries wait, 2 more .* 3; wait/.test(error.message),
      );
      assert.equal((await store.usage('ns-a')).waitingRows, 2, 'nothing of the refused one is kept');
      assert.equal(await store.event('ns-a', 'e2'), undefined);
      const lease = await leaseOne(store);
      await assert.rejects(
        store.append([item('e3', [{ destination: 'f/t' }, { destination: 'g/t' }])]),
        StoreOverQuota,
      );
      await store.settle([{ receipt: lease.receipt, ending: { kind: 'done' } }]);
      await store.append([item('e4', [{ destination: 'f/t' }, { destination: 'g/t' }])]);
      assert.equal((await store.counts()).gap, 0);
    });

    test('refuse an event above the bytes that wait, and never those of another namespace', async (t) => {
      const store = await open(t);
      await store.setQuotas({ all: plenty, byNamespace: { 'ns-a': { ...plenty, waitingBytes: 10_000 } } });
      const body = 'x'.repeat(6000);
      await store.append([item('a1', [{ destination: 'f/t' }], 'ns-a', body)]);
      const results = await Promise.allSettled([
        store.append([item('a2', [{ destination: 'f/t' }], 'ns-a', body)]),
        store.append([item('b1', [{ destination: 'f/t' }], 'ns-b', body)]),
        store.append([item('b2', [{ destination: 'f/t' }], 'ns-b', body)]),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['rejected', 'fulfilled', 'fulfilled'],
      );
      const { waitingRows, waitingBytes } = await store.usage('ns-b');
      assert.equal(waitingRows, 2);
      assert.ok(waitingBytes > 12_000 && waitingBytes < 14_000, String(waitingBytes));
    });

    test('refuse key-value rows above their bytes; smaller values, deletes and rows that lapse make room', async (t) => {
      const store = await open(t, { idleMs: 20 });
      await store.setQuotas({ all: { ...plenty, keyValueBytes: 10_000 }, byNamespace: {} });
      await store.write([set('a', 6000)], []);
      await assert.rejects(store.write([set('b', 6000)], []), /quota keyValueBytes: .* delete keys or give them a ttl/);
      await assert.rejects(
        store.claim({ scope: { namespaceUid: 'ns-a', space: 'f' }, key: 'c', value: new Uint8Array(6000) }),
        StoreOverQuota,
      );
      await store.write([set('a', 3000)], []);
      await store.write([set('b', 6000, { ttlMs: 1500 })], []);
      const full = (await store.usage('ns-a')).keyValueBytes;
      assert.ok(full > 9000 && full < 9500, String(full));
      await eventually('the lapsed row is purged', async () => (await store.usage('ns-a')).keyValueBytes < 4000);
      await store.write([set('b', 6000)], []);
      for (const key of ['a', 'b']) {
        await store.write([{ scope: { namespaceUid: 'ns-a', space: 'f' }, key, change: { kind: 'delete' } }], []);
      }
      assert.equal((await store.usage('ns-a')).keyValueBytes, 0);
    });

    test('refuse the effects of an attempt, whose lease stays; it ends without them', async (t) => {
      const store = await open(t);
      await store.setQuotas({ all: { ...plenty, waitingRows: 2, keyValueBytes: 5000 }, byNamespace: {} });
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      const { receipt } = await leaseOne(store);
      const done = { receipt, ending: { kind: 'done' } } as const;
      const children = ['c1', 'c2', 'c3'].map((id) => item(id, [{ destination: 'g/t' }]));
      const [rows] = await store.settle([{ ...done, append: children }]);
      assert.match(typeof rows === 'object' ? rows.overQuota : String(rows), /waitingRows/);
      const [bytes] = await store.settle([{ ...done, writes: [set('k', 6000)], append: children.slice(0, 1) }]);
      assert.match(typeof bytes === 'object' ? bytes.overQuota : String(bytes), /keyValueBytes/);
      assert.equal((await store.usage('ns-a')).waitingRows, 1, 'nothing of both was kept');
      assert.equal(await store.get({ namespaceUid: 'ns-a', space: 'f' }, 'k'), undefined);
      // The row it ends makes room for one of the two.
      assert.deepEqual(await store.settle([{ ...done, append: children.slice(0, 2) }]), ['ok']);
      assert.equal((await store.usage('ns-a')).waitingRows, 2);
      assert.equal((await store.counts()).gap, 0);
    });

    test('count, but never refuse, what the host owes', async (t) => {
      const store = await open(t);
      await store.setQuotas({ all: { ...plenty, waitingRows: 0, keyValueBytes: 0 }, byNamespace: {} });
      await assert.rejects(store.append([item('e1', [{ destination: 'f/t' }])]), StoreOverQuota);
      await store.append([{ ...item('e2', [{ destination: 'f/t' }]), owed: true }]);
      await store.write([{ ...set('k', 100), owed: true }], []);
      const { waitingRows, keyValueBytes } = await store.usage('ns-a');
      assert.equal(waitingRows, 1);
      assert.ok(keyValueBytes > 100);
    });

    test('stay true through retries, deaths, cancels, replays, claims and superseding', async (t) => {
      const store = await open(t);
      const end = async (ending: Parameters<Store['settle']>[0][number]['ending']): Promise<void> => {
        const { receipt } = await leaseOne(store);
        assert.deepEqual(await store.settle([{ receipt, ending }]), ['ok']);
      };
      const rows = async (): Promise<readonly number[]> => {
        const { waitingRows, endedRows } = await store.usage('ns-a');
        return [waitingRows, endedRows];
      };
      await store.append([item('e1', [{ destination: 'f/t' }]), item('e2', [{ destination: 'h/t', delayMs: 60_000 }])]);
      await end({ kind: 'retry', delayMs: 0, error: '' });
      assert.deepEqual(await rows(), [2, 0]);
      await end({ kind: 'dead', reason: 'Failed', error: '' });
      assert.deepEqual(await rows(), [1, 1]);
      assert.equal(await store.replay({ namespaceUid: 'ns-a' }, 1), 1);
      assert.deepEqual(await rows(), [2, 1]);
      assert.equal(await store.cancel({ namespaceUid: 'ns-a', destination: 'h/t' }), 1);
      const newest = { destination: 'k/t', orderKey: 'k', supersede: true, delayMs: 60_000 };
      for (const id of ['s1', 's2', 's3']) await store.append([item(id, [newest])]);
      assert.deepEqual(await rows(), [2, 4]);
      const { receipt } = await leaseOne(store);
      const claim = {
        scope: { namespaceUid: 'ns-a', space: 'f' },
        key: 'c',
        value: text('1'),
        owner: receipt.delivery,
      };
      assert.equal(await store.claim(claim), true);
      assert.equal(await store.claim(claim), true);
      assert.ok((await store.usage('ns-a')).keyValueBytes > 0);
      await store.settle([{ receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
      assert.equal((await store.usage('ns-a')).keyValueBytes, 0, 'the claim went with the dead delivery');
      await store.cancel({ namespaceUid: 'ns-a' });
      const { waitingRows, waitingBytes, endedRows } = await store.usage('ns-a');
      assert.deepEqual([waitingRows, waitingBytes, endedRows], [0, 0, 6]);
    });

    test('a refused or broken item of a turn leaves the counts of its neighbours alone', async (t) => {
      const store = await open(t);
      await store.setQuotas({ all: { ...plenty, waitingRows: 2 }, byNamespace: {} });
      const broken = item('bad', [{ destination: 'f/t' }]);
      await Promise.allSettled([
        store.append([item('e1', [{ destination: 'f/t' }])]),
        store.append([{ ...broken, event: { ...broken.event, attributes: undefined as unknown as string } }]),
        store.append([item('e2', [{ destination: 'f/t' }])]),
        store.append([item('e3', [{ destination: 'new/t' }])]),
      ]);
      const { byState } = await store.counts();
      assert.deepEqual([(await store.usage('ns-a')).waitingRows, byState.waiting], [2, 2]);
      await leaseOne(store);
      assert.equal((await store.backlog('f/t', 10)) + (await store.backlog('new/t', 10)), 1);
    });
  });
}
