/** How long what is due waits in SQLite: one step in the index per destination, however many wait. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoreMeasures } from './measures.ts';
import type { StoreClock } from './store-clock.ts';

export function createOldestDue(database: DatabaseSync, clock: StoreClock): () => StoreMeasures['overdueMs'] {
  const earliest = database.prepare(
    `SELECT name, due FROM (SELECT n.name, (SELECT min(due) FROM (
       SELECT (SELECT min(due) FROM deliveries d WHERE d.state = 'waiting' AND d.destination = n.id AND d.background = 0) AS due
       UNION ALL SELECT (SELECT min(due) FROM deliveries d WHERE d.state = 'waiting' AND d.destination = n.id AND d.background = 1))) AS due
     FROM destinations n) WHERE due < ?`,
  );
  return () => {
    const now = clock.now();
    const rows = earliest.all(now) as unknown as readonly { readonly name: string; readonly due: number }[];
    return Object.fromEntries(rows.map(({ name, due }) => [name, now - due]));
  };
}
