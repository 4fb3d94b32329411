/** Trimming PostgreSQL: ended deliveries by age and size, lapsed keys, everything of namespaces that are gone. One process at a time. */
import type { ClientBase } from 'pg';
import { createExcess, type EndedRow } from './postgres-excess.ts';
import { createKeyBound, type KeyBound } from './postgres-key-bound.ts';
import { countSql, type Session } from './postgres-session.ts';
import type { Retention } from './retention.ts';

/** Any constant. */
const trimLock = 7_350_142_613;
const settled = "('done', 'filtered', 'superseded')";
const failed = "('dead', 'cancelled')";

/** Part of the schema from its fourth version on: what has lapsed is found without a look at what has not, every second. */
export const trimIndexes = `
  CREATE INDEX moonhook_ended_settled_age ON moonhook_ended (ended) WHERE state IN ${settled};
  CREATE INDEX moonhook_ended_failed_age ON moonhook_ended (ended) WHERE state IN ${failed};
`;

export interface PostgresTrim {
  /** Inside a transaction: deletes at most about `limit` rows of each kind; answers how many went, or that there are more. */
  trim(session: Session, retention: Retention, limit: number): Promise<number>;
  /** How long delivery ids are really remembered where their bound cut a window short; undefined: all windows hold. */
  keyWindow: KeyBound['window'];
}

/** `now`: milliseconds, monotonic. */
export function createPostgresTrim(now: () => number): PostgresTrim {
  const keys = createKeyBound(now);
  const excess = createExcess({ now, settled, failed, remove: removeEnded });
  return {
    keyWindow: keys.window,
    async trim(session, retention, limit) {
      const { client } = session;
      const lock = await client.query<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS free', [trimLock]);
      if (lock.rows[0]?.free !== true) return 0;
      const gone = await trimLapsed(client, retention, limit);
      const above = await excess(client, retention.endedBytes, limit);
      return (
        gone +
        above +
        (await keys.trim(client, retention.duplicateKeys, limit)) +
        (await forgetVanished(session, limit))
      );
    },
  };
}

/** The oldest first: without an order the planner expects that a third of all rows has lapsed, and reads the table for them. */
async function trimLapsed(client: ClientBase, retention: Retention, limit: number): Promise<number> {
  let gone = await countOf(
    client,
    `DELETE FROM moonhook_key_values WHERE (scope, space, key) IN
       (SELECT scope, space, key FROM moonhook_key_values WHERE expires <= (SELECT moonhook_now()) ORDER BY expires LIMIT $1 FOR UPDATE SKIP LOCKED)`,
    [limit],
  );
  gone += await countOf(
    client,
    'DELETE FROM moonhook_duplicates WHERE key IN (SELECT key FROM moonhook_duplicates WHERE expires <= (SELECT moonhook_now()) ORDER BY expires LIMIT $1 FOR UPDATE SKIP LOCKED)',
    [limit],
  );
  for (const [states, keepMs] of [
    [settled, retention.settledMs],
    [failed, retention.failedMs],
  ] as const) {
    gone += await trimEnded(
      client,
      `SELECT seq, ended FROM moonhook_ended WHERE state IN ${states} AND ended <= (SELECT moonhook_now()) - $1::bigint
       ORDER BY ended LIMIT $2 FOR UPDATE SKIP LOCKED`,
      [keepMs, limit],
    );
  }
  return gone;
}

/** Deletes the chosen ended rows. */
async function trimEnded(client: ClientBase, choose: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await client.query<Pick<EndedRow, 'event'>>(
    `DELETE FROM moonhook_ended d USING (${choose}) c WHERE d.seq = c.seq AND d.ended = c.ended RETURNING d.event`,
    [...values],
  );
  return await removeLonely(client, rows);
}

async function removeEnded(client: ClientBase, ended: readonly EndedRow[]): Promise<number> {
  const { rows } = await client.query<Pick<EndedRow, 'event'>>(
    'DELETE FROM moonhook_ended WHERE seq = ANY ($1::bigint[]) RETURNING event',
    [ended.map(({ seq }) => seq)],
  );
  return await removeLonely(client, rows);
}

/** Events that no delivery is left of: after the rows, so that both are counted. Answers how many rows went. */
async function removeLonely(client: ClientBase, rows: readonly Pick<EndedRow, 'event'>[]): Promise<number> {
  if (rows.length === 0) return 0;
  await client.query(
    `DELETE FROM moonhook_events e WHERE e.seq = ANY ($1::bigint[])
       AND NOT EXISTS (SELECT 1 FROM moonhook_deliveries d WHERE d.event = e.seq)
       AND NOT EXISTS (SELECT 1 FROM moonhook_ended d WHERE d.event = e.seq)`,
    [rows.map(({ event }) => event)],
  );
  return rows.length;
}

async function forgetVanished(session: Session, limit: number): Promise<number> {
  const { client } = session;
  const { rows } = await client.query<{ scope: string }>('SELECT scope FROM moonhook_vanished LIMIT 1');
  const scope = rows[0]?.scope;
  if (scope === undefined) return 0;
  let gone = await countOf(
    client,
    'DELETE FROM moonhook_key_values WHERE (scope, space, key) IN (SELECT scope, space, key FROM moonhook_key_values WHERE scope = $1 LIMIT $2)',
    [scope, limit],
  );
  const events = await client.query<{ seq: string }>(
    'SELECT seq FROM moonhook_events WHERE scope = $1 ORDER BY seq LIMIT $2',
    [scope, limit],
  );
  const numbers = events.rows.map(({ seq }) => seq);
  if (numbers.length > 0) {
    await client.query(
      `WITH gone AS (DELETE FROM moonhook_deliveries WHERE event = ANY ($1::bigint[]) RETURNING seq),
         counted AS (${countSql('$2', { cancelled: '(SELECT count(*) FROM gone)' })})
       SELECT count(*) FROM gone`,
      [numbers, session.counter],
    );
    await client.query('DELETE FROM moonhook_ended WHERE event = ANY ($1::bigint[])', [numbers]);
    gone += await countOf(client, 'DELETE FROM moonhook_events WHERE seq = ANY ($1::bigint[])', [numbers]);
  }
  if (gone > 0) return gone;
  await client.query('DELETE FROM moonhook_usage WHERE scope = $1', [scope]);
  return await countOf(client, 'DELETE FROM moonhook_vanished WHERE scope = $1', [scope]);
}

/** Rows of connections that are gone are added to one; what comes to nothing goes. */
export async function foldUsage({ client }: { readonly client: ClientBase }): Promise<void> {
  const columns = ['waiting_rows', 'waiting_bytes', 'key_value_bytes', 'ended_rows', 'ended_bytes'];
  await client.query(`
    WITH gone AS (
      DELETE FROM moonhook_usage WHERE process <> 0 AND process NOT IN (SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL)
      RETURNING *
    )
    INSERT INTO moonhook_usage AS u (scope, process, ${columns.join(', ')})
    SELECT scope, 0, ${columns.map((column) => `sum(${column})`).join(', ')} FROM gone GROUP BY scope ORDER BY scope
    ON CONFLICT (scope, process) DO UPDATE SET ${columns.map((column) => `${column} = u.${column} + excluded.${column}`).join(', ')}`);
}

async function countOf(client: ClientBase, sql: string, values: readonly unknown[]): Promise<number> {
  return (await client.query(sql, [...values])).rowCount ?? 0;
}
