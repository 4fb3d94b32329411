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

/** What lapsed while the clock was set, or was locked when it was its turn, is found when a sweep begins anew. */
const anewMs = 60_000;

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
  const sweeps = {
    values: createSweep(now),
    keys: createSweep(now),
    settled: createSweep(now),
    failed: createSweep(now),
  };
  const parts: readonly TrimPart[] = [
    ({ client }, retention, limit) => trimLapsed(client, sweeps, retention, limit),
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

/**
 * Where what lapsed is looked for: behind what was deleted before, by whom ever. Entries of deleted rows stay in an index
 * until the next vacuum, millions of them, and each look at its beginning would walk through all.
 */
interface Sweep {
  /** Milliseconds, as the database counts them. */
  from(): number;
  /** What was deleted of all that lapsed by `until`, at most `limit`. */
  swept(rows: readonly { readonly at: string }[], limit: number, until: number): void;
}

function createSweep(now: () => number): Sweep {
  let from = 0;
  let began = now();
  return {
    from() {
      if (now() - began > anewMs) [from, began] = [0, now()];
      return from;
    },
    swept(rows, limit, until) {
      from = rows.length < limit ? until : rows.reduce((latest, { at }) => Math.max(latest, Number(at)), from);
    },
  };
}

type Sweeps = Readonly<Record<'values' | 'keys' | 'settled' | 'failed', Sweep>>;

/** The oldest first, and both times as values: where it knows neither, the planner expects so few that it sorts all that has lapsed. */
async function trimLapsed(client: ClientBase, sweeps: Sweeps, retention: Retention, limit: number): Promise<number> {
  const { rows: times } = await client.query<{ now: string }>('SELECT moonhook_now() AS now');
  const now = Number(times[0]?.now);
  async function sweep<Row>(kind: keyof Sweeps, until: number, sql: string): Promise<readonly Row[]> {
    const { rows } = await client.query<Row & { at: string }>(sql, [sweeps[kind].from(), until, limit]);
    sweeps[kind].swept(rows, limit, until);
    return rows;
  }
  const values = await sweep(
    'values',
    now,
    `DELETE FROM moonhook_key_values WHERE (scope, space, key) IN
       (SELECT scope, space, key FROM moonhook_key_values WHERE expires >= $1 AND expires <= $2 ORDER BY expires LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING expires AS at`,
  );
  const keys = await sweep(
    'keys',
    now,
    `DELETE FROM moonhook_duplicates WHERE key IN
       (SELECT key FROM moonhook_duplicates WHERE expires >= $1 AND expires <= $2 ORDER BY expires LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING expires AS at`,
  );
  let gone = values.length + keys.length;
  for (const [kind, states, keepMs] of [
    ['settled', settled, retention.settledMs],
    ['failed', failed, retention.failedMs],
  ] as const) {
    const rows = await sweep<Pick<EndedRow, 'event'>>(
      kind,
      now - keepMs,
      `DELETE FROM moonhook_ended d USING (
         SELECT seq, ended FROM moonhook_ended WHERE state IN ${states} AND ended >= $1 AND ended <= $2
         ORDER BY ended LIMIT $3 FOR UPDATE SKIP LOCKED) c
       WHERE d.seq = c.seq AND d.ended = c.ended RETURNING d.event, d.ended AS at`,
    );
    gone += await removeLonely(client, rows);
  }
  return gone;
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
