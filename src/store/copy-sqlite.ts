/** A SQLite database as source and as target of a copy. It must not be in use. */
import { existsSync, rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { CopySource, CopyTable, CopyTarget, CopyValue } from './copy-store.ts';
import { emptyKeyLog } from './empty-key-log.ts';
import { claimSqlite } from './sqlite-owner.ts';
import { openDatabase } from './sqlite-schema.ts';
import { recountUsage } from './sqlite-usage.ts';
import { StoreRefused } from './store-refused.ts';

const batchRows = 500;
const batchBytes = 4 * 1024 * 1024;

export function openSqliteSource(path: string): CopySource {
  if (!existsSync(path)) throw new StoreRefused(`there is no ${path}`);
  const database = openDatabase(path);
  emptyKeyLog(database);
  return {
    tables: async () => tablesOf(database),
    count: async (table) => countOf(database, table),
    async *rows({ name, columns }) {
      const statement = database.prepare(`SELECT ${columns.join(', ')} FROM ${sourceOf(name)}`);
      statement.setReturnArrays(true);
      let batch: CopyValue[][] = [];
      let bytes = 0;
      for (const row of statement.iterate() as unknown as Iterable<CopyValue[]>) {
        batch.push(row);
        for (const value of row) bytes += typeof value === 'number' || value === null ? 8 : value.length;
        if (batch.length < batchRows && bytes < batchBytes) continue;
        yield batch;
        batch = [];
        bytes = 0;
      }
      if (batch.length > 0) yield batch;
    },
    counters: async () => countersOf(database),
    async now() {
      const row = database.prepare("SELECT value FROM meta WHERE name = 'clock'").get() as
        | { value: string }
        | undefined;
      return Number(row?.value ?? 0);
    },
    owner: async () => claimSqlite(database),
    async close() {
      database.close();
    },
  };
}

/** Creates the file; it must not be there. */
export function openSqliteTarget(path: string): CopyTarget {
  if (existsSync(path)) throw new StoreRefused(`${path} is there already: choose another name, or move it away`);
  const database = openDatabase(path);
  database.exec('BEGIN IMMEDIATE');
  let finished = false;
  return {
    tables: async () => tablesOf(database),
    count: async (table) => countOf(database, table),
    async write(table, columns, rows) {
      const types = typesOf(database, table);
      // The other engine knows no endpoints: they share one, as keys of older databases do.
      const shared = table === 'duplicates';
      const names = shared ? [...columns, 'endpoint'] : columns;
      const insert = database.prepare(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      );
      const kinds = columns.map((column) => types.get(column) ?? '');
      for (const row of rows) {
        const values = row.map((value, index) => toSqlite(value, kinds[index] ?? ''));
        insert.run(...values, ...(shared ? [1] : []));
      }
    },
    async finish(counters, now, owner) {
      const set = database.prepare(
        'INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      );
      for (const [name, value] of Object.entries(counters)) set.run(name, value);
      for (const state of ['waiting', 'held', 'leased']) {
        const { count } = database.prepare('SELECT count(*) AS count FROM deliveries WHERE state = ?').get(state) as {
          count: number;
        };
        set.run(state, count);
      }
      // Rows that ended and are not there any more were trimmed.
      for (const [state, trimmed] of [
        ['dead', 'trimmedDead'],
        ['cancelled', 'trimmedCancelled'],
      ] as const) {
        const { count } = database.prepare('SELECT count(*) AS count FROM deliveries WHERE state = ?').get(state) as {
          count: number;
        };
        set.run(trimmed, Math.max(0, (counters[state] ?? 0) - count));
      }
      const keys = countOf(database, 'duplicates');
      if (keys > 0) database.prepare("INSERT INTO endpoints (id, name, scope, keys) VALUES (1, x'00', 0, ?)").run(keys);
      database
        .prepare(
          "INSERT INTO meta (name, value) VALUES ('clock', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .run(String(now));
      if (owner !== undefined) claimSqlite(database, { owner });
      database.exec('COMMIT');
      recountUsage(database);
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      finished = true;
    },
    gap: async () => gapOf(database),
    async close() {
      database.close();
      if (!finished) for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
    },
  };
}

/** Created less everything that is and was. */
export function gapOf(database: DatabaseSync): number {
  const counters = countersOf(database);
  const { count } = database
    .prepare("SELECT count(*) AS count FROM deliveries WHERE state IN ('waiting', 'held', 'leased')")
    .get() as { count: number };
  const ended = ['done', 'dead', 'filtered', 'cancelled', 'superseded'];
  return (counters['created'] ?? 0) - count - ended.reduce((sum, state) => sum + (counters[state] ?? 0), 0);
}

function countersOf(database: DatabaseSync): Readonly<Record<string, number>> {
  const rows = database.prepare('SELECT name, value FROM counters').all() as { name: string; value: number }[];
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

function tablesOf(database: DatabaseSync): readonly CopyTable[] {
  const rows = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name",
    )
    .all() as { name: string }[];
  return rows
    .filter(({ name }) => !keyRuns.has(name))
    .map(({ name }) => ({ name, columns: [...typesOf(database, name).keys()] }));
}

function typesOf(database: DatabaseSync, table: string): ReadonlyMap<string, string> {
  const rows = database.prepare(`SELECT name, type FROM pragma_table_info(?)`).all(table) as {
    name: string;
    type: string;
  }[];
  return new Map(rows.map(({ name, type }) => [name, type]));
}

/** Where this engine keeps delivery ids in runs; elsewhere they are one table. */
const keyRuns: ReadonlySet<string> = new Set(['duplicate_keys', 'duplicate_runs', 'duplicate_log']);
const allKeys = `(SELECT key, event, endpoint, expires FROM duplicates
  UNION ALL SELECT key, event, endpoint, expires FROM duplicate_keys)`;

const sourceOf = (table: string): string => (table === 'duplicates' ? allKeys : table);

/** Delivery ids are counted wherever they are kept. */
export function countOf(database: DatabaseSync, table: string): number {
  return (database.prepare(`SELECT count(*) AS count FROM ${sourceOf(table)}`).get() as { count: number }).count;
}

/** What is bytes there may be text here, as PostgreSQL's text holds no NUL. */
function toSqlite(value: CopyValue, type: string): CopyValue {
  if (type === 'TEXT' && value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return type === 'BLOB' && typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
}
