/**
 * The border between namespaces, at every operation of the store and on every engine: two namespaces hold the same under
 * the same names, and whatever one of them asks or does, the other's is neither told nor touched.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AppendItem, DeliveryRow, Store } from '../../src/store/store.ts';
import { storeEngines } from './store-engines.ts';

const text = (value: string): Uint8Array => Buffer.from(value);
const spaceOf = (namespaceUid: string) => ({ namespaceUid, space: 'f' });
const destinationOf = (namespaceUid: string): string => `${namespaceUid}/f/trigger:t`;
const namespaces = ['ns-a', 'ns-b'] as const;

function item(namespaceUid: string, id: string, more: Partial<AppendItem> = {}): AppendItem {
  const event = { id, namespaceUid, type: 'com.acme.x', source: '/', attributes: '{}', body: text(namespaceUid) };
  return { event, deliveries: [{ destination: destinationOf(namespaceUid) }], ...more };
}

async function kill(store: Store, namespaceUid: string): Promise<void> {
  for (;;) {
    const leases = await store.lease([{ destination: destinationOf(namespaceUid), max: 9 }], 60_000);
    if (leases.length === 0) return;
    const ending = { kind: 'dead', reason: 'Failed', error: '' } as const;
    await store.settle(leases.map(({ receipt }) => ({ receipt, ending })));
  }
}

const duplicateOf = (namespaceUid: string) => ({
  endpoint: destinationOf(namespaceUid),
  key: 'the same delivery id',
  windowMs: 60_000,
});

/** Both hold: a dead and a waiting delivery of the same event ids, and the same keys. The first has an event more. */
async function fill(store: Store): Promise<void> {
  await store.append([item('ns-a', 'only', { deliveries: [], duplicate: duplicateOf('ns-a') })]);
  for (const namespaceUid of namespaces) {
    await store.append([item(namespaceUid, 'dead')]);
    await kill(store, namespaceUid);
    await store.append([item(namespaceUid, 'waits')]);
    await store.write([{ scope: spaceOf(namespaceUid), key: 'k', change: { kind: 'set', value: text('1') } }], []);
  }
}

/** All that is kept of a namespace, but for what it may count. */
async function stateOf(store: Store, namespaceUid: string): Promise<unknown> {
  const rows = await store.read({ namespaceUid }, { limit: 1000 });
  const scope = spaceOf(namespaceUid);
  const keys = await store.list(scope, '', 100);
  return {
    rows,
    events: await Promise.all(rows.map(({ eventId }) => store.event(namespaceUid, eventId))),
    keys: await Promise.all(keys.map(async (key) => [key, await store.get(scope, key)])),
    usage: await store.usage(namespaceUid),
  };
}

async function numbersOf(store: Store, namespaceUid: string): Promise<readonly number[]> {
  const rows: readonly DeliveryRow[] = await store.read({ namespaceUid }, { limit: 100 });
  return rows.map(({ delivery }) => delivery);
}

/** What is done as the second namespace, with ids and numbers of the first; answers what it got of it. */
type Trespass = (store: Store, first: readonly number[]) => Promise<unknown>;

/** Of each operation that takes a namespace, one after the other; `expected` is what a stranger is told. */
const trespasses: Readonly<Record<string, { readonly expected: unknown; readonly attempt: Trespass }>> = {
  'read by number': {
    expected: [],
    attempt: (store, deliveries) => store.read({ namespaceUid: 'ns-b', deliveries }, { limit: 100 }),
  },
  'read by destination': {
    expected: [],
    attempt: (store) => store.read({ namespaceUid: 'ns-b', destination: destinationOf('ns-a') }, { limit: 100 }),
  },
  'read by a prefix of destinations': {
    expected: [],
    attempt: (store) => store.read({ namespaceUid: 'ns-b', destinationPrefix: 'ns-a/' }, { limit: 100 }),
  },
  event: {
    expected: 'ns-b',
    attempt: async (store) => Buffer.from((await store.event('ns-b', 'dead'))?.body ?? '').toString(),
  },
  'replay by number': {
    expected: 0,
    attempt: (store, deliveries) => store.replay({ namespaceUid: 'ns-b', deliveries }, 7),
  },
  'replay by destination': {
    expected: 0,
    attempt: (store) => store.replay({ namespaceUid: 'ns-b', destination: destinationOf('ns-a') }, 7),
  },
  'cancel by number': {
    expected: 0,
    attempt: (store, deliveries) => store.cancel({ namespaceUid: 'ns-b', deliveries }),
  },
  'discard dead letters by number': {
    expected: 0,
    attempt: (store, deliveries) => store.cancel({ namespaceUid: 'ns-b', deliveries, states: ['dead'] }),
  },
  get: { expected: '1', attempt: async (store) => textOf(await store.get(spaceOf('ns-b'), 'k')) },
  'write over a key': {
    expected: 'ok',
    attempt: async (store) =>
      (await store.write([{ scope: spaceOf('ns-b'), key: 'k', change: { kind: 'set', value: text('2') } }], [])).kind,
  },
  'delete a key': {
    expected: 'ok',
    attempt: async (store) =>
      (await store.write([{ scope: spaceOf('ns-b'), key: 'k', change: { kind: 'delete' } }], [])).kind,
  },
  'claim a key': {
    expected: true,
    attempt: async (store) => {
      await store.claim({ scope: spaceOf('ns-a'), key: 'claimed', value: text('a') });
      const claimed = await store.claim({ scope: spaceOf('ns-b'), key: 'claimed', value: text('b') });
      await store.write([{ scope: spaceOf('ns-a'), key: 'claimed', change: { kind: 'delete' } }], []);
      return claimed;
    },
  },
  'append an event of the same id': {
    expected: undefined,
    attempt: async (store) => {
      const [own] = await store.append([item('ns-b', 'waits')]);
      assert.equal(own?.duplicateOf, 'waits', 'control: its own is recognised');
      return (await store.append([item('ns-b', 'only', { deliveries: [] })]))[0]?.duplicateOf;
    },
  },
  'append under the delivery id of another': {
    expected: undefined,
    attempt: async (store) => {
      const [first] = await store.append([item('ns-b', 'first', { duplicate: duplicateOf('ns-b'), deliveries: [] })]);
      const [again] = await store.append([item('ns-b', 'again', { duplicate: duplicateOf('ns-b'), deliveries: [] })]);
      assert.equal(again?.duplicateOf, 'first', 'control: its own is recognised');
      return first?.duplicateOf;
    },
  },
  'ask whether a delivery id is known': {
    expected: [false, true],
    async attempt(store) {
      assert.ok(await store.isKnown('ns-a', duplicateOf('ns-a')), 'control: the first knows its own');
      const own = { ...duplicateOf('ns-a'), key: 'of the second' };
      await store.append([item('ns-b', 'own', { duplicate: own, deliveries: [] })]);
      const asked = [duplicateOf('ns-a'), own];
      return await Promise.all(asked.map((duplicate) => store.isKnown('ns-b', duplicate)));
    },
  },
  // Its own was deleted above, and it claimed one.
  'list keys': { expected: ['claimed'], attempt: (store) => store.list(spaceOf('ns-b'), '', 100) },
  'append only if': {
    expected: 'ok',
    attempt: (store) =>
      store.appendIf({
        append: [],
        writes: [{ scope: spaceOf('ns-b'), key: 'k', change: { kind: 'set', value: text('3') } }],
        expectations: [{ scope: spaceOf('ns-b'), key: 'absent', version: 0 }],
      }),
  },
  'settle with effects': {
    expected: ['ok'],
    attempt: async (store) => {
      const [lease] = await store.lease([{ destination: destinationOf('ns-b'), max: 1 }], 60_000);
      assert.ok(lease);
      const append = [item('ns-b', 'dead'), item('ns-b', 'new')];
      const writes = [{ scope: spaceOf('ns-b'), key: 'k', change: { kind: 'delete' } }] as const;
      return await store.settle([{ receipt: lease.receipt, ending: { kind: 'done' }, append, writes }]);
    },
  },
  purge: { expected: undefined, attempt: (store) => store.purge('ns-b') },
};

function textOf(value: { readonly value: Uint8Array } | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value.value).toString();
}

for (const [name, open] of Object.entries(storeEngines())) {
  suite(name, () => {
    test('whatever one namespace asks or does, the other’s is neither told nor touched', async (t) => {
      const store = await open(t);
      await fill(store);
      const before = await stateOf(store, 'ns-a');
      for (const [what, { expected, attempt }] of Object.entries(trespasses)) {
        assert.deepEqual(await attempt(store, await numbersOf(store, 'ns-a')), expected, what);
        assert.deepEqual(await stateOf(store, 'ns-a'), before, what);
      }
    });

    test('control: the same numbers and names open and change what is its own', async (t) => {
      const store = await open(t);
      await fill(store);
      const deliveries = await numbersOf(store, 'ns-a');
      assert.equal((await store.read({ namespaceUid: 'ns-a', deliveries }, { limit: 100 })).length, 2);
      const before = await stateOf(store, 'ns-a');
      assert.equal(await store.replay({ namespaceUid: 'ns-a', deliveries }, 7), 1);
      assert.equal(await store.cancel({ namespaceUid: 'ns-a', deliveries }), 1);
      assert.notDeepEqual(await stateOf(store, 'ns-a'), before);
    });
  });
}
