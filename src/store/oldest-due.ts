/** How long the delivery that has been due longest waits in SQLite: one step in the index per destination, however many wait. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoreClock } from './store-clock.ts';

/** Answers milliseconds; 0: none is due. */
export function createOldestDue(database: DatabaseSync, clock: StoreClock): () => number {
  const earliest = database.prepare(
    `SELECT min(due) AS due FROM (SELECT (SELECT min(due) FROM deliveries d
       WHERE d.state = 'waiting' AND d.destination = n.id AND d.background = b.background) AS due
     FROM destinations n CROSS JOIN (SELECT 0 AS background UNION ALL SELECT 1) b)`,
  );
  return () => {
    const { due } = earliest.get() as { readonly due: number | null };
    return due === null ? 0 : Math.max(0, clock.now() - due);
  };
}
