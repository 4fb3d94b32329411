/** What the store forgets and what it never does: ended deliveries by age and size, delivery ids by number, namespaces that are gone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppendItem, DuplicateKey, Ending, Store } from '../../src/store/store.ts';
import { eventually } from '../builders/eventually.ts';
import { storeEngines } from './store-engines.ts';

const day = 86_400_000;

function item(id: string, more: { body?: number; namespaceUid?: string; duplicate?: DuplicateKey } = {}): AppendItem {
  const { body = 10, namespaceUid = 'ns-a', duplicate } = more;
  return {
    event: { id, namespaceUid, type: 't', source: '/', attributes: '{}', body: new Uint8Array(body) },
    deliveries: [{ destination: 'f/t' }],
    ...(duplicate === undefined ? {} : { duplicate }),
  };
}

/** Appends and ends one delivery. */
async function run(store: Store, appended: AppendItem, ending: Ending = { kind: 'done' }): Promise<void> {
  await store.append([appended]);
  const leases = await store.lease([{ destination: 'f/t', max: 100 }], 60_000);
  const own = leases.find(({ event }) => event.id === appended.event.id);
  assert.ok(own);
  assert.deepEqual(await store.settle([{ receipt: own.receipt, ending }]), ['ok']);
}

const ids = async (store: Store, namespaceUid = 'ns-a'): Promise<readonly string[]> =>
  (await store.read({ namespaceUid }, { limit: 1000 })).map(({ eventId }) => eventId);

const dead: Ending = { kind: 'dead', reason: 'Failed', error: '' };

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`retention (${name})`, () => {
    test('trims settled deliveries by age, dead ones later, and nothing that has not ended', async (t) => {
      const store = await open(t, { idleMs: 20, retention: { settledMs: 1, failedMs: day } });
      await store.append([{ ...item('waits'), deliveries: [{ destination: 'f/t', delayMs: day }] }]);
      await run(store, item('done'));
      await run(store, item('dead'), dead);
      const two = { ...item('half'), deliveries: [{ destination: 'f/t' }, { destination: 'g/t', delayMs: day }] };
      await run(store, two);
      await eventually('what is done goes', async () => (await ids(store)).length === 3);
      assert.deepEqual((await ids(store)).toSorted(), ['dead', 'half', 'waits']);
      assert.equal(await store.event('ns-a', 'done'), undefined);
      assert.equal((await store.event('ns-a', 'half'))?.id, 'half', 'its other delivery waits');
      const { byState, deadKept, gap } = await store.counts();
      assert.deepEqual([byState.done, byState.dead, deadKept, gap], [2, 1, 1, 0]);
      const { waitingRows, endedRows } = await store.usage('ns-a');
      assert.deepEqual([waitingRows, endedRows], [2, 1]);
    });

    test('trims the oldest of a namespace above its bytes, settled ones before dead ones, and no other namespace', async (t) => {
      const store = await open(t, { idleMs: 20, retention: { endedBytes: 30_000 } });
      await run(store, item('dead', { body: 9000 }), dead);
      await run(store, item('other', { body: 9000, namespaceUid: 'ns-b' }));
      for (const id of ['d1', 'd2', 'd3', 'd4']) await run(store, item(id, { body: 9000 }));
      await eventually('the oldest go', async () => (await store.usage('ns-a')).endedBytes <= 30_000);
      assert.deepEqual((await ids(store)).toSorted(), ['d3', 'd4', 'dead']);
      assert.deepEqual(await ids(store, 'ns-b'), ['other']);
      await run(store, item('big', { body: 29_000 }), dead);
      await eventually('dead ones go when nothing else is left', async () => (await ids(store)).length === 1);
      assert.deepEqual(await ids(store), ['big']);
      const { byState, gap } = await store.counts();
      assert.deepEqual([byState.dead, gap], [2, 0], 'they are counted all the same');
      assert.equal((await store.counts()).deadKept, 1);
    });

    test('trims above its bytes also what ended behind many that wait', async (t) => {
      const store = await open(t, { idleMs: 20, retention: { endedBytes: 1_000 } });
      const waits = (index: number): AppendItem => ({
        ...item(`waits-${index}`),
        deliveries: [{ destination: 'f/t', delayMs: day }],
      });
      await store.append(Array.from({ length: 2_500 }, (_, index) => waits(index)));
      for (const id of ['d1', 'd2', 'd3']) await run(store, item(id, { body: 900 }));
      await eventually('the oldest go', async () => (await store.usage('ns-a')).endedBytes <= 1_300);
      const left = (await store.read({ namespaceUid: 'ns-a', states: ['done'] }, { limit: 10 })).map(
        (row) => row.eventId,
      );
      assert.ok(left.length <= 1 && left.every((id) => id === 'd3'), left.join());
      assert.equal((await store.counts()).byState.waiting, 2_500);
    });

    test('knows a delivery id within its window although the event was trimmed', async (t) => {
      const store = await open(t, { idleMs: 20, retention: { settledMs: 1 } });
      const duplicate = { endpoint: 'f/t', key: 'delivery-1', windowMs: day };
      await run(store, item('first', { duplicate }));
      await eventually('the event goes', async () => (await store.event('ns-a', 'first')) === undefined);
      const [again] = await store.append([item('second', { duplicate })]);
      assert.deepEqual(again, { id: 'first', duplicateOf: 'first', leased: [] });
    });

    test('forgets the oldest ids of the endpoint that has most when there are too many, and says so', async (t) => {
      const store = await open(t, { idleMs: 20, retention: { duplicateKeys: 20 } });
      const key = (endpoint: string, index: number): DuplicateKey => ({ endpoint, key: String(index), windowMs: day });
      await store.append([item('quiet', { duplicate: key('quiet', 0) })]);
      for (let index = 0; index < 40; index++) {
        await store.append([item(`loud-${index}`, { duplicate: key('loud', index) })]);
      }
      await eventually('the oldest go', async () => (await store.measures()).duplicateKeys <= 20);
      const [quiet] = await store.append([item('again', { duplicate: key('quiet', 0) })]);
      assert.equal(quiet?.duplicateOf, 'quiet');
      const [newest] = await store.append([item('again', { duplicate: key('loud', 39) })]);
      assert.equal(newest?.duplicateOf, 'loud-39');
      const [oldest] = await store.append([item('anew', { duplicate: key('loud', 0) })]);
      assert.equal(oldest?.duplicateOf, undefined);
      const { duplicateWindowMs = day } = await store.measures();
      assert.ok(duplicateWindowMs < 60_000, `the effective window is told: ${duplicateWindowMs}`);
    });

    test('forgets delivery ids after their window', async (t) => {
      const store = await open(t, { idleMs: 20 });
      const duplicate = { endpoint: 'f/t', key: 'delivery-1', windowMs: 1 };
      await store.append([item('first', { duplicate })]);
      await eventually('the key lapses', async () => (await store.measures()).duplicateKeys === 0);
      const [second] = await store.append([item('second', { duplicate })]);
      assert.equal(second?.duplicateOf, undefined);
    });

    test('counts how long appends took until they were kept, and nothing else', async (t) => {
      const store = await open(t);
      await store.append([item('a1'), item('a2')]);
      await store.append([item('a3')]);
      await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      await assert.rejects(store.append([{ ...item('a4'), event: undefined as never }]));
      const { buckets, seconds } = (await store.measures()).appends;
      assert.equal(
        buckets.reduce((sum, count) => sum + count, 0),
        2,
      );
      assert.ok(seconds > 0);
    });

    test('tells how long what is due has waited, and nothing of what is due later', async (t) => {
      const store = await open(t);
      await store.append([{ ...item('later'), deliveries: [{ destination: 'f/later', delayMs: day }] }]);
      assert.deepEqual((await store.measures()).overdueMs, {});
      await store.append([item('now'), { ...item('behind'), deliveries: [{ destination: 'g/t', background: true }] }]);
      const due = async (): Promise<readonly string[]> => Object.keys((await store.measures()).overdueMs).toSorted();
      await eventually('both wait for somebody', async () => (await due()).length === 2);
      assert.deepEqual(await due(), ['f/t', 'g/t']);
      const { overdueMs } = await store.measures();
      assert.ok(Object.values(overdueMs).every((ms) => ms > 0 && ms < day));
    });

    test('purges everything of a namespace that is gone, what waits and runs included', async (t) => {
      const store = await open(t, { idleMs: 20 });
      const duplicate = { endpoint: 'f/t', key: '1', windowMs: day };
      const other = item('b1', { namespaceUid: 'ns-b', duplicate });
      await store.append([item('a1'), item('a2', { duplicate }), other]);
      const [running] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.equal(running?.event.id, 'a1');
      const change = { kind: 'set', value: new Uint8Array(10) } as const;
      for (const namespaceUid of ['ns-a', 'ns-b']) {
        await store.write([{ scope: { namespaceUid, space: 'f' }, key: 'k', change }], []);
      }
      await store.purge('ns-a');
      await eventually('nothing is left of it', async () => (await store.measures()).usage['ns-a'] === undefined);
      assert.deepEqual(await ids(store), []);
      assert.deepEqual(await ids(store, 'ns-b'), ['b1']);
      assert.equal(await store.get({ namespaceUid: 'ns-a', space: 'f' }, 'k'), undefined);
      assert.ok(await store.get({ namespaceUid: 'ns-b', space: 'f' }, 'k'));
      await eventually('one delivery id is left', async () => (await store.measures()).duplicateKeys === 1);
      assert.equal(await store.isKnown('ns-a', duplicate), false);
      assert.equal(await store.isKnown('ns-b', duplicate), true, 'the same id of the other namespace');
      assert.deepEqual(await store.settle([{ receipt: running.receipt, ending: { kind: 'done' } }]), ['stale']);
      const { byState, gap } = await store.counts();
      assert.deepEqual([byState.cancelled, byState.waiting, gap], [2, 1, 0]);
    });

    test('purges delivery ids of several namespaces, more than are looked at in one piece, and no other', async (t) => {
      const store = await open(t, { idleMs: 20 });
      const key = (index: number): DuplicateKey => ({ endpoint: 'f/t', key: String(index), windowMs: day + index });
      const scopes = ['ns-a', 'ns-b', 'ns-c'];
      const many = Array.from({ length: 3_000 }, (_, index) => index);
      for (const namespaceUid of scopes) {
        const items = many.map((index) => ({
          ...item(`e${index}`, { namespaceUid, duplicate: key(index) }),
          deliveries: [],
        }));
        await store.append(items);
      }
      const known = async (namespaceUid: string): Promise<number> =>
        (await Promise.all(many.map((index) => store.isKnown(namespaceUid, key(index))))).filter(Boolean).length;
      assert.deepEqual(await Promise.all(scopes.map(known)), [3_000, 3_000, 3_000], 'control');
      await Promise.all([store.purge('ns-a'), store.purge('ns-c')]);
      for (const gone of ['ns-a', 'ns-c'])
        await eventually('all of its ids are gone', async () => (await known(gone)) === 0);
      assert.equal(await known('ns-b'), 3_000);
    });
  });
}
