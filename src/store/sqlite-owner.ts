/** Whose store a SQLite database is: a row of its own, which no namespace and no purge touches. */
import type { DatabaseSync } from 'node:sqlite';
import type { OwnerClaim } from './types.ts';

/** Answers who owns it now. */
export function claimSqlite(database: DatabaseSync, claim?: OwnerClaim): string | undefined {
  if (claim !== undefined) {
    database
      .prepare(
        "INSERT INTO meta (name, value) VALUES ('owner', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value = ?",
      )
      .run(claim.owner, claim.from ?? claim.owner);
  }
  const row = database.prepare("SELECT value FROM meta WHERE name = 'owner'").get() as { value: string } | undefined;
  return row?.value;
}

/** The next one that asks may have it. */
export function disownSqlite(database: DatabaseSync): void {
  database.prepare("DELETE FROM meta WHERE name = 'owner'").run();
}
