/** Trimming PostgreSQL: ended deliveries by age and size, lapsed keys, everything of namespaces that are gone. One process at a time. */
import type { ClientBase } from 'pg';
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

/**
 * Inside a transaction: deletes at most about `limit` rows of each kind; answers how many went. The oldest first: without an
 * order the planner expects that a third of all rows has lapsed, and reads the table for them.
 */
export async function trimPostgres(session: Session, retention: Retention, limit: number): Promise<number> {
  const { client } = session;
  const lock = await client.query<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS free', [trimLock]);
  if (lock.rows[0]?.free !== true) return 0;
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
  return gone + (await trimExcess(client, retention, limit)) + (await forgetVanished(session, limit));
}

/** Deletes the chosen ended rows, then the events that no delivery is left of: in this order, so that both are counted. */
async function trimEnded(client: ClientBase, choose: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await client.query<{ event: string }>(
    `DELETE FROM moonhook_ended d USING (${choose}) c WHERE d.seq = c.seq AND d.ended = c.ended RETURNING d.event`,
    [...values],
  );
  if (rows.length === 0) return 0;
  await client.query(
    `DELETE FROM moonhook_events e WHERE e.seq = ANY ($1::bigint[])
       AND NOT EXISTS (SELECT 1 FROM moonhook_deliveries d WHERE d.event = e.seq)
       AND NOT EXISTS (SELECT 1 FROM moonhook_ended d WHERE d.event = e.seq)`,
    [rows.map(({ event }) => event)],
  );
  return rows.length;
}

/** Of each namespace above its bytes the oldest go, settled ones before those that can be replayed. */
async function trimExcess(client: ClientBase, retention: Retention, limit: number): Promise<number> {
  const over = await client.query<{ scope: string; excess: number }>(
    'SELECT scope, (sum(ended_bytes) - $1::bigint)::float8 AS excess FROM moonhook_usage GROUP BY scope HAVING sum(ended_bytes) > $1::bigint LIMIT 16',
    [retention.endedBytes],
  );
  let gone = 0;
  for (const { scope, excess } of over.rows) {
    for (const states of [settled, failed]) {
      const found = await trimEnded(
        client,
        `SELECT seq, ended FROM (
           SELECT o.*, sum(o.bytes) OVER (ORDER BY o.ended, o.seq) - o.bytes AS before FROM (
             SELECT d.seq, d.ended, moonhook_delivery_bytes(e) AS bytes FROM moonhook_events e JOIN moonhook_ended d ON d.event = e.seq
             WHERE e.scope = $1 AND d.state IN ${states} ORDER BY e.seq LIMIT $2) o) r
         WHERE r.before < $3`,
        [scope, limit, excess],
      );
      gone += found;
      if (found > 0) break;
    }
  }
  return gone;
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
