/** Records of calls in every engine: what is kept, for how long, and for whom. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CallRecord } from '../../src/runtime/call-record.ts';
import { fromRow, toRow } from '../../src/runtime/record-rows.ts';
import { openRecords } from '../../src/store/open-records.ts';
import type { RecordQuery, RecordStore } from '../../src/store/records.ts';
import type { Outcome } from '../../src/telemetry/call-outcomes.ts';
import { recordEngines } from './store-engines.ts';

const bounds = { maxBytes: 1 << 20, keepMs: 1000 };
const rooms = { okPerFunction: 3, refusedPerTrigger: 2, unrouted: 2 };

function record(callId: string, outcome: Outcome, time: number, more: Partial<CallRecord> = {}): CallRecord {
  const own = { functionUid: 'u1', namespaceUid: 'uid-a', namespace: 'a', functionName: 'f' };
  return { callId, outcome, time, kind: 'http', durationMs: 1, ...own, ...more };
}

const add = (store: RecordStore, ...records: readonly CallRecord[]): Promise<void> =>
  store.add(records.map((each) => toRow(each, rooms)));

async function ids(store: RecordStore, query: Partial<RecordQuery> = {}): Promise<readonly string[]> {
  return (await store.find({ limit: 100, ...query })).map((content) => fromRow(content).callId);
}

for (const [name, open] of Object.entries(recordEngines())) {
  describe(`records (${name})`, () => {
    test('the newest quiet ones of each function are kept, in whatever order they arrive, whatever their age', async (t) => {
      const store = await open(t, bounds);
      for (const time of [5, 6, 7, 1, 2, 8]) await add(store, record(`a${time}`, 'ok', time));
      await add(store, record('b0', 'ok', 6, { functionUid: 'u2' }));
      await store.trim(100_000);
      assert.deepEqual((await ids(store)).toSorted(), ['a6', 'a7', 'a8', 'b0']);
      assert.equal(await store.count(), 4);
    });

    test('failures are kept by age and not by number', async (t) => {
      const store = await open(t, bounds);
      const failures = Array.from({ length: 10 }, (_, index) => record(`e${index}`, 'error', index * 200));
      await add(store, ...failures);
      await store.trim(1800);
      assert.deepEqual(await ids(store), ['e9', 'e8', 'e7', 'e6', 'e5', 'e4']);
      await store.trim(5000);
      assert.equal(await store.count(), 0);
    });

    test('older ones are asked for by the time that a page ended with, which belongs to both pages', async (t) => {
      const store = await open(t, { ...bounds, keepMs: 1e6 });
      await add(store, ...Array.from({ length: 6 }, (_, index) => record(`e${index}`, 'error', index + 0.5)));
      assert.deepEqual(await ids(store, { limit: 3 }), ['e5', 'e4', 'e3']);
      assert.deepEqual(await ids(store, { limit: 3, until: 3.5 }), ['e3', 'e2', 'e1']);
      assert.deepEqual(await ids(store, { until: 0.4 }), []);
    });

    test('the last refused requests of each trigger are kept, and a ring of those that met no route', async (t) => {
      const store = await open(t, bounds);
      for (let index = 0; index < 4; index += 1) {
        const { callId, time, kind, durationMs } = record(`n${index}`, 'unmatched', index);
        await add(store, record(`r${index}`, 'unverified', index, { trigger: 'push' }), {
          callId,
          time,
          kind,
          durationMs,
          outcome: 'unmatched',
        });
      }
      await add(store, record('other', 'unverified', 4, { trigger: 'pull' }));
      assert.deepEqual((await ids(store)).toSorted(), ['n2', 'n3', 'other', 'r2', 'r3']);
    });

    test('requests that met no route leave what the bus of a namespace took, which has a place of its own', async (t) => {
      const store = await open(t, bounds);
      const ofBus = (callId: string, outcome: Outcome, time: number, namespaceUid: string): CallRecord => {
        return { callId, outcome, time, kind: 'call', durationMs: 1, namespaceUid, namespace: 'a' };
      };
      await add(store, ofBus('bus', 'accepted', 1, 'uid-a'), ofBus('nowhere', 'unmatched', 1, 'uid-a'));
      for (let time = 2; time < 8; time += 1) {
        const stranger: CallRecord = { callId: `n${time}`, outcome: 'unmatched', time, kind: 'http', durationMs: 1 };
        await add(store, stranger, ofBus(`b${time}`, 'accepted', time, 'uid-b'));
      }
      assert.deepEqual((await ids(store)).toSorted(), ['b5', 'b6', 'b7', 'bus', 'n6', 'n7', 'nowhere']);
      assert.deepEqual((await ids(store, { namespaceUid: 'uid-a' })).toSorted(), ['bus', 'nowhere']);
    });

    test('above the bytes the namespace that has most gives up its oldest, no other', async (t) => {
      const store = await open(t, { ...bounds, maxBytes: 20_000 });
      const detail = 'x'.repeat(1000);
      await add(store, record('neighbour', 'error', 0, { namespaceUid: 'uid-b', namespace: 'b', detail }));
      for (let index = 0; index < 40; index += 1) await add(store, record(`e${index}`, 'error', index, { detail }));
      await store.trim(40);
      const kept = await ids(store);
      assert.ok(kept.length > 5 && kept.length < 20, String(kept.length));
      assert.equal(kept[0], 'e39');
      assert.ok(kept.includes('neighbour'));
    });

    test('they are found by call id, event id and delivery id, and never across namespaces', async (t) => {
      const store = await open(t, bounds);
      await add(
        store,
        record('c1', 'error', 1, { eventId: 'ev1', deliveryId: 'gh-1\u0000' }),
        record('c2', 'error', 2, { eventId: 'ev1', namespace: 'b', namespaceUid: 'uid-b', functionName: 'g' }),
        record('c3', 'ok', 3, { log: [{ at: 0, level: 'info', message: 'hello', fields: new Map([['n', 1]]) }] }),
        record('c4', 'dead', 4, { trigger: 'push', subscription: 'out' }),
      );
      assert.deepEqual(await ids(store, { id: 'gh-1\u0000' }), ['c1']);
      assert.deepEqual(await ids(store, { id: 'ev1' }), ['c2', 'c1']);
      assert.deepEqual(await ids(store, { id: 'ev1', namespaceUid: 'uid-a' }), ['c1']);
      assert.deepEqual(await ids(store, { namespaceUid: 'uid-b' }), ['c2']);
      assert.deepEqual(await ids(store, { namespace: 'b' }), ['c2']);
      assert.deepEqual(await ids(store, { namespace: 'a', functionName: 'g' }), []);
      assert.deepEqual(await ids(store, { outcomes: ['ok', 'dead'] }), ['c4', 'c3']);
      assert.deepEqual(await ids(store, { logged: true }), ['c3']);
      assert.deepEqual(await ids(store, { trigger: 'push' }), ['c4']);
      assert.deepEqual(await ids(store, { subscription: 'out' }), ['c4']);
      assert.deepEqual(await ids(store, { limit: 2 }), ['c4', 'c3']);
      const [found] = await store.find({ id: 'c3', limit: 1 });
      assert.ok(found);
      assert.deepEqual(fromRow(found).log?.[0]?.fields, new Map([['n', 1]]));
    });

    test('those of a namespace that is gone are forgotten, and nobody else’s', async (t) => {
      const store = await open(t, bounds);
      await add(store, record('c1', 'ok', 1), record('c2', 'ok', 2, { functionUid: 'u2', namespaceUid: 'uid-b' }));
      await store.purge('uid-a');
      assert.deepEqual(await ids(store), ['c2']);
    });
  });
}

test('records outlive their process, and a file that is none is made anew', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-records-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store-records.db');
  const first = openRecords(path, bounds);
  await add(first, record('c1', 'error', 1));
  await first.close();
  const second = openRecords(path, bounds);
  assert.deepEqual(await ids(second, { id: 'c1' }), ['c1']);
  await second.close();
  await writeFile(path, 'not a database, but long enough to be taken for one '.repeat(100));
  const third = openRecords(path, bounds);
  assert.equal(await third.count(), 0);
  await add(third, record('c2', 'error', 1));
  assert.deepEqual(await ids(third), ['c2']);
  await third.close();
});
