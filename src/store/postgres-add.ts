/** Delivery rows for events that are stored, with order keys: held behind an older row, superseding what waits. */
import type { ClientBase } from 'pg';
import { countSql, type Session } from './postgres-session.ts';
import type { NewDelivery } from './store.ts';

export interface DeliveryInput {
  readonly event: number;
  readonly delivery: NewDelivery;
  readonly generation: number;
}

export interface AddedDelivery {
  readonly seq: number;
  readonly leased: boolean;
}

type Keyed = Pick<NewDelivery, 'destination' | 'orderKey'>;

/** Holds everything of these destinations and order keys until the transaction ends; always in one order. */
export async function lockOrderKeys(
  client: ClientBase,
  deliveries: readonly Keyed[],
  ids: ReadonlyMap<string, number>,
): Promise<void> {
  const keyed = deliveries.filter(({ orderKey }) => orderKey !== undefined);
  await lockKeysOf(
    client,
    keyed.map(({ destination, orderKey }) => ({
      destination: ids.get(destination) ?? 0,
      orderKey: Buffer.from(orderKey ?? '', 'utf8'),
    })),
  );
}

export async function lockKeysOf(
  client: ClientBase,
  keys: readonly { readonly destination: number; readonly orderKey: Buffer }[],
): Promise<void> {
  if (keys.length === 0) return;
  await client.query(
    `SELECT pg_advisory_xact_lock(l.destination, l.key) FROM (
       SELECT DISTINCT (u.destination % 2147483647)::int AS destination, hashtext(encode(u.key, 'hex')) AS key
       FROM unnest($1::bigint[], $2::bytea[]) AS u (destination, key) ORDER BY 1, 2) l`,
    [keys.map(({ destination }) => destination), keys.map(({ orderKey }) => orderKey)],
  );
}

/**
 * Adds rows in this order, with the locks of their order keys held and no order key twice; undefined where that generation
 * of the event and destination is there already.
 */
export async function addDeliveries(
  session: Session,
  inputs: readonly DeliveryInput[],
  ids: ReadonlyMap<string, number>,
): Promise<readonly (AddedDelivery | undefined)[]> {
  if (inputs.length === 0) return [];
  await supersede(session, inputs, ids);
  const { rows } = await session.client.query<{
    seq: string;
    event: string;
    destination: string;
    generation: number;
    state: string;
  }>({
    name: 'moonhook_add',
    text: `
      WITH input AS (
        SELECT d.*, d.key IS NOT NULL AND EXISTS (SELECT 1 FROM moonhook_deliveries h WHERE h.destination = d.destination AND h.order_key = d.key) AS held
        FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::smallint[], $6::bigint[], $7::bytea[])
          WITH ORDINALITY AS d (event, destination, generation, delay, background, lease, key, place)
      ), delivered AS (
        INSERT INTO moonhook_deliveries (event, destination, generation, state, due, background, attempts, crashes, epoch, lease_until, order_key)
        SELECT event, destination, generation, CASE WHEN held THEN 'held' WHEN lease IS NULL THEN 'waiting' ELSE 'leased' END,
          moonhook_now() + delay, background, (NOT held AND lease IS NOT NULL)::int, 0, (NOT held AND lease IS NOT NULL)::int,
          CASE WHEN held THEN NULL ELSE moonhook_now() + lease END, key
        FROM input ORDER BY place ON CONFLICT (event, destination, generation) DO NOTHING RETURNING seq, event, destination, generation, state
      ), counted AS (${countSql('$8', { created: '(SELECT count(*) FROM delivered)' })})
      SELECT * FROM delivered`,
    values: [
      inputs.map(({ event }) => event),
      inputs.map(({ delivery }) => ids.get(delivery.destination)),
      inputs.map(({ generation }) => generation),
      inputs.map(({ delivery }) => delivery.delayMs ?? 0),
      inputs.map(({ delivery }) => (delivery.background === true ? 1 : 0)),
      inputs.map(({ delivery }) => delivery.leaseMs ?? null),
      inputs.map(({ delivery }) => (delivery.orderKey === undefined ? null : Buffer.from(delivery.orderKey, 'utf8'))),
      session.counter,
    ],
  });
  const added = new Map(
    rows.map((row) => [
      `${row.event} ${row.destination} ${row.generation}`,
      { seq: Number(row.seq), leased: row.state === 'leased' },
    ]),
  );
  return inputs.map(({ event, delivery, generation }) =>
    added.get(`${event} ${ids.get(delivery.destination)} ${generation}`),
  );
}

/**
 * New generations of known events. A generation may have ended and left the hot table at this very moment: what is found
 * among the ended rows afterwards is taken back.
 */
export async function addGenerations(
  session: Session,
  inputs: readonly DeliveryInput[],
  ids: ReadonlyMap<string, number>,
): Promise<number> {
  await lockOrderKeys(
    session.client,
    inputs.map(({ delivery }) => delivery),
    ids,
  );
  const added: AddedDelivery[] = [];
  // One by one: several rows of one order key wait behind each other.
  for (const input of inputs) {
    const [row] = await addDeliveries(session, [input], ids);
    if (row !== undefined) added.push(row);
  }
  const { rows } = await session.client.query<{ count: string }>(
    `WITH repeated AS (
       DELETE FROM moonhook_deliveries d USING moonhook_ended e
       WHERE d.seq = ANY ($1::bigint[]) AND e.event = d.event AND e.destination = d.destination AND e.generation = d.generation
       RETURNING d.seq
     ), counted AS (${countSql('$2', { created: '(SELECT -count(*) FROM repeated)' })})
     SELECT count(*) FROM repeated`,
    [added.map(({ seq }) => seq), session.counter],
  );
  return added.length - Number(rows[0]?.count);
}

async function supersede(
  session: Session,
  inputs: readonly DeliveryInput[],
  ids: ReadonlyMap<string, number>,
): Promise<void> {
  const replacing = inputs.filter(({ delivery }) => delivery.supersede === true && delivery.orderKey !== undefined);
  if (replacing.length === 0) return;
  await session.client.query(
    `WITH old AS MATERIALIZED (
       SELECT d.seq FROM moonhook_deliveries d JOIN unnest($1::bigint[], $2::bytea[]) AS u (destination, key)
         ON d.destination = u.destination AND d.order_key = u.key
       WHERE d.state IN ('waiting', 'held') ORDER BY d.seq FOR UPDATE OF d
     ), gone AS (
       DELETE FROM moonhook_deliveries d USING old WHERE d.seq = old.seq RETURNING d.*
     ), kept AS (
       INSERT INTO moonhook_ended (seq, event, destination, generation, state, due, background, attempts, crashes, epoch, order_key, error, ended)
       SELECT seq, event, destination, generation, 'superseded', due, background, attempts, crashes, epoch, order_key, error, moonhook_now() FROM gone
       RETURNING seq
     ), counted AS (${countSql('$3', { superseded: '(SELECT count(*) FROM kept)' })})
     SELECT count(*) FROM kept`,
    [
      replacing.map(({ delivery }) => ids.get(delivery.destination)),
      replacing.map(({ delivery }) => Buffer.from(delivery.orderKey ?? '', 'utf8')),
      session.counter,
    ],
  );
}
