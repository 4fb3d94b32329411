/** Opening a SQLite database as a store: settings, self-check, schema. Everything that must hold before the first answer. */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { checkUsage, recountUsage } from './sqlite-usage.ts';
import { StoreInUse, StoreRefused } from './store-refused.ts';

/**
 * Version written by this program; it also opens databases one version newer (expand, then contract). Nobody wrote 2, 4
 * and 6: programs of before would not know the delivery ids of versions 5 and 7, and so refuse them.
 */
const schemaVersion = 7;

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
    scope INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (event, destination, generation));
  CREATE INDEX deliveries_due ON deliveries (destination, background, due, seq) WHERE state = 'waiting';
  CREATE INDEX deliveries_order ON deliveries (destination, order_key, seq)
    WHERE order_key IS NOT NULL AND state IN ('waiting', 'held', 'leased');
  CREATE INDEX deliveries_leased ON deliveries (seq) WHERE state = 'leased';
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE key_values (
    scope TEXT NOT NULL, space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL,
    expires INTEGER, owner INTEGER, PRIMARY KEY (scope, space, key)) WITHOUT ROWID;
  CREATE INDEX key_values_expires ON key_values (expires) WHERE expires IS NOT NULL;
  CREATE INDEX key_values_owner ON key_values (owner) WHERE owner IS NOT NULL;
  INSERT INTO counters (name, value) VALUES ('version', 0), ('created', 0), ('waiting', 0), ('held', 0), ('leased', 0),
    ('done', 0), ('dead', 0), ('filtered', 0), ('cancelled', 0), ('superseded', 0);
`;

/** Usage of namespaces, ended rows by age, duplicate keys by age within their endpoint. */
const accounts = `
  CREATE TABLE scopes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, waiting_rows INTEGER NOT NULL DEFAULT 0,
    waiting_bytes INTEGER NOT NULL DEFAULT 0, key_value_bytes INTEGER NOT NULL DEFAULT 0,
    ended_rows INTEGER NOT NULL DEFAULT 0, ended_bytes INTEGER NOT NULL DEFAULT 0, vanished INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX deliveries_settled ON deliveries (scope, ended) WHERE state IN ('done', 'filtered', 'superseded');
  CREATE INDEX deliveries_dead ON deliveries (scope, ended) WHERE state IN ('dead', 'cancelled');
  CREATE TABLE endpoints (id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, scope INTEGER NOT NULL, keys INTEGER NOT NULL);
  CREATE TABLE duplicates (
    key BLOB PRIMARY KEY, event TEXT NOT NULL, endpoint INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX duplicates_age ON duplicates (endpoint, expires);
  INSERT INTO counters (name, value) VALUES ('trimmedDead', 0), ('trimmedCancelled', 0);
`;

/** Delivery ids in runs; those in `duplicates` stay there until they expire. */
const keyRuns = `
  CREATE TABLE duplicate_keys (
    run INTEGER NOT NULL, key BLOB NOT NULL, event TEXT NOT NULL, endpoint INTEGER NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (run, key)) WITHOUT ROWID;
  CREATE TABLE duplicate_runs (
    id INTEGER PRIMARY KEY, class INTEGER NOT NULL, opened INTEGER NOT NULL, size INTEGER NOT NULL,
    earliest INTEGER NOT NULL, latest INTEGER NOT NULL, filter BLOB);
`;

/** Those of the last turns, which move into runs. */
const keyLog = 'CREATE TABLE duplicate_log (seq INTEGER PRIMARY KEY, entries BLOB NOT NULL)';

/** Keys of version 1 know no endpoint: they share one. */
const fromVersion1 = `
  ALTER TABLE deliveries ADD COLUMN scope INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE deliveries ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  DROP INDEX deliveries_ended;
  ALTER TABLE duplicates RENAME TO old_duplicates;
  ${accounts}
  INSERT INTO endpoints (id, name, scope, keys) SELECT 1, x'00', 0, count(*) FROM old_duplicates;
  INSERT INTO duplicates (key, event, endpoint, expires)
    SELECT d.key, e.id, 1, d.expires FROM old_duplicates d JOIN events e ON e.seq = d.event;
  UPDATE endpoints SET keys = (SELECT count(*) FROM duplicates);
  DROP TABLE old_duplicates;
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
    checkUsage(database);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && /database is locked/.test(error.message)) {
      throw new StoreInUse(`${path} is in use by another process: stop it, or choose another data directory`);
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
  if (version >= schemaVersion) return;
  database.exec('BEGIN IMMEDIATE');
  if (version === 0) database.exec(schema + accounts);
  else if (version === 1) database.exec(fromVersion1);
  if (version < 5) database.exec(keyRuns);
  database.exec(keyLog);
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
  database.exec('COMMIT');
  if (version === 1) recountUsage(database);
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [index, part] of than.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}
