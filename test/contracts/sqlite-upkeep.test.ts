/** The embedded database over time: opened by a newer program, counted wrongly by another one, on a disk that is nearly full. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { openStore, type StoreSettings } from '../../src/store/open-store.ts';
import { StoreDiskLow } from '../../src/store/store-disk-low.ts';
import type { AppendItem, Store } from '../../src/store/store.ts';

/** As the first version of the program made it. */
const firstSchema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE destinations (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY, scope TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL,
    time INTEGER NOT NULL, attributes TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (scope, id));
  CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event INTEGER NOT NULL, destination INTEGER NOT NULL, generation INTEGER NOT NULL,
    state TEXT NOT NULL, due INTEGER NOT NULL, background INTEGER NOT NULL, attempts INTEGER NOT NULL, crashes INTEGER NOT NULL,
    epoch INTEGER NOT NULL, order_key TEXT, reason TEXT, error TEXT, ended INTEGER,
    UNIQUE (event, destination, generation));
  CREATE INDEX deliveries_due ON deliveries (destination, background, due, seq) WHERE state = 'waiting';
  CREATE INDEX deliveries_order ON deliveries (destination, order_key, seq)
    WHERE order_key IS NOT NULL AND state IN ('waiting', 'held', 'leased');
  CREATE INDEX deliveries_leased ON deliveries (seq) WHERE state = 'leased';
  CREATE INDEX deliveries_ended ON deliveries (ended) WHERE ended IS NOT NULL;
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE duplicates (
    key BLOB PRIMARY KEY, event INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE key_values (
    scope TEXT NOT NULL, space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL,
    expires INTEGER, owner INTEGER, PRIMARY KEY (scope, space, key)) WITHOUT ROWID;
  CREATE INDEX key_values_expires ON key_values (expires) WHERE expires IS NOT NULL;
  CREATE INDEX key_values_owner ON key_values (owner) WHERE owner IS NOT NULL;
  INSERT INTO counters (name, value) VALUES ('version', 0), ('created', 0), ('waiting', 0), ('held', 0), ('leased', 0),
    ('done', 0), ('dead', 0), ('filtered', 0), ('cancelled', 0), ('superseded', 0);
`;

const destination = 'ns-a/f/trigger:t';

function item(id: string, more: Partial<AppendItem> = {}): AppendItem {
  const event = { id, namespaceUid: 'ns-a', type: 't', source: '/', attributes: '{}', body: new Uint8Array(100) };
  return { event, deliveries: [{ destination }], ...more };
}

async function newPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-upkeep-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'store.db');
}

/** Opens, asks, closes. */
async function withStore<Value>(
  path: string,
  work: (store: Store) => Promise<Value>,
  settings: Partial<StoreSettings> = {},
): Promise<Value> {
  const opened = await openStore({ path, onLost: (error) => assert.fail(error), ...settings });
  try {
    return await work(opened.connect());
  } finally {
    await opened.close();
  }
}

test('a database of the first version is opened with all its rows, counted for its namespaces', async (t) => {
  const path = await newPath(t);
  const old = new DatabaseSync(path);
  old.exec(`PRAGMA journal_mode = WAL; ${firstSchema} PRAGMA user_version = 1;
    INSERT INTO destinations (id, name) VALUES (1, '${destination}');
    INSERT INTO events (seq, scope, id, type, source, time, attributes, body) VALUES (1, 'ns-a', 'e1', 't', '/', 1, '{}', x'01'), (2, 'ns-a', 'e2', 't', '/', 1, '{}', x'0102');
    INSERT INTO deliveries (event, destination, generation, state, due, background, attempts, crashes, epoch, ended)
      VALUES (1, 1, 0, 'waiting', 0, 0, 0, 0, 0, NULL), (2, 1, 0, 'dead', 0, 0, 1, 0, 1, ${Date.now()});
    INSERT INTO duplicates (key, event, expires) VALUES (x'00112233445566778899aabbccddeeff', 1, ${Date.now() + 3_600_000});
    INSERT INTO key_values (scope, space, key, value, version) VALUES ('ns-b', 'f', 'key', x'010203', 1);
    UPDATE counters SET value = 2 WHERE name = 'created';
    UPDATE counters SET value = 1 WHERE name IN ('waiting', 'dead', 'version');`);
  old.close();
  await withStore(path, async (store) => {
    const used = await store.usage('ns-a');
    assert.deepEqual([used.waitingRows, used.endedRows], [1, 1]);
    assert.equal(used.endedBytes - used.waitingBytes, 1, 'by the sizes of their bodies');
    assert.equal((await store.usage('ns-b')).keyValueBytes, 64 + 1 + 3 + 3);
    assert.equal((await store.measures()).duplicateKeys, 1);
    const [lease] = await store.lease([{ destination, max: 5 }], 60_000);
    assert.equal(lease?.event.id, 'e1');
    await store.settle([{ receipt: lease.receipt, ending: { kind: 'done' } }]);
    assert.equal((await store.usage('ns-a')).waitingRows, 0);
    assert.equal(await store.replay({ namespaceUid: 'ns-a' }, 1), 1);
    const { gap, deadKept } = await store.counts();
    assert.deepEqual([gap, deadKept], [0, 1]);
  });
});

test('counts of a namespace that do not agree with its rows are made anew at the start', async (t) => {
  const path = await newPath(t);
  const before = await withStore(path, async (store) => {
    await store.append([item('e1'), item('e2')]);
    return await store.usage('ns-a');
  });
  const other = new DatabaseSync(path);
  other.exec('UPDATE scopes SET waiting_rows = 7, waiting_bytes = 1');
  other.close();
  assert.deepEqual(await withStore(path, (store) => store.usage('ns-a')), before);
});

test('on a nearly full disk nothing new is kept and no attempt begins; what runs ends, and deletes go on', async (t) => {
  const path = await newPath(t);
  const scope = { namespaceUid: 'ns-a', space: 'f' };
  const write = { scope, key: 'k', change: { kind: 'set', value: new Uint8Array(10) } } as const;
  await withStore(path, async (store) => {
    await store.append([item('e1')]);
    await store.write([write], []);
  });
  await withStore(
    path,
    async (store) => {
      assert.equal((await store.measures()).diskLow, true);
      await assert.rejects(store.append([item('e2')]), StoreDiskLow);
      await assert.rejects(store.write([write], []), StoreDiskLow);
      await assert.rejects(store.claim({ scope, key: 'c', value: new Uint8Array(1) }), StoreDiskLow);
      assert.deepEqual(await store.lease([{ destination, max: 1 }], 60_000), []);
      assert.equal((await store.write([{ scope, key: 'k', change: { kind: 'delete' } }], [])).kind, 'ok');
      assert.equal(await store.cancel({ namespaceUid: 'ns-a' }), 1);
    },
    { disk: { lowFraction: 2 } },
  );
  // The control: with space all of it is possible.
  await withStore(path, async (store) => {
    await store.append([item('e2')]);
    assert.equal((await store.lease([{ destination, max: 1 }], 60_000)).length, 1);
  });
});

test('the log is worked off and freed pages are given back while nothing else happens', async (t) => {
  const path = await newPath(t);
  const megabytes = async (): Promise<number> => (await stat(path)).size / 1024 ** 2;
  await withStore(
    path,
    async (store) => {
      const big = (id: string): AppendItem => {
        const { event, deliveries } = item(id);
        return { event: { ...event, body: new Uint8Array(500_000) }, deliveries };
      };
      const items = Array.from({ length: 60 }, (_, index) => big(`e${index}`));
      for (let from = 0; from < items.length; from += 10) await store.append(items.slice(from, from + 10));
      await eventually('the log goes into the database', async () => (await megabytes()) > 25, megabytes, 60_000);
      await store.cancel({ namespaceUid: 'ns-a' });
      await eventually('the pages of what was trimmed go', async () => (await megabytes()) < 20, megabytes, 60_000);
    },
    { idleMs: 20, retention: { failedMs: 0 } },
  );
});

test('names of destinations go with their namespace, those of others stay', async (t) => {
  const path = await newPath(t);
  const opened = await openStore({ path, onLost: (error) => assert.fail(error), idleMs: 20 });
  const store = opened.connect();
  const to = (namespaceUid: string, count: number): AppendItem => ({
    event: { id: 'e', namespaceUid, type: 't', source: '/', attributes: '{}', body: new Uint8Array(1) },
    deliveries: Array.from({ length: count }, (_, index) => ({ destination: `${namespaceUid}/f/handler:h${index}` })),
  });
  try {
    await store.append([to('ns-a', 900), to('ns-ab', 1), to('ns-b', 2)]);
    await store.purge('ns-a');
    await eventually('it is forgotten', async () => (await store.measures()).usage['ns-a'] === undefined);
    const told = (await store.heads()).map((head) => head.destination);
    assert.deepEqual(told.toSorted(), ['ns-ab/f/handler:h0', 'ns-b/f/handler:h0', 'ns-b/f/handler:h1']);
    // One that comes back after all begins anew.
    await store.append([to('ns-a', 1)]);
    const [lease] = await store.lease([{ destination: 'ns-a/f/handler:h0', max: 1 }], 60_000);
    assert.equal(lease?.destination, 'ns-a/f/handler:h0');
  } finally {
    await opened.close();
  }
  const database = new DatabaseSync(path, { readOnly: true });
  t.after(() => database.close());
  assert.deepEqual({ ...database.prepare('SELECT count(*) AS names FROM destinations').get() }, { names: 4 });
});
