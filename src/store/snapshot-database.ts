/** A snapshot of a SQLite database that is in use: a few pages at a time, while the writes go on. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';
import { errorMessage } from '../failures/error-message.ts';
import { countOf, gapOf } from './copy-sqlite.ts';
import { emptyKeyLog } from './empty-key-log.ts';
import { openDatabase } from './sqlite-schema.ts';
import { StoreRefused } from './store-refused.ts';

/** Between two steps the transactions that wait go first. */
const pagesPerStep = 100;
/** A busy store is in a transaction most of the time; a beginning takes some ten microseconds. */
const mostBeginnings = 10_000;

export type SnapshotProgress = (pages: number, total: number) => void;

/** Makes the file `to`, which must not be there; rejects, and leaves none, where it cannot be made whole. */
export async function snapshotDatabase(
  database: DatabaseSync,
  to: string,
  onProgress: SnapshotProgress,
): Promise<void> {
  try {
    // Events hold what strangers sent: only the owner reads them.
    closeSync(openSync(to, 'wx', 0o600));
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const message = errorMessage(error);
    throw new StoreRefused(taken ? `${to} is there already: choose another name, or move it away` : message);
  }
  try {
    await backupBetweenTurns(database, to, onProgress);
  } catch (error) {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${to}${suffix}`, { force: true });
    throw error;
  }
}

/**
 * Steps run in a thread of the pool. Node repeats a step that finds the database in a transaction, but for the first one: it
 * takes that for the end, and rejects with an error of code 0. Nothing has been copied then, and it can begin again.
 */
async function backupBetweenTurns(database: DatabaseSync, to: string, onProgress: SnapshotProgress): Promise<void> {
  for (let begun = 1; ; begun += 1) {
    try {
      await backup(database, to, {
        rate: pagesPerStep,
        progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
      });
      return;
    } catch (error) {
      const { errcode } = error as { readonly errcode?: number };
      if (errcode !== 0 || begun === mostBeginnings) throw error;
    }
  }
}

/** Opens a snapshot and answers its counts by table; throws where it is damaged or does not add up. */
export function checkSnapshot(path: string): Readonly<Record<string, number>> {
  const database = openDatabase(path);
  try {
    const check = database.prepare('PRAGMA quick_check').get() as { quick_check: string };
    if (check.quick_check !== 'ok') throw new Error(`${path} is damaged (${check.quick_check}): do not use it`);
    emptyKeyLog(database);
    const gap = gapOf(database);
    if (gap !== 0) throw new Error(`the counters of ${path} do not agree with its rows (gap ${gap}): do not use it`);
    const tables = ['events', 'deliveries', 'duplicates', 'key_values'];
    return Object.fromEntries(tables.map((table) => [table, countOf(database, table)]));
  } finally {
    database.close();
  }
}
