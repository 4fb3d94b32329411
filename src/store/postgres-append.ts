/** Appending events in PostgreSQL, many in one statement. The unique index on duplicate keys is the only judge. */
import type { ClientBase } from 'pg';
import { compareTexts } from '../function/compare-texts.ts';
import { endpointNumber, hashKey } from './duplicate-hash.ts';
import {
  type AddedDelivery,
  addDeliveries,
  addGenerations,
  type DeliveryInput,
  lockOrderKeys,
} from './postgres-add.ts';
import { countSql, type Session } from './postgres-session.ts';
import { type EventRow, toEvent } from './postgres-deliveries.ts';
import type { AppendItem, Appended, Lease, NewDelivery } from './store.ts';

/** An item with its key hashed. */
interface Keyed {
  readonly item: AppendItem;
  readonly key: Buffer | undefined;
}

/** Whether `appendItems` is one statement for these items, which needs no transaction around it. */
export function isOneStatement(items: readonly AppendItem[]): boolean {
  if (items.some(({ known }) => known === true)) return false;
  if (items.some(({ deliveries }) => deliveries.some(({ orderKey }) => orderKey !== undefined))) return false;
  const keys = items.flatMap(({ event, duplicate }) =>
    duplicate === undefined ? [] : [hashKey(event.namespaceUid, duplicate).toString('latin1')],
  );
  return new Set(keys).size === keys.length;
}

/** Stores what is new; undefined: the key is somebody's, `answerDuplicates` says whose. `ids` holds every destination named. */
export async function appendItems(
  session: Session,
  items: readonly AppendItem[],
  ids: ReadonlyMap<string, number>,
): Promise<(Appended | undefined)[]> {
  const keyed = items.map((item): Keyed => ({
    item,
    key: item.duplicate === undefined ? undefined : hashKey(item.event.namespaceUid, item.duplicate),
  }));
  await lockOrderKeys(
    session.client,
    items.flatMap(({ deliveries }) => deliveries),
    ids,
  );
  const answers = new Map<Keyed, Appended>();
  for (const round of inRounds(keyed)) {
    for (const [of, appended] of await appendRound(session, round, ids)) answers.set(of, appended);
  }
  return keyed.map((each) => answers.get(each));
}

/** No round has a duplicate key or an order key twice: what comes later must see what came before. */
function inRounds(items: readonly Keyed[]): Keyed[][] {
  const rounds: Keyed[][] = [];
  const last = new Map<string, number>();
  for (const each of items) {
    const names = each.item.deliveries.flatMap(({ destination, orderKey }) =>
      orderKey === undefined ? [] : [JSON.stringify([destination, orderKey])],
    );
    if (each.key !== undefined) names.push(each.key.toString('latin1'));
    const number = Math.max(0, ...names.map((name) => (last.get(name) ?? -1) + 1));
    for (const name of names) last.set(name, number);
    (rounds[number] ??= []).push(each);
  }
  return rounds;
}

interface StoredRow {
  readonly n: string;
  readonly seq: string;
  readonly stored: boolean;
  readonly taken: boolean;
  readonly leased: string | null;
  readonly destination: string | null;
  readonly generation: number | null;
}

const appendSql = `
  WITH input AS MATERIALIZED (
    SELECT nextval('moonhook_event_numbers') AS seq, i.n, i.scope, i.id, i.type, i.source, i.time, i.key, i.keep, i.endpoint, i.wanted,
      substring($12::bytea FROM i.a_from FOR i.a_length) AS attributes,
      substring($12::bytea FROM i.b_from FOR i.b_length) AS body
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::bigint[], $8::int[],
      $9::int[], $10::int[], $11::int[], $20::boolean[], $21::bigint[])
      WITH ORDINALITY AS i (scope, id, type, source, time, key, keep, a_from, a_length, b_from, b_length, wanted, endpoint, n)
  ), taken AS (
    INSERT INTO moonhook_duplicates AS known (key, event, expires, endpoint)
    SELECT key, id, moonhook_now() + keep, endpoint FROM input WHERE key IS NOT NULL ORDER BY n
    ON CONFLICT (key) DO UPDATE SET event = excluded.event, expires = excluded.expires, endpoint = excluded.endpoint
      WHERE known.expires <= moonhook_now() RETURNING key
  ), stored AS (
    INSERT INTO moonhook_events (seq, scope, id, type, source, time, attributes, body)
    SELECT seq, scope, id, type, source, coalesce(time, moonhook_now()), attributes, body FROM input
    WHERE wanted AND (key IS NULL OR key IN (SELECT key FROM taken)) ORDER BY n
    ON CONFLICT (scope, id) DO NOTHING RETURNING seq
  ), delivered AS (
    INSERT INTO moonhook_deliveries (event, destination, generation, state, due, background, attempts, crashes, epoch, lease_until)
    SELECT i.seq, d.destination, d.generation, CASE WHEN d.lease IS NULL THEN 'waiting' ELSE 'leased' END,
      moonhook_now() + d.delay, d.background, (d.lease IS NOT NULL)::int, 0, (d.lease IS NOT NULL)::int, moonhook_now() + d.lease
    FROM unnest($13::bigint[], $14::bigint[], $15::int[], $16::bigint[], $17::smallint[], $18::bigint[])
      WITH ORDINALITY AS d (n, destination, generation, delay, background, lease, place)
    JOIN input i ON i.n = d.n WHERE i.seq IN (SELECT seq FROM stored) ORDER BY d.place
    ON CONFLICT (event, destination, generation) DO NOTHING RETURNING seq, event, destination, generation, state
  ), counted AS (${countSql('$19', { created: '(SELECT count(*) FROM delivered)' })})
  SELECT i.n, i.seq, s.seq IS NOT NULL AS stored, i.key IS NULL OR t.key IS NOT NULL AS taken,
    l.seq AS leased, l.destination, l.generation
  FROM input i LEFT JOIN stored s ON s.seq = i.seq LEFT JOIN taken t ON t.key = i.key
    LEFT JOIN delivered l ON l.event = i.seq AND l.state = 'leased' ORDER BY i.n, l.seq`;

/** Sorted by key, then by id: transactions that meet wait for each other in one order. Deliveries keep the order of arrival. */
async function appendRound(
  session: Session,
  round: readonly Keyed[],
  ids: ReadonlyMap<string, number>,
): Promise<Map<Keyed, Appended>> {
  const sorted = round.toSorted(inKeyOrder);
  const place = new Map(sorted.map((each, index) => [each, index + 1]));
  const packed = packBytes(sorted.map(({ item }) => item));
  const simple = round.flatMap((each) =>
    each.item.deliveries
      .filter(({ orderKey }) => orderKey === undefined)
      .map((delivery) => ({ n: place.get(each) ?? 0, delivery })),
  );
  const events = sorted.map(({ item }) => item.event);
  const endpointOf = endpointsOf();
  const { rows } = await session.client.query<StoredRow>({
    name: 'moonhook_append',
    text: appendSql,
    values: [
      events.map(({ namespaceUid }) => namespaceUid),
      events.map(({ id }) => id),
      events.map(({ type }) => type),
      events.map(({ source }) => source),
      events.map(({ time }) => time ?? null),
      sorted.map(({ key }) => key ?? null),
      sorted.map(({ item }) => item.duplicate?.windowMs ?? null),
      packed.places.map(({ attributes }) => attributes.from),
      packed.places.map(({ attributes }) => attributes.length),
      packed.places.map(({ body }) => body.from),
      packed.places.map(({ body }) => body.length),
      packed.bytes,
      simple.map(({ n }) => n),
      simple.map(({ delivery }) => ids.get(delivery.destination)),
      simple.map(({ delivery }) => delivery.generation ?? 0),
      simple.map(({ delivery }) => delivery.delayMs ?? 0),
      simple.map(({ delivery }) => (delivery.background === true ? 1 : 0)),
      simple.map(({ delivery }) => delivery.leaseMs ?? null),
      session.counter,
      sorted.map(({ item }) => item.deliveries.length > 0),
      sorted.map(({ item }) => endpointOf(item)),
    ],
  });
  const byPlace = Map.groupBy(rows, ({ n }) => Number(n));
  const answers = new Map<Keyed, Appended>();
  const ordered: { readonly of: Keyed; readonly input: DeliveryInput }[] = [];
  for (const each of round) {
    const found = byPlace.get(place.get(each) ?? 0) ?? [];
    const [first] = found;
    if (first === undefined || !first.taken) continue;
    const { event, deliveries } = each.item;
    // Nobody wants it: its key is kept, there is nothing to run.
    if (!first.stored && deliveries.length === 0) answers.set(each, { id: event.id, leased: [] });
    // The very same event again (an outbox repeated, a schedule's slot fired by two): the first one stands.
    else if (!first.stored) answers.set(each, { id: event.id, duplicateOf: event.id, leased: [] });
    if (!first.stored) {
      if (each.item.known === true) await completeKnown(session, each.item, ids);
      continue;
    }
    const leased = found.flatMap((row): Lease[] => {
      const delivery = deliveries.find(({ destination }) => ids.get(destination) === Number(row.destination));
      return row.leased === null || delivery === undefined ? [] : [leaseOf(each.item, delivery, Number(row.leased))];
    });
    answers.set(each, { id: event.id, leased });
    for (const delivery of deliveries) {
      if (delivery.orderKey === undefined) continue;
      ordered.push({ of: each, input: { event: Number(first.seq), delivery, generation: delivery.generation ?? 0 } });
    }
  }
  if (ordered.length === 0) return answers;
  const added = await addDeliveries(
    session,
    ordered.map(({ input }) => input),
    ids,
  );
  for (const [index, { of, input }] of ordered.entries()) {
    const row: AddedDelivery | undefined = added[index];
    const known = answers.get(of);
    if (row?.leased !== true || known === undefined) continue;
    answers.set(of, { ...known, leased: [...known.leased, leaseOf(of.item, input.delivery, row.seq)] });
  }
  return answers;
}

/** Many of a round are of one endpoint. */
function endpointsOf(): (item: AppendItem) => string | null {
  const known = new Map<string, string>();
  return ({ event: { namespaceUid }, duplicate }) => {
    if (duplicate === undefined) return null;
    const words = `${namespaceUid}\n${duplicate.endpoint}`;
    const number = known.get(words) ?? endpointNumber(namespaceUid, duplicate);
    known.set(words, number);
    return number;
  };
}

function leaseOf({ event }: AppendItem, delivery: NewDelivery, seq: number): Lease {
  const { destination, orderKey, generation = 0 } = delivery;
  const key = orderKey === undefined ? {} : { orderKey };
  return { receipt: { delivery: seq, epoch: 1 }, event, destination, ...key, generation, attempt: 1, crashes: 0 };
}

function inKeyOrder(a: Keyed, b: Keyed): number {
  const name = ({ key, item: { event } }: Keyed): string =>
    `${key?.toString('hex') ?? ''}\n${event.namespaceUid}\n${event.id}`;
  return compareTexts(name(a), name(b));
}

interface Place {
  readonly from: number;
  readonly length: number;
}

/** One binary parameter for all attributes and bodies, and where each lies, counted from 1. */
function packBytes(items: readonly AppendItem[]): {
  readonly bytes: Buffer;
  readonly places: readonly { readonly attributes: Place; readonly body: Place }[];
} {
  const parts: Uint8Array[] = [];
  let from = 1;
  function put(part: Uint8Array): Place {
    const place = { from, length: part.byteLength };
    parts.push(part);
    from += part.byteLength;
    return place;
  }
  const places = items.map(({ event }) => ({
    attributes: put(Buffer.from(event.attributes, 'utf8')),
    body: put(event.body),
  }));
  return { bytes: Buffer.concat(parts), places };
}

/** The deliveries that a stored event does not have yet: fan-out in pieces. */
async function completeKnown(session: Session, { event, deliveries }: AppendItem, ids: ReadonlyMap<string, number>) {
  const { rows } = await session.client.query<{ seq: string }>(
    'SELECT seq FROM moonhook_events WHERE scope = $1 AND id = $2',
    [event.namespaceUid, event.id],
  );
  const [row] = rows;
  if (row === undefined) return;
  const { rows: there } = await session.client.query<{ destination: string; generation: number }>(
    `SELECT destination, generation FROM moonhook_deliveries WHERE event = $1
     UNION ALL SELECT destination, generation FROM moonhook_ended WHERE event = $1`,
    [row.seq],
  );
  const present = new Set(there.map(({ destination, generation }) => `${destination} ${generation}`));
  const inputs = deliveries.flatMap((delivery) => {
    const { destination, generation = 0 } = delivery;
    // One that is there must not take the place of itself.
    if (present.has(`${ids.get(destination)} ${generation}`)) return [];
    return [{ event: Number(row.seq), delivery, generation }];
  });
  await addGenerations(session, inputs, ids);
}

export async function readEvent(client: Pick<ClientBase, 'query'>, namespaceUid: string, id: string) {
  const { rows } = await client.query<EventRow>(
    'SELECT id, scope, type, source, time, attributes, body FROM moonhook_events WHERE scope = $1 AND id = $2',
    [namespaceUid, id],
  );
  return rows[0] === undefined ? undefined : toEvent(rows[0]);
}
