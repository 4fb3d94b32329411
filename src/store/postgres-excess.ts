/**
 * Ended deliveries above the bytes of their namespace, in the order of their events: settled ones go before those that can be
 * replayed. Each look goes on where the one before has ended, so that what is not to go is not walked through again and again.
 */
import type { ClientBase } from 'pg';

/** Events looked at in one statement. */
const pieceEvents = 1_000;
const namespacesPerTurn = 16;

/** What ended since at an event that was passed is found when it begins anew. */
const roundMs = 30_000;
/**
 * But not before it has gone on so much longer than it took to pass what is not to go: beginning anew passes all of that once
 * more. A walk that gave up after a fixed time would never come to what lies behind millions that wait or can be replayed.
 */
const timesPassing = 10;

/** Where a namespace's walk stands. */
interface Walk {
  readonly states: string;
  readonly began: number;
  /** Milliseconds spent on looks that found nothing. */
  readonly passing: number;
  /** The last event that was looked at. */
  readonly after: string;
  /** It has seen all events from the first one on, and none has gone. */
  readonly whole: boolean;
  /** Some have gone since it was at the end. */
  readonly found: boolean;
}

export interface ExcessSettings {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Both as lists for `IN`. */
  readonly settled: string;
  readonly failed: string;
  /** Deletes these ended rows; answers how many. */
  remove(client: ClientBase, rows: readonly EndedRow[]): Promise<number>;
}

/** Numbers as the database writes them. */
export interface EndedRow {
  readonly seq: string;
  readonly event: string;
}

/** Of an event that has no such row the last looked at is told all the same. */
type Looked = { readonly last: string | null; readonly seen: number } & (
  | (EndedRow & { readonly bytes: number })
  | { readonly seq: null }
);

/** Answers the function that deletes about `limit` rows of each namespace above `bytes`, or `limit` where its walk goes on. */
export function createExcess({
  now,
  settled,
  failed,
  remove,
}: ExcessSettings): (client: ClientBase, bytes: number, limit: number) => Promise<number> {
  const walks = new Map<string, Walk>();
  const begin = (states: string): Walk => ({ states, began: now(), passing: 0, after: '0', whole: true, found: false });

  async function step(client: ClientBase, scope: string, excess: number, limit: number): Promise<number> {
    const walk = walks.get(scope) ?? begin(settled);
    const from = now();
    const { rows } = await client.query<Looked>(
      `WITH seen AS MATERIALIZED (
         SELECT seq FROM moonhook_events WHERE scope = $1 AND seq > $2 ORDER BY seq LIMIT ${pieceEvents}
       )
       SELECT (SELECT max(seq) FROM seen) AS last, (SELECT count(*) FROM seen)::int AS seen, r.*
       FROM (VALUES (1)) AS always LEFT JOIN (
         SELECT e.seq AS event, d.seq, moonhook_delivery_bytes(e)::float8 AS bytes
         FROM seen s JOIN moonhook_events e ON e.seq = s.seq CROSS JOIN LATERAL (
           SELECT seq FROM moonhook_ended WHERE event = s.seq AND state IN ${walk.states} OFFSET 0) d
         ORDER BY e.seq, d.seq LIMIT $3) r ON true`,
      [scope, walk.after, limit],
    );
    const [first] = rows;
    const chosen: EndedRow[] = [];
    let bytes = 0;
    for (const row of rows) {
      if (row.seq === null || bytes >= excess) break;
      bytes += row.bytes;
      chosen.push(row);
    }
    const gone = chosen.length === 0 ? 0 : await remove(client, chosen);
    const full = rows.length === limit;
    // What is left of the piece is looked at next time, if it is still too much.
    const last = full || bytes >= excess ? chosen.at(-1)?.event : first?.last;
    const atEnd = !full && (first?.seen ?? 0) < pieceEvents;
    const found = walk.found || gone > 0;
    const passing = walk.passing + (gone > 0 ? 0 : now() - from);
    walks.set(scope, follow({ ...walk, passing, after: last ?? walk.after, found }, atEnd));
    return atEnd && (found || walk.states === failed) ? gone : limit;
  }

  function follow(walk: Walk, atEnd: boolean): Walk {
    if (!atEnd) return walk;
    if (walk.found) return { ...walk, whole: false, found: false };
    // Nothing settled is left: those that can be replayed go.
    return begin(walk.whole && walk.states === settled ? failed : settled);
  }

  return async (client, bytes, limit) => {
    const { rows } = await client.query<{ scope: string; excess: number }>(
      'SELECT scope, (sum(ended_bytes) - $1::bigint)::float8 AS excess FROM moonhook_usage GROUP BY scope HAVING sum(ended_bytes) > $1::bigint LIMIT $2',
      [bytes, namespacesPerTurn],
    );
    for (const [scope, { began, passing }] of walks)
      if (now() - began > Math.max(roundMs, timesPassing * passing)) walks.delete(scope);
    let gone = 0;
    for (const { scope, excess } of rows) gone += await step(client, scope, excess, limit);
    return gone;
  };
}
