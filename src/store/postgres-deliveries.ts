/** Delivery rows in PostgreSQL: leases by row locks, order keys under advisory locks. Each function runs in the caller's transaction. */
import type { ClientBase } from 'pg';
import type { DeliveryState, Ending, Lease, LeaseWish, NewDelivery, Receipt, StoredEvent } from './store.ts';
import { settleClaims } from './postgres-key-value.ts';

const maxCrashes = 3;

/** What a transaction changed, for the conservation gauge. */
export type CountChange = (name: 'created' | DeliveryState, change: number) => void;

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

const keyBytes = (key: string | undefined): Buffer | null => (key === undefined ? null : Buffer.from(key, 'utf8'));

export async function destinationId(client: ClientBase, name: string): Promise<number> {
  const known = await client.query<{ id: string }>('SELECT id FROM moonhook_destinations WHERE name = $1', [name]);
  if (known.rows[0] !== undefined) return Number(known.rows[0].id);
  const { rows } = await client.query<{ id: string }>(
    'INSERT INTO moonhook_destinations (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id',
    [name],
  );
  return Number(rows[0]?.id);
}

/** Holds everything of one destination and order key until the transaction ends. */
async function lockOrderKey(client: ClientBase, destination: number, key: Buffer): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [destination % 2 ** 31, key.toString('latin1')]);
}

export async function addDelivery(
  client: ClientBase,
  event: number,
  delivery: NewDelivery,
  count: CountChange,
  generation = delivery.generation ?? 0,
): Promise<{ readonly seq: number; readonly leased: boolean } | undefined> {
  const destination = await destinationId(client, delivery.destination);
  const key = keyBytes(delivery.orderKey);
  let held = false;
  if (key !== null) {
    await lockOrderKey(client, destination, key);
    if (delivery.supersede === true) {
      const { rows } = await client.query<{ state: DeliveryState }>(
        `UPDATE moonhook_deliveries d SET state = 'superseded', ended = moonhook_now() FROM
           (SELECT seq, state FROM moonhook_deliveries WHERE destination = $1 AND order_key = $2 AND state IN ('waiting', 'held') FOR UPDATE) w
         WHERE d.seq = w.seq RETURNING w.state`,
        [destination, key],
      );
      for (const { state } of rows) {
        count(state, -1);
        count('superseded', 1);
      }
    }
    const { rowCount } = await client.query(
      "SELECT 1 FROM moonhook_deliveries WHERE destination = $1 AND order_key = $2 AND state IN ('waiting', 'held', 'leased') LIMIT 1",
      [destination, key],
    );
    held = (rowCount ?? 0) > 0;
  }
  const leased = delivery.leaseMs !== undefined && !held;
  const state: DeliveryState = held ? 'held' : leased ? 'leased' : 'waiting';
  const { rows } = await client.query<{ seq: string }>(
    `INSERT INTO moonhook_deliveries (event, destination, generation, state, due, background, attempts, crashes, epoch, lease_until, order_key)
     VALUES ($1, $2, $3, $4, moonhook_now() + $5::bigint, $6, $7, 0, $7, moonhook_now() + $8::bigint, $9) ON CONFLICT DO NOTHING RETURNING seq`,
    [
      event,
      destination,
      generation,
      state,
      delivery.delayMs ?? 0,
      delivery.background === true ? 1 : 0,
      leased ? 1 : 0,
      leased ? delivery.leaseMs : null,
      key,
    ],
  );
  if (rows[0] === undefined) return undefined;
  count('created', 1);
  count(state, 1);
  return { seq: Number(rows[0].seq), leased };
}

/** Takes due rows of one destination; another runtime that leases the same destination at this moment goes first. */
export async function leaseDestination(
  client: ClientBase,
  { destination, max }: LeaseWish,
  leaseMs: number,
  alone: boolean,
  count: CountChange,
): Promise<Lease[]> {
  const id = await destinationId(client, destination);
  const lock = await client.query<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1, 0) AS free', [
    -1 - (id % 2 ** 31),
  ]);
  if (lock.rows[0]?.free !== true) return [];
  const due = await client.query<{ seq: string; crashes: number }>(
    `SELECT seq, crashes FROM moonhook_deliveries WHERE destination = $1 AND state = 'waiting' AND due <= moonhook_now()
     ORDER BY background, due, seq LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [id, max],
  );
  // A row whose process died runs alone, so that innocent neighbours do not die with it.
  const first = due.rows[0];
  let chosen = due.rows.filter(({ crashes }) => crashes === 0);
  if (first !== undefined && first.crashes > 0) chosen = alone ? [first] : [];
  if (chosen.length === 0) return [];
  const { rows } = await client.query<
    EventRow & {
      seq: string;
      epoch: number;
      attempts: number;
      crashes: number;
      generation: number;
      order_key: Buffer | null;
      background: number;
      due: string;
    }
  >(
    `UPDATE moonhook_deliveries d SET state = 'leased', attempts = attempts + 1, epoch = epoch + 1, lease_until = moonhook_now() + $2::bigint
     FROM moonhook_events e WHERE d.seq = ANY ($1::bigint[]) AND e.seq = d.event
     RETURNING d.seq, d.epoch, d.attempts, d.crashes, d.generation, d.order_key, d.background, d.due,
       e.id, e.scope, e.type, e.source, e.time, e.attributes, e.body`,
    [chosen.map(({ seq }) => seq), leaseMs],
  );
  count('waiting', -rows.length);
  count('leased', rows.length);
  return rows
    .toSorted((a, b) => a.background - b.background || Number(a.due) - Number(b.due) || Number(a.seq) - Number(b.seq))
    .map((row) => ({
      receipt: { delivery: Number(row.seq), epoch: row.epoch },
      event: toEvent(row),
      destination,
      ...(row.order_key === null ? {} : { orderKey: row.order_key.toString('utf8') }),
      generation: row.generation,
      attempt: row.attempts,
      crashes: row.crashes,
    }));
}

interface LockedRow {
  readonly seq: number;
  readonly destination: number;
  readonly orderKey: Buffer | null;
  readonly crashes: number;
}

/** `current`: the receipt's lease holds and the row is locked for the caller; `repeated`: it has settled before. */
export async function lockLease(
  client: ClientBase,
  { delivery, epoch }: Receipt,
): Promise<LockedRow | 'repeated' | 'stale'> {
  const { rows } = await client.query<{
    destination: string;
    order_key: Buffer | null;
    state: DeliveryState;
    epoch: number;
    crashes: number;
    live: boolean;
  }>(
    'SELECT destination, order_key, state, epoch, crashes, lease_until > moonhook_now() AS live FROM moonhook_deliveries WHERE seq = $1 FOR UPDATE',
    [delivery],
  );
  const [row] = rows;
  if (row === undefined || row.epoch !== epoch) return 'stale';
  if (row.state !== 'leased') return 'repeated';
  if (!row.live) return 'stale';
  return { seq: delivery, destination: Number(row.destination), orderKey: row.order_key, crashes: row.crashes };
}

export async function endLease(client: ClientBase, row: LockedRow, ending: Ending, count: CountChange): Promise<void> {
  if (ending.kind === 'retry') {
    await client.query(
      "UPDATE moonhook_deliveries SET state = 'waiting', due = moonhook_now() + $2::bigint, lease_until = NULL, error = $3 WHERE seq = $1",
      [row.seq, ending.delayMs, Buffer.from(ending.error, 'utf8')],
    );
    count('leased', -1);
    count('waiting', 1);
    return;
  }
  const dead = ending.kind === 'dead';
  await finishRow(client, row, 'leased', ending.kind, dead ? ending.reason : null, dead ? ending.error : null, count);
  await settleClaims(client, row.seq, !dead);
}

async function finishRow(
  client: ClientBase,
  row: LockedRow,
  from: DeliveryState,
  state: DeliveryState,
  reason: string | null,
  error: string | null,
  count: CountChange,
): Promise<void> {
  if (row.orderKey !== null) await lockOrderKey(client, row.destination, row.orderKey);
  await client.query(
    'UPDATE moonhook_deliveries SET state = $2, ended = moonhook_now(), lease_until = NULL, reason = $3, error = coalesce($4, error) WHERE seq = $1',
    [row.seq, state, reason, error === null ? null : Buffer.from(error, 'utf8')],
  );
  count(from, -1);
  count(state, 1);
  if (row.orderKey === null) return;
  const { rowCount } = await client.query(
    `UPDATE moonhook_deliveries SET state = 'waiting' WHERE state = 'held' AND seq =
       (SELECT seq FROM moonhook_deliveries WHERE destination = $1 AND order_key = $2 AND state IN ('waiting', 'held', 'leased') ORDER BY seq LIMIT 1)`,
    [row.destination, row.orderKey],
  );
  count('held', -(rowCount ?? 0));
  count('waiting', rowCount ?? 0);
}

/** Gives the attempt back; `crash` for a process that died with it. */
export async function returnLease(
  client: ClientBase,
  row: LockedRow,
  delayMs: number,
  crash: boolean,
  count: CountChange,
): Promise<void> {
  if (crash && row.crashes + 1 >= maxCrashes) {
    await finishRow(
      client,
      row,
      'leased',
      'dead',
      'RuntimeLost',
      'the runtime ended while it ran this, three times',
      count,
    );
    await settleClaims(client, row.seq, false);
    return;
  }
  await client.query(
    `UPDATE moonhook_deliveries SET state = 'waiting', due = moonhook_now() + $2::bigint, lease_until = NULL,
       attempts = attempts - 1, crashes = crashes + $3, epoch = epoch + 1 WHERE seq = $1`,
    [row.seq, delayMs, crash ? 1 : 0],
  );
  count('leased', -1);
  count('waiting', 1);
}

/** Rows whose lease has lapsed, at most `limit`, locked. */
export async function lapsedLeases(client: ClientBase, limit: number): Promise<LockedRow[]> {
  const { rows } = await client.query<{ seq: string; destination: string; order_key: Buffer | null; crashes: number }>(
    `SELECT seq, destination, order_key, crashes FROM moonhook_deliveries WHERE state = 'leased' AND lease_until <= moonhook_now()
     ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED`,
    [limit],
  );
  return rows.map((row) => ({
    seq: Number(row.seq),
    destination: Number(row.destination),
    orderKey: row.order_key,
    crashes: row.crashes,
  }));
}

/** Ends waiting and held rows. */
export async function cancelRows(client: ClientBase, rows: readonly number[], count: CountChange): Promise<number> {
  let cancelled = 0;
  for (const seq of rows) {
    const { rows: found } = await client.query<{
      destination: string;
      order_key: Buffer | null;
      state: DeliveryState;
      crashes: number;
    }>(
      "SELECT destination, order_key, state, crashes FROM moonhook_deliveries WHERE seq = $1 AND state IN ('waiting', 'held') FOR UPDATE",
      [seq],
    );
    const [row] = found;
    if (row === undefined) continue;
    const locked = { seq, destination: Number(row.destination), orderKey: row.order_key, crashes: row.crashes };
    await finishRow(client, locked, row.state, 'cancelled', null, null, count);
    cancelled++;
  }
  return cancelled;
}
