/** Trimming PostgreSQL: ended deliveries by age and size, lapsed keys, everything of namespaces that are gone. One process at a time. */
import type { ClientBase } from 'pg';
import { createExcess, type EndedRow } from './postgres-excess.ts';
import { createKeyBound, type KeyBound } from './postgres-key-bound.ts';
import type { Session } from './postgres-session.ts';
import { forgetVanished } from './postgres-vanished.ts';
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

/** Inside a transaction of its own: deletes at most about `limit` rows of each kind; answers how many went, or that there are more. */
export type TrimPart = (session: Session, retention: Retention, limit: number) => Promise<number>;

export interface PostgresTrim {
  /** Each by itself: where one fails, the others go on. */
  readonly parts: readonly TrimPart[];
  /** How long delivery ids are really remembered where their bound cut a window short; undefined: all windows hold. */
  keyWindow: KeyBound['window'];
}

/** `now`: milliseconds, monotonic. */
export function createPostgresTrim(now: () => number): PostgresTrim {
  const keys = createKeyBound(now);
  const excess = createExcess({ now, settled, failed, remove: removeEnded });
  const parts: readonly TrimPart[] = [
    ({ client }, retention, limit) => trimLapsed(client, retention, limit),
    ({ client }, { endedBytes }, limit) => excess(client, endedBytes, limit),
    ({ client }, { duplicateKeys }, limit) => keys.trim(client, duplicateKeys, limit),
    (session, _retention, limit) => forgetVanished(session, limit),
  ];
  return { parts: parts.map(alone), keyWindow: keys.window };
}

function alone(part: TrimPart): TrimPart {
  return async (session, retention, limit) => {
    const lock = await session.client.query<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS free', [
      trimLock,
    ]);
    return lock.rows[0]?.free === true ? await part(session, retention, limit) : 0;
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
