/** Appending events in PostgreSQL, inside the caller's transaction. The unique index on duplicate keys is the only judge. */
import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { addDelivery, type CountChange, type EventRow, toEvent } from './postgres-deliveries.ts';
import type { AppendItem, Appended, DuplicateKey, Lease } from './store.ts';

export async function appendItem(client: ClientBase, item: AppendItem, count: CountChange): Promise<Appended> {
  const { event, duplicate, deliveries } = item;
  const { namespaceUid, id, type, source, time, attributes, body } = event;
  const key = duplicate === undefined ? undefined : hashKey(namespaceUid, duplicate);
  if (key !== undefined && duplicate !== undefined) {
    const known = await findDuplicate(client, key, duplicate, namespaceUid, count);
    if (known !== undefined) return known;
  }
  const { rows } = await client.query<{ seq: string }>(
    `INSERT INTO moonhook_events (scope, id, type, source, time, attributes, body)
     VALUES ($1, $2, $3, $4, coalesce($5, moonhook_now()), $6, $7) ON CONFLICT DO NOTHING RETURNING seq`,
    [namespaceUid, id, type, source, time ?? null, Buffer.from(attributes, 'utf8'), Buffer.from(body)],
  );
  // The very same event again (an outbox repeated, a schedule's slot fired by two): the first one stands.
  if (rows[0] === undefined) return { id, duplicateOf: id, leased: [] };
  const seq = Number(rows[0].seq);
  if (key !== undefined && duplicate !== undefined) {
    await client.query('UPDATE moonhook_duplicates SET event = $2 WHERE key = $1', [key, seq]);
  }
  const leased: Lease[] = [];
  for (const delivery of deliveries) {
    const added = await addDelivery(client, seq, delivery, count);
    if (added?.leased !== true) continue;
    const { destination, orderKey, generation = 0 } = delivery;
    const receipt = { delivery: added.seq, epoch: 1 };
    leased.push({
      receipt,
      event,
      destination,
      ...(orderKey === undefined ? {} : { orderKey }),
      generation,
      attempt: 1,
      crashes: 0,
    });
  }
  return { id, leased };
}

/** Takes the key (undefined: it is the caller's now) or tells whose it is; a second transaction waits here for the first. */
async function findDuplicate(
  client: ClientBase,
  key: Buffer,
  duplicate: DuplicateKey,
  namespaceUid: string,
  count: CountChange,
): Promise<Appended | undefined> {
  const taken = await client.query(
    `INSERT INTO moonhook_duplicates AS known (key, event, expires) VALUES ($1, 0, moonhook_now() + $2::bigint)
     ON CONFLICT (key) DO UPDATE SET event = 0, expires = excluded.expires WHERE known.expires <= moonhook_now() RETURNING key`,
    [key, duplicate.windowMs],
  );
  if (taken.rowCount === 1) return undefined;
  const { rows } = await client.query<EventRow & { seq: string }>(
    'SELECT e.seq, e.id, e.scope, e.type, e.source, e.time, e.attributes, e.body FROM moonhook_duplicates d JOIN moonhook_events e ON e.seq = d.event WHERE d.key = $1',
    [key],
  );
  const [first] = rows;
  if (first === undefined || first.scope !== namespaceUid) return undefined;
  const generation = await rerun(client, Number(first.seq), duplicate.rerun === true, count);
  return { id: first.id, duplicateOf: first.id, leased: [], ...(generation === undefined ? {} : { generation }) };
}

/** Runs a known event again where its deliveries died or were cancelled (or ended at all, with `always`). */
async function rerun(
  client: ClientBase,
  event: number,
  always: boolean,
  count: CountChange,
): Promise<number | undefined> {
  const { rows } = await client.query<{ name: string; generation: number; state: string }>(
    `SELECT DISTINCT ON (d.destination) n.name, d.generation, d.state FROM moonhook_deliveries d
     JOIN moonhook_destinations n ON n.id = d.destination WHERE d.event = $1 ORDER BY d.destination, d.generation DESC`,
    [event],
  );
  const again = rows.filter(
    ({ state }) =>
      state === 'dead' || state === 'cancelled' || (always && !['waiting', 'held', 'leased'].includes(state)),
  );
  if (again.length === 0) return undefined;
  const generation = Math.max(...rows.map((row) => row.generation)) + 1;
  for (const { name } of again) await addDelivery(client, event, { destination: name }, count, generation);
  return generation;
}

export async function readEvent(client: Pick<ClientBase, 'query'>, namespaceUid: string, id: string) {
  const { rows } = await client.query<EventRow>(
    'SELECT id, scope, type, source, time, attributes, body FROM moonhook_events WHERE scope = $1 AND id = $2',
    [namespaceUid, id],
  );
  return rows[0] === undefined ? undefined : toEvent(rows[0]);
}

/** 16 bytes of SHA-256: short rows keep the index of millions of keys small. */
function hashKey(namespaceUid: string, { endpoint, key }: DuplicateKey): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([namespaceUid, endpoint, key]))
    .digest()
    .subarray(0, 16);
}
