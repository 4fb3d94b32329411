/** A snapshot of a SQLite store that nobody uses. */
import { existsSync } from 'node:fs';
import { snapshotDatabase, type SnapshotProgress } from './snapshot-database.ts';
import { openDatabase } from './sqlite-schema.ts';
import { StoreRefused } from './store-refused.ts';

/** Rejects with `StoreInUse` while a process has it open. */
export async function snapshotFile(from: string, to: string, onProgress: SnapshotProgress): Promise<void> {
  if (!existsSync(from)) throw new StoreRefused(`there is no ${from}`);
  const database = openDatabase(from);
  try {
    await snapshotDatabase(database, to, onProgress);
  } finally {
    database.close();
  }
}
