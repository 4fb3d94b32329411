/** Puts delivery ids of the last turns where all others are, for whoever reads a database that is not in use by its tables. */
import type { DatabaseSync } from 'node:sqlite';
import { createJournal } from './sqlite-journal.ts';
import { createKeyLog } from './sqlite-key-log.ts';
import { createKeyRuns } from './sqlite-key-runs.ts';

export function emptyKeyLog(database: DatabaseSync): void {
  const { found } = database.prepare('SELECT EXISTS (SELECT 1 FROM duplicate_log) AS found').get() as { found: number };
  if (found === 0) return;
  const { clock } = database
    .prepare("SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'clock'), 0) AS clock")
    .get() as { clock: number };
  const journal = createJournal();
  database.exec('BEGIN IMMEDIATE');
  createKeyLog(database, journal, createKeyRuns(database, journal)).empty(clock);
  database.exec('COMMIT');
}
