/** The days of the table of ended rows in PostgreSQL: partitions made ahead, so that a whole day can be dropped at once. */
import type { ClientBase } from 'pg';

/** Any constant: one process makes partitions at a time. */
const partitionLock = 7_350_142_612;
const dayMs = 86_400_000;
const daysAhead = 3;

/** `moonhook_ended_20260131`, by UTC. */
export function partitionName(day: number): string {
  return `moonhook_ended_${new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/**
 * Makes the partitions of today and the next days where they are missing. A day that has rows in the default partition
 * already (its clock had jumped) stays there.
 */
export async function makePartitions(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ now: string }>('SELECT moonhook_now() AS now');
  const today = Math.floor(Number(rows[0]?.now) / dayMs);
  for (let day = today; day <= today + daysAhead; day++) {
    const name = partitionName(day);
    const known = await client.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [name]);
    if (known.rowCount === 1) continue;
    await client.query('BEGIN');
    try {
      await client.query('SELECT pg_advisory_xact_lock($1)', [partitionLock]);
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF moonhook_ended FOR VALUES FROM (${day * dayMs}) TO (${(day + 1) * dayMs})`,
      );
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      if ((error as { code?: string }).code !== '23514') throw error;
    }
  }
}
