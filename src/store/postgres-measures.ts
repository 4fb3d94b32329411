/** Figures of a PostgreSQL database: how large it is, how many keys it knows, what waits for a destination. */
import type { Pool } from 'pg';
import type { StoreMeasures } from './measures.ts';
import { withHeads } from './postgres-heads.ts';
import { keyCountSql } from './postgres-key-bound.ts';

const overdueSql = `${withHeads}
  SELECT n.name, (moonhook_now() - min(h.due))::float8 AS ms FROM head h JOIN moonhook_destinations n ON n.id = h.destination
  GROUP BY n.name HAVING min(h.due) < moonhook_now()`;

export async function measureDatabase(
  pool: Pool,
): Promise<Pick<StoreMeasures, 'databaseBytes' | 'duplicateKeys' | 'overdueMs'>> {
  const [{ rows }, due] = await Promise.all([
    pool.query<{ bytes: number; keys: number }>(
      `SELECT pg_database_size(current_database())::float8 AS bytes, (${keyCountSql}) AS keys`,
    ),
    pool.query<{ name: string; ms: number }>(overdueSql),
  ]);
  return {
    databaseBytes: rows[0]?.bytes ?? 0,
    duplicateKeys: rows[0]?.keys ?? 0,
    overdueMs: Object.fromEntries(due.rows.map(({ name, ms }) => [name, ms])),
  };
}

/** Waiting and held rows, counted up to `enough`. */
export async function countBacklog(pool: Pool, destination: number, enough: number): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT (SELECT count(*) FROM (SELECT 1 FROM moonhook_deliveries WHERE destination = $1 AND state = 'waiting' LIMIT $2) w)::int +
       (SELECT count(*) FROM (SELECT 1 FROM moonhook_deliveries WHERE destination = $1 AND order_key IS NOT NULL AND state = 'held' LIMIT $2) h)::int AS count`,
    [destination, enough],
  );
  return Math.min(enough, rows[0]?.count ?? 0);
}
