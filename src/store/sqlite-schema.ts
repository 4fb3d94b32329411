/** Opening a SQLite database as a store: settings, self-check, schema. Everything that must hold before the first answer. */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreRefused } from './store-refused.ts';

/** Version written by this program; it also opens databases one version newer (expand, then contract). */
const schemaVersion = 1;

/** SQLite before 3.51.3 can corrupt a WAL that is reset (sqlite.org, "WAL-reset bug"). */
const oldestLibrary = [3, 51, 3] as const;

const schema = `
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

/**
 * Opens or creates the database of `path` (`:memory:` for one that is not durable), refuses what cannot be trusted, and
 * completes a checkpoint: after a kill between write and sync, pages that were never synced must not answer anybody.
 */
export function openDatabase(path: string): DatabaseSync {
  // SQLite gives its journal the mode of the database: events hold what strangers sent, only the owner reads them.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path, { timeout: 500 });
  try {
    const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
    if (isOlder(version.split('.').map(Number), oldestLibrary)) {
      throw new StoreRefused(
        `SQLite ${version} is too old: ${oldestLibrary.join('.')} or newer is needed (Node 24.21 has it)`,
      );
    }
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL;');
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;',
    );
    if (path !== ':memory:') assertSettings(database);
    migrate(database);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && /database is locked/.test(error.message)) {
      throw new StoreRefused(`${path} is in use by another process: stop it, or choose another data directory`);
    }
    throw error;
  }
}

function assertSettings(database: DatabaseSync): void {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  if (pragma('journal_mode') !== 'wal')
    throw new StoreRefused('the database refuses write-ahead logging: is it on a network file system?');
  if (pragma('synchronous') !== 2) throw new StoreRefused('the database refuses synchronous=FULL');
}

function migrate(database: DatabaseSync): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > schemaVersion + 1) {
    throw new StoreRefused(
      `the database has schema version ${version}, this program knows ${schemaVersion}: use a newer Moonhook`,
    );
  }
  if (version !== 0) return;
  database.exec('BEGIN IMMEDIATE');
  database.exec(schema);
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
  database.exec('COMMIT');
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [index, part] of than.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}
