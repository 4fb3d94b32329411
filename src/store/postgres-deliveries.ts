/** Delivery rows in PostgreSQL that go back to waiting or are cancelled. Each function runs in the caller's transaction. */
import type { ClientBase } from 'pg';
import { aloneWeight, crashesAfterDeath } from './crash-watch.ts';
import { lockKeysOf } from './postgres-add.ts';
import { countSql, type Session } from './postgres-session.ts';
import type { DeliveryState, Receipt, StoredEvent } from './store.ts';

export interface EventRow {
  readonly id: string;
  readonly scope: string;
  readonly type: string;
  readonly source: string;
  readonly time: string;
  readonly attributes: Buffer;
  readonly body: Buffer;
}

export function toEvent({ id, scope, type, source, time, attributes, body }: EventRow): StoredEvent {
  return {
    id,
    namespaceUid: scope,
    type,
    source,
    time: Number(time),
    attributes: attributes.toString('utf8'),
    body: new Uint8Array(body),
  };
}

export interface ReturnedRow {
  readonly seq: number;
  readonly destination: number;
}

/** Gives attempts back; receipts that are not current are left out. `alone`: rows whose crash was counted beforehand. */
export async function returnLeases(
  client: ClientBase,
  receipts: readonly Receipt[],
  delayMs: number,
  alone: (delivery: number) => boolean,
): Promise<readonly ReturnedRow[]> {
  const { rows } = await client.query<{ seq: string; destination: string }>(
    `WITH input AS (SELECT * FROM unnest($1::bigint[], $2::int[], $4::int[]) AS i (seq, epoch, counted)),
     mine AS MATERIALIZED (
       SELECT d.seq, i.counted FROM moonhook_deliveries d JOIN input i ON i.seq = d.seq
       WHERE d.epoch = i.epoch AND d.state = 'leased' AND d.lease_until > moonhook_now() ORDER BY d.seq FOR UPDATE OF d)
     UPDATE moonhook_deliveries d SET state = 'waiting', due = moonhook_now() + $3::bigint, lease_until = NULL,
       attempts = attempts - 1, epoch = epoch + 1, crashes = crashes - mine.counted
     FROM mine WHERE d.seq = mine.seq RETURNING d.seq, d.destination`,
    [
      receipts.map(({ delivery }) => delivery),
      receipts.map(({ epoch }) => epoch),
      delayMs,
      receipts.map(({ delivery }) => (alone(delivery) ? aloneWeight : 0)),
    ],
  );
  return rows.map(({ seq, destination }) => ({ seq: Number(seq), destination: Number(destination) }));
}

/** Answers those that are lost. */
export async function extendLeases(
  client: ClientBase,
  receipts: readonly Receipt[],
  leaseMs: number,
): Promise<readonly Receipt[]> {
  const { rows } = await client.query<{ seq: string }>(
    `WITH mine AS MATERIALIZED (
           SELECT d.seq FROM moonhook_deliveries d JOIN unnest($1::bigint[], $2::int[]) AS r (seq, epoch) ON r.seq = d.seq
           WHERE d.epoch = r.epoch AND d.state = 'leased' AND d.lease_until > moonhook_now() ORDER BY d.seq FOR UPDATE OF d)
         UPDATE moonhook_deliveries d SET lease_until = moonhook_now() + $3::bigint FROM mine WHERE d.seq = mine.seq RETURNING d.seq`,
    [receipts.map(({ delivery }) => delivery), receipts.map(({ epoch }) => epoch), leaseMs],
  );
  const kept = new Set(rows.map(({ seq }) => Number(seq)));
  return receipts.filter(({ delivery }) => !kept.has(delivery));
}

/** Takes rows back whose lease has lapsed, at most `limit`: their process died or froze. */
export async function returnLapsed(client: ClientBase, limit: number): Promise<readonly ReturnedRow[]> {
  const { rows } = await client.query<DeadRow>(
    `WITH clock AS MATERIALIZED (SELECT moonhook_now() AS now)
     SELECT seq, destination, crashes FROM moonhook_deliveries
     WHERE state = 'leased' AND lease_until <= (SELECT now FROM clock) ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED`,
    [limit],
  );
  return await takeBack(client, rows);
}

/** Takes rows back whose thread died; receipts that are not current are left out. */
export async function returnAbandoned(
  client: ClientBase,
  receipts: readonly Receipt[],
): Promise<readonly ReturnedRow[]> {
  const { rows } = await client.query<DeadRow>(
    `SELECT d.seq, d.destination, d.crashes FROM moonhook_deliveries d
     JOIN unnest($1::bigint[], $2::int[]) AS r (seq, epoch) ON r.seq = d.seq
     WHERE d.epoch = r.epoch AND d.state = 'leased' ORDER BY d.seq FOR UPDATE OF d`,
    [receipts.map(({ delivery }) => delivery), receipts.map(({ epoch }) => epoch)],
  );
  return await takeBack(client, rows);
}

interface DeadRow {
  readonly seq: string;
  readonly destination: string;
  readonly crashes: number;
}

/** Locked rows whose process or thread has died. */
async function takeBack(client: ClientBase, rows: readonly DeadRow[]): Promise<readonly ReturnedRow[]> {
  if (rows.length === 0) return [];
  const changes = rows.map(({ crashes }) => crashesAfterDeath(crashes));
  await client.query(
    `UPDATE moonhook_deliveries d SET state = 'waiting', due = moonhook_now() + i.delay, lease_until = NULL,
       attempts = attempts - 1, epoch = epoch + 1, crashes = i.crashes
     FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS i (seq, crashes, delay) WHERE d.seq = i.seq`,
    [rows.map(({ seq }) => seq), changes.map(({ crashes }) => crashes), changes.map(({ delayMs }) => delayMs)],
  );
  return rows.map(({ seq, destination }) => ({ seq: Number(seq), destination: Number(destination) }));
}

/**
 * Ends waiting and held rows, or discards dead ones, which keep their reason: those that are still in one of the states that
 * were meant; answers how many.
 */
export async function cancelRows(
  session: Session,
  deliveries: readonly number[],
  states: readonly DeliveryState[],
): Promise<number> {
  const { client } = session;
  const keyed = await client.query<{ destination: string; order_key: Buffer }>(
    'SELECT DISTINCT destination, order_key FROM moonhook_deliveries WHERE seq = ANY ($1::bigint[]) AND order_key IS NOT NULL',
    [deliveries],
  );
  const keys = keyed.rows.map(({ destination, order_key: orderKey }) => ({
    destination: Number(destination),
    orderKey,
  }));
  await lockKeysOf(client, keys);
  const { rows } = await client.query<{ count: string }>(
    `WITH old AS MATERIALIZED (
       SELECT seq FROM moonhook_deliveries WHERE seq = ANY ($1::bigint[]) AND state IN ('waiting', 'held') AND state = ANY ($3::text[])
         ORDER BY seq FOR UPDATE
     ), gone AS (
       DELETE FROM moonhook_deliveries d USING old WHERE d.seq = old.seq RETURNING d.*
     ), kept AS (
       INSERT INTO moonhook_ended (seq, event, destination, generation, state, due, background, attempts, crashes, epoch, order_key, error, ended)
       SELECT seq, event, destination, generation, 'cancelled', due, background, attempts, crashes, epoch, order_key, error, moonhook_now() FROM gone
       RETURNING seq
     ), given AS (
       DELETE FROM moonhook_key_values k USING gone WHERE k.owner = gone.seq
     ), counted AS (${countSql('$2', { cancelled: '(SELECT count(*) FROM kept)' })})
     SELECT count(*) FROM kept`,
    [deliveries, session.counter, states],
  );
  await promoteNext(client, keys);
  if (!states.includes('dead')) return Number(rows[0]?.count);
  const discarded = await client.query(
    "UPDATE moonhook_ended SET state = 'cancelled' WHERE seq = ANY ($1::bigint[]) AND state = 'dead'",
    [deliveries],
  );
  return Number(rows[0]?.count) + (discarded.rowCount ?? 0);
}

/** The oldest row of each order key may run, if it was held. The keys' locks are held. */
export async function promoteNext(
  client: ClientBase,
  keys: readonly { readonly destination: number; readonly orderKey: Buffer }[],
): Promise<readonly number[]> {
  if (keys.length === 0) return [];
  const { rows } = await client.query<{ destination: string }>(
    `UPDATE moonhook_deliveries d SET state = 'waiting' FROM (
       SELECT DISTINCT (SELECT seq FROM moonhook_deliveries h WHERE h.destination = u.destination AND h.order_key = u.key
         ORDER BY seq LIMIT 1) AS seq FROM unnest($1::bigint[], $2::bytea[]) AS u (destination, key)) head
     WHERE d.seq = head.seq AND d.state = 'held' RETURNING d.destination`,
    [keys.map(({ destination }) => destination), keys.map(({ orderKey }) => orderKey)],
  );
  return rows.map(({ destination }) => Number(destination));
}
