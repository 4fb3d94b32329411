/** Records of calls in an SQLite database of their own, never synced: synchronous, for whoever gives it a thread. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { recordRowBytes, type RecordBounds, type RecordQuery, type StoredRecord } from './records.ts';

export interface SqliteRecords {
  add(records: readonly StoredRecord[]): void;
  find(query: RecordQuery): readonly Uint8Array[];
  count(): number;
  trim(now: number): void;
  purge(namespaceUid: string): void;
  close(): void;
}

const version = 1;
/** Deleted in one go: one batch of records never waits long. */
const deletedAtOnce = 500;
/** 4 KiB each: fewer free ones stay. */
const freePages = 1024;
const pagesAtOnce = 512;

const schema = `
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY, scope TEXT NOT NULL, time REAL NOT NULL, namespace TEXT NOT NULL, function TEXT NOT NULL,
    subscription TEXT NOT NULL, trigger TEXT NOT NULL, outcome TEXT NOT NULL, logged INTEGER NOT NULL, shelf TEXT, bytes INTEGER NOT NULL, content BLOB NOT NULL);
  CREATE INDEX records_time ON records (time);
  CREATE INDEX records_function ON records (namespace, function, time);
  CREATE INDEX records_shelf ON records (shelf, time) WHERE shelf IS NOT NULL;
  CREATE INDEX records_scope ON records (scope, time);
  CREATE TABLE record_ids (id TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (id, record)) WITHOUT ROWID;
  CREATE INDEX record_ids_record ON record_ids (record);
`;

/** Opens or creates the database; one that cannot be read (a crash of the machine: it is never synced) is made anew. */
export function openSqliteRecords(path: string, bounds: RecordBounds): SqliteRecords {
  const database = openDatabase(path);
  const insert = database.prepare(
    `INSERT INTO records (scope, time, namespace, function, subscription, trigger, outcome, logged, shelf, bytes, content)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
  );
  const insertId = database.prepare('INSERT OR IGNORE INTO record_ids (id, record) VALUES (?, ?)');
  const overflow = database.prepare('SELECT seq FROM records WHERE shelf = ? ORDER BY time DESC LIMIT -1 OFFSET ?');
  const aged = database.prepare('SELECT seq FROM records WHERE shelf IS NULL AND time < ? ORDER BY time LIMIT ? + 0');
  const oldestOf = database.prepare('SELECT seq FROM records WHERE scope = ? ORDER BY time LIMIT ? + 0');
  const remove = database.prepare('DELETE FROM records WHERE seq = ? RETURNING scope, bytes');
  const removeIds = database.prepare('DELETE FROM record_ids WHERE record = ?');
  const freelist = database.prepare('PRAGMA freelist_count');
  const pageCount = database.prepare('PRAGMA page_count');
  const counted = database.prepare('SELECT count(*) AS count FROM records');
  const bytesOf = new Map<string, number>();
  let total = 0;

  for (const row of database.prepare('SELECT scope, sum(bytes) AS bytes FROM records GROUP BY scope').all()) {
    count((row as { scope: string }).scope, (row as { bytes: number }).bytes);
  }

  function count(scope: string, bytes: number): void {
    total += bytes;
    bytesOf.set(scope, (bytesOf.get(scope) ?? 0) + bytes);
  }

  function removeAll(rows: readonly unknown[]): number {
    for (const { seq } of rows as readonly { seq: number }[]) {
      const gone = remove.get(seq) as { scope: string; bytes: number } | undefined;
      removeIds.run(seq);
      if (gone !== undefined) count(gone.scope, -gone.bytes);
    }
    return rows.length;
  }

  /** Whoever fills the book loses the oldest of his own, not his neighbours'. */
  function boundBytes(): void {
    while (total > bounds.maxBytes) {
      const [largest] = [...bytesOf].reduce((most, each) => (each[1] > most[1] ? each : most), ['', -1]);
      const oldest = oldestOf.all(largest, 50);
      if (oldest.length === 0) return;
      for (const row of oldest) if (total > bounds.maxBytes) removeAll([row]);
    }
  }

  function transaction(work: () => void): void {
    database.exec('BEGIN IMMEDIATE');
    const before = new Map(bytesOf);
    const totalBefore = total;
    try {
      work();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      bytesOf.clear();
      for (const [scope, bytes] of before) bytesOf.set(scope, bytes);
      total = totalBefore;
      throw error;
    }
  }

  /** To the file system, some at a time, where they are many: the others are used again. */
  function giveBackPages(): void {
    const { freelist_count: free } = freelist.get() as { freelist_count: number };
    const { page_count: pages } = pageCount.get() as { page_count: number };
    if (free > Math.max(freePages, pages / 4)) database.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`);
  }

  return {
    add: (records) =>
      transaction(() => {
        const shelves = new Map<string, number>();
        for (const record of records) {
          const { namespaceUid, time, namespace, functionName, subscription, trigger, outcome } = record;
          const { logged, shelf, content } = record;
          const bytes = recordRowBytes + content.byteLength;
          const columns = [namespaceUid, time, namespace, functionName, subscription, trigger, outcome] as const;
          const { seq } = insert.get(...columns, logged ? 1 : 0, shelf ?? null, bytes, content) as { seq: number };
          for (const id of record.ids) insertId.run(id, seq);
          count(namespaceUid, bytes);
          if (shelf !== undefined) shelves.set(shelf, record.room ?? 0);
        }
        for (const [shelf, room] of shelves) removeAll(overflow.all(shelf, room));
        boundBytes();
      }),
    find(query) {
      const { sql, values } = select(query);
      return (database.prepare(sql).all(...values) as { content: Uint8Array }[]).map(({ content }) => content);
    },
    count: () => (counted.get() as { count: number }).count,
    trim(now) {
      transaction(() => removeAll(aged.all(now - bounds.keepMs, deletedAtOnce)));
      giveBackPages();
    },
    purge(namespaceUid) {
      for (;;) {
        let gone = 0;
        transaction(() => (gone = removeAll(oldestOf.all(namespaceUid, deletedAtOnce))));
        if (gone === 0) break;
      }
      bytesOf.delete(namespaceUid);
    },
    close: () => database.close(),
  };
}

function select(query: RecordQuery): { readonly sql: string; readonly values: readonly (string | number)[] } {
  const {
    namespaceUid,
    namespace,
    functionName,
    subscription,
    trigger,
    outcomes = [],
    logged,
    id,
    until,
    limit,
  } = query;
  const conditions: (readonly [string, ...(string | number)[]])[] = [];
  if (namespaceUid !== undefined) conditions.push(['scope = ?', namespaceUid]);
  if (id !== undefined) conditions.push(['seq IN (SELECT record FROM record_ids WHERE id = ?)', id]);
  if (namespace !== undefined) conditions.push(['namespace = ?', namespace]);
  if (functionName !== undefined) conditions.push(['function = ?', functionName]);
  if (subscription !== undefined) conditions.push(['subscription = ?', subscription]);
  if (trigger !== undefined) conditions.push(['trigger = ?', trigger]);
  if (outcomes.length > 0) conditions.push([`outcome IN (${outcomes.map(() => '?').join(', ')})`, ...outcomes]);
  if (logged === true) conditions.push(['logged = 1']);
  if (until !== undefined) conditions.push(['time <= ?', until]);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
  return {
    sql: `SELECT content FROM records ${where} ORDER BY time DESC LIMIT ? + 0`,
    values: [...conditions.flatMap(([, ...values]) => values), limit],
  };
}

function openDatabase(path: string): DatabaseSync {
  try {
    return prepare(path);
  } catch (error) {
    if (path === ':memory:' || /locked/.test((error as Error).message)) throw error;
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
    return prepare(path);
  }
}

function prepare(path: string): DatabaseSync {
  // Only the owner reads what strangers sent.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path, { timeout: 500 });
  try {
    database.exec(
      'PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;',
    );
    const { user_version: known } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (known !== 0 && known !== version) throw new Error(`records of version ${known}`);
    if (known === 0) database.exec(`BEGIN; ${schema} PRAGMA user_version = ${version}; COMMIT;`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
