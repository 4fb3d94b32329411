/** Answers to events whose duplicate key is somebody's in PostgreSQL: whose, and whether that one runs again. */
import type { Pool } from 'pg';
import { addGenerations, type DeliveryInput } from './postgres-add.ts';
import { hashKey } from './duplicate-hash.ts';
import { appendItems } from './postgres-append.ts';
import type { PostgresDestinations } from './postgres-destinations.ts';
import type { Session } from './postgres-session.ts';
import { isEnded, type AppendItem, type Appended, type DeliveryState, type DuplicateKey } from './store.ts';

/** As `Store.isKnown`. */
export async function isKnownKey(pool: Pool, namespaceUid: string, duplicate: DuplicateKey): Promise<boolean> {
  const { rowCount } = await pool.query(
    'SELECT 1 FROM moonhook_duplicates WHERE key = $1::bytea AND expires > moonhook_now()',
    [hashKey(namespaceUid, duplicate)],
  );
  return rowCount === 1;
}

/**
 * Inside a transaction: the keys stay locked until its end, so that two senders that repeat at the same time do not run an
 * event again twice.
 */
export async function answerDuplicates(
  session: Session,
  items: readonly AppendItem[],
  destinations: PostgresDestinations,
): Promise<Appended[]> {
  const keys = items.map(({ event, duplicate }) =>
    duplicate === undefined ? undefined : hashKey(event.namespaceUid, duplicate),
  );
  const { rows } = await session.client.query<{ key: Buffer; event: string }>(
    // One by one: a list of keys is looked for in each partition, sixteen times.
    `SELECT d.key, d.event FROM (SELECT DISTINCT key FROM unnest($1::bytea[]) AS key ORDER BY key) u CROSS JOIN LATERAL (
       SELECT key, event FROM moonhook_duplicates WHERE key = u.key AND expires > moonhook_now() FOR UPDATE) d`,
    [keys],
  );
  const known = new Map(rows.map(({ key, event }) => [key.toString('latin1'), event]));
  const first = keys.map((key) => known.get(key?.toString('latin1') ?? ''));
  const others = await withOtherBody(session, items, first);
  const runs = await runsOf(
    session,
    items.map(({ event }, index) => ({ namespaceUid: event.namespaceUid, id: first[index] })),
  );
  const answers: Appended[] = [];
  for (const [index, item] of items.entries()) {
    const id = first[index];
    if (id === undefined) {
      answers.push(await takeExpired(session, item, destinations));
      continue;
    }
    if (others.has(index)) {
      answers.push({ id, duplicateOf: id, leased: [], otherBody: true });
      continue;
    }
    const generation = await rerun(session, runs.get(index) ?? [], item.duplicate?.rerun === true, destinations);
    answers.push({ id, duplicateOf: id, leased: [], ...(generation === undefined ? {} : { generation }) });
  }
  return answers;
}

/** The key has expired or was trimmed since the index was asked. */
async function takeExpired(session: Session, item: AppendItem, destinations: PostgresDestinations): Promise<Appended> {
  const ids = await destinations.idsOf(item.deliveries.map(({ destination }) => destination));
  const [appended] = await appendItems(session, [item], ids);
  if (appended !== undefined) return appended;
  // As the server says it when a transaction is to be repeated.
  throw Object.assign(new Error('a duplicate key came back while it was looked at'), { code: '40001' });
}

/** Places of those whose key asks for one body, which is not theirs. */
async function withOtherBody(
  session: Session,
  items: readonly AppendItem[],
  first: readonly (string | undefined)[],
): Promise<ReadonlySet<number>> {
  const asked = [...items.entries()].filter(
    ([index, { duplicate }]) => duplicate?.oneBody && first[index] !== undefined,
  );
  if (asked.length === 0) return new Set();
  const { rows } = await session.client.query<{ n: number }>(
    `SELECT u.n FROM unnest($1::int[], $2::text[], $3::text[], $4::bytea[]) AS u (n, scope, id, body)
     JOIN moonhook_events e ON e.scope = u.scope AND e.id = u.id WHERE e.body <> u.body`,
    [
      asked.map(([index]) => index),
      asked.map(([, { event }]) => event.namespaceUid),
      asked.map(([index]) => first[index]),
      asked.map(([, { event }]) => Buffer.from(event.body.buffer, event.body.byteOffset, event.body.length)),
    ],
  );
  return new Set(rows.map(({ n }) => n));
}

interface Run {
  readonly event: string;
  readonly destination: string;
  readonly generation: number;
  readonly state: DeliveryState;
}

/** The last generation at each destination, by the place of the event. */
async function runsOf(
  session: Session,
  events: readonly { readonly namespaceUid: string; readonly id: string | undefined }[],
): Promise<ReadonlyMap<number, readonly Run[]>> {
  const { rows } = await session.client.query<Run & { n: string }>(
    `SELECT DISTINCT ON (u.n, d.destination) u.n - 1 AS n, d.event, d.destination, d.generation, d.state
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (scope, id, n)
     JOIN moonhook_events e ON e.scope = u.scope AND e.id = u.id JOIN moonhook_rows d ON d.event = e.seq
     ORDER BY u.n, d.destination, d.generation DESC`,
    [events.map(({ namespaceUid }) => namespaceUid), events.map(({ id }) => id ?? null)],
  );
  return Map.groupBy(rows, ({ n }) => Number(n));
}

/** Runs a known event again where its deliveries died or were cancelled (or ended at all, with `always`). */
async function rerun(
  session: Session,
  runs: readonly Run[],
  always: boolean,
  destinations: PostgresDestinations,
): Promise<number | undefined> {
  const again = runs.filter(({ state }) => state === 'dead' || state === 'cancelled' || (always && isEnded(state)));
  if (again.length === 0) return undefined;
  const generation = Math.max(...runs.map((run) => run.generation)) + 1;
  const names = await destinations.namesOf(again.map(({ destination }) => Number(destination)));
  const inputs = again.map(({ event, destination }): DeliveryInput => ({
    event: Number(event),
    delivery: { destination: names.get(Number(destination)) ?? '' },
    generation,
  }));
  const ids = await destinations.idsOf(names.values());
  return (await addGenerations(session, inputs, ids)) === 0 ? undefined : generation;
}
