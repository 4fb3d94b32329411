/** The days of the table of ended rows in PostgreSQL: partitions made ahead, and dropped when nothing of that day is kept. */
import type { ClientBase } from 'pg';
import { commit, isUnanswered } from './postgres-timeouts.ts';

/** Any constant: one process makes partitions at a time. */
const partitionLock = 7_350_142_612;
const dayMs = 86_400_000;
const daysAhead = 3;
/** Everybody who settles waits behind it: rather the next time. */
const dropWaitMs = 100;

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
      await client.query(commit);
    } catch (error) {
      if (!isUnanswered(error)) await client.query('ROLLBACK');
      if ((error as { code?: string }).code !== '23514') throw error;
    }
  }
}

/**
 * Drops days before yesterday that are empty: each one costs every statement over ended rows a look and several locks, of
 * which a server has a few thousand. A row of such a day, of a clock that was set back, goes to the default partition.
 */
export async function dropPastPartitions(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string; now: string }>(
    `SELECT c.relname AS name, moonhook_now() AS now FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'moonhook_ended'::regclass ORDER BY c.relname`,
  );
  const yesterday = partitionName(Math.floor(Number(rows[0]?.now) / dayMs) - 1);
  for (const { name } of rows) {
    if (!/^moonhook_ended_[0-9]{8}$/.test(name) || name >= yesterday) continue;
    try {
      if (!(await hasRows(client, name))) await dropEmpty(client, name);
    } catch (error) {
      const { code } = error as { readonly code?: string };
      // Somebody reads for long, or another process drops it at this moment.
      if (code === '55P03' || code === '42P01') return;
      throw error;
    }
  }
}

async function dropEmpty(client: ClientBase, partition: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = ${dropWaitMs}`);
    await client.query('LOCK TABLE ONLY moonhook_ended IN ACCESS EXCLUSIVE MODE');
    if (!(await hasRows(client, partition))) await client.query(`DROP TABLE ${partition}`);
    await client.query(commit);
  } catch (error) {
    if (!isUnanswered(error)) await client.query('ROLLBACK');
    throw error;
  }
}

async function hasRows(client: ClientBase, partition: string): Promise<boolean> {
  const { rowCount } = await client.query(`SELECT 1 FROM ${partition} LIMIT 1`);
  return (rowCount ?? 0) > 0;
}
