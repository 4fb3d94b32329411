/** Figures of a PostgreSQL database: how large it is, how many keys it knows, what waits for a destination. */
import type { Pool } from 'pg';
import { withHeads } from './postgres-heads.ts';
import { keyCountSql } from './postgres-key-bound.ts';

const overdueSql = `${withHeads}
  SELECT greatest(0, moonhook_now() - min(due))::float8 FROM head`;

export async function measureDatabase(
  pool: Pool,
): Promise<{ databaseBytes: number; duplicateKeys: number; oldestDueMs: number }> {
  const { rows } = await pool.query<{ bytes: number; keys: number; overdue: number }>(
    `SELECT pg_database_size(current_database())::float8 AS bytes, (${keyCountSql}) AS keys, (${overdueSql}) AS overdue`,
  );
  return { databaseBytes: rows[0]?.bytes ?? 0, duplicateKeys: rows[0]?.keys ?? 0, oldestDueMs: rows[0]?.overdue ?? 0 };
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
