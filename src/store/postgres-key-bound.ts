/**
 * The bound on delivery ids in PostgreSQL. Keys are spread over partitions by their hash, so one partition tells what share
 * of them each endpoint has; the oldest are found in the order in which they expire, a piece at a time.
 */
import type { ClientBase } from 'pg';

/** Part of the schema from its fifth version on: whose key it is (`endpointNumber`); rows of older programs have none. */
export const keyEndpoints = 'ALTER TABLE moonhook_duplicates ADD COLUMN endpoint bigint;';

export const duplicatePartitions = 16;

/** Below, all are counted: statistics know little of small tables. */
const fewKeys = 10_000;
/** Keys looked at in one statement. */
const pieceKeys = 5_000;
/** So old is the count that one works off; others may work, too. */
const planMs = 5_000;
/** Where statistics say too many and a count does not. */
const contentMs = 60_000;
/** A cut window is told for so long after the last key that was given up for it. */
const toldMs = 10 * 60_000;

/** About so many keys lie on a page, as long as no statistics say it. */
const keysOfPage = 80;

/**
 * How many keys there are: counting millions would take seconds. As the planner does it: the pages there are now, as full as
 * the last vacuum found them; the number it found may be of long ago.
 */
export const keyCountSql = `SELECT CASE WHEN estimate < ${fewKeys}
    THEN (SELECT count(*) FROM (SELECT 1 FROM moonhook_duplicates LIMIT ${fewKeys}) k) ELSE round(estimate) END::float8
  FROM (SELECT coalesce(sum(pg_relation_size(c.oid) / current_setting('block_size')::int
      * CASE WHEN c.relpages > 0 THEN c.reltuples / c.relpages ELSE ${keysOfPage} END), 0) AS estimate
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'moonhook_duplicates'::regclass) e`;

export interface KeyBound {
  /** Inside a transaction: above the bound deletes at most `limit` keys; answers `limit` where there is more to do. */
  trim(client: ClientBase, bound: number, limit: number): Promise<number>;
  /** How long keys are really remembered where the bound cut a window short; undefined: all windows hold. */
  window(): number | undefined;
}

interface Plan {
  readonly endpoints: readonly string[];
  readonly windowMs: number;
  readonly at: number;
  left: number;
  /** Keys that expire before were looked at. */
  from: number;
}

/** `now`: milliseconds, monotonic. */
export function createKeyBound(now: () => number): KeyBound {
  let plan: Plan | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;
  let cut: { readonly windowMs: number; readonly at: number } | undefined;

  async function look(client: ClientBase, bound: number): Promise<Plan | undefined> {
    if (now() < notBefore) return undefined;
    const { rows } = await client.query<{ keys: number }>(`SELECT (${keyCountSql}) AS keys`);
    const keys = rows[0]?.keys ?? 0;
    if (keys <= bound) return undefined;
    const few = keys < fewKeys;
    const shares = await sharesOf(client, few ? 'moonhook_duplicates' : 'moonhook_duplicates_0');
    const excess = (few ? 1 : duplicatePartitions) * (shares[0]?.total ?? 0) - bound;
    notBefore = now() + (excess > 0 ? planMs : contentMs);
    return excess > 0 ? { ...choose(shares), at: now(), left: excess, from: 0 } : undefined;
  }

  return {
    async trim(client, bound, limit) {
      if (plan === undefined || now() - plan.at > planMs) plan = await look(client, bound);
      if (plan === undefined || limit <= 0) return 0;
      const most = Math.min(limit, Math.ceil(plan.left));
      const { gone, last, seen, reached, clock } = await remove(client, plan, most);
      if (gone > 0) cut = { windowMs: Math.max(0, plan.windowMs - (last - clock)), at: now() };
      plan.left -= gone;
      // Where one moment holds a whole piece, what it has of others is passed over.
      plan.from = gone >= most ? last : Math.max(reached, plan.from + 1);
      if (plan.left <= 0 || seen < pieceKeys) plan = undefined;
      return plan === undefined ? gone : limit;
    },
    window: () => (cut === undefined || now() - cut.at > toldMs ? undefined : cut.windowMs),
  };
}

interface Share {
  readonly endpoint: string;
  readonly keys: number;
  readonly windowMs: number;
  readonly total: number;
}

/** Endpoints of the namespace that has most, however many it spreads its keys over; the largest first. */
async function sharesOf(client: ClientBase, table: string): Promise<readonly Share[]> {
  const { rows } = await client.query<Share>(
    `WITH each AS (
       SELECT coalesce(endpoint, 0) AS endpoint, count(*) AS keys, max(expires) AS last FROM ${table} GROUP BY 1
     ), summed AS (
       SELECT each.*, sum(keys) OVER () AS total, sum(keys) OVER (PARTITION BY endpoint >> 32) AS own FROM each
     )
     SELECT endpoint::text, keys::float8, (last - moonhook_now())::float8 AS "windowMs", total::float8 FROM summed
     WHERE own = (SELECT max(own) FROM summed) ORDER BY keys DESC`,
  );
  return rows;
}

/** A flood at one endpoint shortens its window, not the others'; those that have nearly as much go with it. */
function choose(shares: readonly Share[]): Pick<Plan, 'endpoints' | 'windowMs'> {
  const [largest] = shares;
  const mean = shares.reduce((sum, { keys }) => sum + keys, 0) / shares.length;
  const most = Math.max(mean, (largest?.keys ?? 0) / 2);
  return {
    endpoints: shares.filter(({ keys }) => keys >= most).map(({ endpoint }) => endpoint),
    windowMs: largest?.windowMs ?? 0,
  };
}

interface Removed {
  readonly gone: number;
  /** When the last of them would have expired. */
  readonly last: number;
  readonly seen: number;
  readonly reached: number;
  readonly clock: number;
}

/**
 * Locked keys are left out: whoever accepts events waits for nobody here. The time as a subquery, of which the planner knows
 * nothing: by statistics of yesterday few expire later, and all of them would be read and sorted for each piece.
 */
async function remove(client: ClientBase, { endpoints, from }: Plan, limit: number): Promise<Removed> {
  const { rows } = await client.query<Removed>(
    `WITH seen AS MATERIALIZED (
       SELECT key, coalesce(endpoint, 0) AS endpoint, expires FROM moonhook_duplicates
       WHERE expires >= (SELECT $1::bigint) ORDER BY expires LIMIT ${pieceKeys}
     ), chosen AS MATERIALIZED (
       SELECT d.key, d.expires FROM seen s JOIN moonhook_duplicates d ON d.key = s.key AND d.expires = s.expires
       WHERE s.endpoint = ANY ($2::bigint[]) ORDER BY s.expires LIMIT $3 FOR UPDATE OF d SKIP LOCKED
     ), gone AS (
       DELETE FROM moonhook_duplicates d USING chosen c WHERE d.key = c.key AND d.expires = c.expires RETURNING d.expires
     )
     SELECT (SELECT count(*) FROM gone)::float8 AS gone, coalesce((SELECT max(expires) FROM gone), 0)::float8 AS last,
       (SELECT count(*) FROM seen)::float8 AS seen, coalesce((SELECT max(expires) FROM seen), 0)::float8 AS reached,
       moonhook_now()::float8 AS clock`,
    [from, endpoints, limit],
  );
  return rows[0] ?? { gone: 0, last: 0, seen: 0, reached: 0, clock: 0 };
}
