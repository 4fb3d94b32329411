/** Delivery ids as databases before version 5 kept them, and a copy from PostgreSQL: one index over all. They are read until they have gone. */
import type { DatabaseSync } from 'node:sqlite';
import type { Journal } from './sqlite-journal.ts';
import type { KnownKey } from './sqlite-key-runs.ts';

export interface FormerKeys {
  find(key: Uint8Array): KnownKey | undefined;
  /** Keys of the endpoint that expire before `until`, oldest first, as their times. */
  remove(endpoint: number, until: number, limit: number): readonly number[];
}

export function createFormerKeys(database: DatabaseSync, journal: Journal): FormerKeys {
  const find = database.prepare('SELECT event, expires, endpoint FROM duplicates WHERE key = ?');
  const remove = database.prepare('DELETE FROM duplicates WHERE key = ?');
  const removeOldest = database.prepare(
    `DELETE FROM duplicates WHERE key IN (SELECT key FROM duplicates WHERE endpoint = ? AND expires <= ? ORDER BY expires LIMIT ? + 0)
     RETURNING expires`,
  );
  const isAny = database.prepare('SELECT EXISTS (SELECT 1 FROM duplicates) AS found');
  const look = (): boolean => (isAny.get() as { found: number }).found === 1;
  let any = look();

  return {
    find(key) {
      if (!any) return undefined;
      const row = find.get(key) as Omit<KnownKey, 'remove'> | undefined;
      return row === undefined ? undefined : { ...row, remove: () => void remove.run(key) };
    },
    remove(endpoint, until, limit) {
      if (!any || limit <= 0) return [];
      const gone = removeOldest.all(endpoint, until, limit) as { expires: number }[];
      if (gone.length > 0 && !look()) {
        any = false;
        journal.push(() => (any = true));
      }
      return gone.map(({ expires }) => expires);
    },
  };
}
