/** Leasing in PostgreSQL: due rows of the wished destinations, each destination by one process at a time. */
import type { ClientBase } from 'pg';
import { aloneWeight, patienceMs, type CrashWatch } from './crash-watch.ts';
import { type EventRow, toEvent } from './postgres-deliveries.ts';
import type { Lease, LeaseWish } from './store.ts';

export interface LeaseResult {
  readonly leases: readonly Lease[];
  /** Destinations that another process leases at this moment. */
  readonly busy: readonly string[];
  /** Destinations that had fewer due rows than were wished for. */
  readonly exhausted: readonly string[];
}

/** What is asked before a row starts, and told when it has. */
export type Watch = Pick<CrashWatch, 'narrow' | 'judge' | 'taken'>;

interface KnownWish extends LeaseWish {
  readonly id: number;
}

interface Candidate {
  readonly seq: string;
  readonly crashes: number;
  readonly background: number;
}

interface Chosen {
  readonly seq: number;
  readonly destination: string;
  readonly crashes: number;
  readonly alone: boolean;
}

/** Inside a transaction. Rows that `watch` was told of are to be forgotten if the transaction fails. */
export async function leaseRows(
  client: ClientBase,
  wishes: readonly LeaseWish[],
  ids: ReadonlyMap<string, number>,
  leaseMs: number,
  watch: Watch,
): Promise<LeaseResult> {
  const known = watch.narrow(wishes).flatMap((wish): KnownWish[] => {
    const id = ids.get(wish.destination);
    return id === undefined || wish.max <= 0 ? [] : [{ ...wish, id }];
  });
  if (known.length === 0) return { leases: [], busy: [], exhausted: [] };
  const free = await lockDestinations(client, known);
  const mine = known.filter(({ id }) => free.has(id));
  const busy = known.filter(({ id }) => !free.has(id)).map(({ destination }) => destination);
  const due = await dueRows(client, mine, false);
  const chosen: Chosen[] = [];
  const exhausted: string[] = [];
  for (const [index, wish] of mine.entries()) {
    const rows = due.get(index) ?? [];
    const room = await roomOf(client, wish);
    const taken = await choose(client, wish, room, rows, watch);
    chosen.push(...taken.chosen);
    if (taken.chosen.length < wish.max) exhausted.push(wish.destination);
    if (taken.closed) break;
  }
  if (chosen.length === 0) return { leases: [], busy, exhausted };
  return { leases: await take(client, chosen, leaseMs), busy, exhausted };
}

/** Until the transaction ends nobody else leases these: so the number of leased rows is what it was when it was counted. */
async function lockDestinations(client: ClientBase, wishes: readonly KnownWish[]): Promise<ReadonlySet<number>> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT id FROM unnest($1::bigint[]) AS id WHERE pg_try_advisory_xact_lock((-1 - id % 2147483647)::int, 0)',
    [wishes.map(({ id }) => id)],
  );
  return new Set(rows.map(({ id }) => Number(id)));
}

async function roomOf(client: ClientBase, { id, max, limit }: KnownWish): Promise<number> {
  if (limit === undefined) return max;
  const { rows } = await client.query<{ count: string }>(
    "SELECT count(*) FROM moonhook_deliveries WHERE destination = $1 AND state = 'leased'",
    [id],
  );
  return Math.min(max, limit - Number(rows[0]?.count));
}

/** Fresh rows before background ones, then by time; locked rows are left out. */
async function dueRows(
  client: ClientBase,
  wishes: readonly KnownWish[],
  freshOnly: boolean,
): Promise<ReadonlyMap<number, readonly Candidate[]>> {
  if (wishes.length === 0) return new Map();
  const { rows } = await client.query<Candidate & { n: string }>({
    name: freshOnly ? 'moonhook_fresh' : 'moonhook_due',
    text: `WITH clock AS MATERIALIZED (SELECT moonhook_now() AS now)
     SELECT w.n - 1 AS n, d.seq, d.crashes, b.background
     FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY AS w (id, most, n)
     CROSS JOIN (VALUES (0::smallint), (1::smallint)) AS b (background)
     CROSS JOIN LATERAL (
       SELECT seq, crashes, due FROM moonhook_deliveries
       WHERE destination = w.id AND state = 'waiting' AND background = b.background AND due <= (SELECT now FROM clock)
         ${freshOnly ? 'AND crashes = 0' : ''} ORDER BY due, seq LIMIT w.most FOR UPDATE SKIP LOCKED) d
     ORDER BY w.n, b.background, d.due, d.seq`,
    values: [wishes.map(({ id }) => id), wishes.map(({ max }) => max)],
  });
  return Map.groupBy(rows, ({ n }) => Number(n));
}

async function choose(
  client: ClientBase,
  wish: KnownWish,
  room: number,
  rows: readonly Candidate[],
  watch: Watch,
): Promise<{ readonly chosen: readonly Chosen[]; readonly closed: boolean }> {
  const chosen: Chosen[] = [];
  const seen = new Set<string>();
  let skipped = false;
  /** True: nothing more may start. */
  async function look(candidates: readonly Candidate[]): Promise<boolean> {
    for (const { seq, crashes } of candidates) {
      if (chosen.length >= room) return false;
      if (seen.has(seq)) continue;
      seen.add(seq);
      const delivery = Number(seq);
      const verdict = watch.judge(delivery, crashes, wish.destination);
      if (verdict === 'wait') return true;
      if (verdict === 'skip') skipped = true;
      else if (verdict === 'postpone') {
        await client.query('UPDATE moonhook_deliveries SET due = moonhook_now() + $2::bigint WHERE seq = $1', [
          seq,
          patienceMs,
        ]);
      } else {
        const alone = verdict === 'alone';
        chosen.push({ seq: delivery, destination: wish.destination, crashes, alone });
        watch.taken(delivery, crashes, alone);
        if (alone) return true;
      }
    }
    return false;
  }
  if (await look(rows)) return { chosen, closed: true };
  if (!skipped || chosen.length >= room) return { chosen, closed: false };
  const fresh = await dueRows(client, [wish], true);
  return { chosen, closed: await look(fresh.get(0) ?? []) };
}

async function take(client: ClientBase, chosen: readonly Chosen[], leaseMs: number): Promise<Lease[]> {
  const { rows } = await client.query<
    EventRow & {
      seq: string;
      epoch: number;
      attempts: number;
      generation: number;
      order_key: Buffer | null;
    }
  >({
    name: 'moonhook_take',
    text: `UPDATE moonhook_deliveries d SET state = 'leased', attempts = attempts + 1, epoch = epoch + 1,
       crashes = crashes + i.alone, lease_until = moonhook_now() + $3::bigint
     FROM unnest($1::bigint[], $2::int[]) AS i (seq, alone), moonhook_events e WHERE d.seq = i.seq AND e.seq = d.event
     RETURNING d.seq, d.epoch, d.attempts, d.generation, d.order_key, e.id, e.scope, e.type, e.source, e.time, e.attributes, e.body`,
    values: [chosen.map(({ seq }) => seq), chosen.map(({ alone }) => (alone ? aloneWeight : 0)), leaseMs],
  });
  const bySeq = new Map(rows.map((row) => [Number(row.seq), row]));
  return chosen.flatMap(({ seq, destination, crashes }): Lease[] => {
    const row = bySeq.get(seq);
    if (row === undefined) return [];
    return [
      {
        receipt: { delivery: seq, epoch: row.epoch },
        event: toEvent(row),
        destination,
        ...(row.order_key === null ? {} : { orderKey: row.order_key.toString('utf8') }),
        generation: row.generation,
        attempt: row.attempts,
        crashes,
      },
    ];
  });
}
