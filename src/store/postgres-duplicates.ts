/** Answers to events whose duplicate key is somebody's in PostgreSQL: whose, and whether that one runs again. */
import { addGenerations, type DeliveryInput } from './postgres-add.ts';
import { appendItems, hashKey } from './postgres-append.ts';
import type { PostgresDestinations } from './postgres-destinations.ts';
import type { Session } from './postgres-session.ts';
import { isEnded, type AppendItem, type Appended, type DeliveryState } from './store.ts';

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
    `SELECT key, event FROM moonhook_duplicates WHERE key = ANY ($1::bytea[]) AND expires > moonhook_now()
     ORDER BY key FOR UPDATE`,
    [keys],
  );
  const known = new Map(rows.map(({ key, event }) => [key.toString('latin1'), event]));
  const answers: Appended[] = [];
  for (const [index, item] of items.entries()) {
    const id = known.get(keys[index]?.toString('latin1') ?? '');
    answers.push(
      id === undefined
        ? await takeExpired(session, item, destinations)
        : await answerOne(session, item, id, destinations),
    );
  }
  return answers;
}

/** The key has expired or was trimmed since the index was asked. */
async function takeExpired(session: Session, item: AppendItem, destinations: PostgresDestinations): Promise<Appended> {
  const ids = await destinations.idsOf(item.deliveries.map(({ destination }) => destination));
  const [appended] = await appendItems(session, [item], ids);
  if (appended === undefined) throw new Error('a duplicate key came back while it was looked at: try again');
  return appended;
}

async function answerOne(
  session: Session,
  { event, duplicate }: AppendItem,
  id: string,
  destinations: PostgresDestinations,
): Promise<Appended> {
  const generation = await rerun(session, event.namespaceUid, id, duplicate?.rerun === true, destinations);
  return { id, duplicateOf: id, leased: [], ...(generation === undefined ? {} : { generation }) };
}

/** Runs a known event again where its deliveries died or were cancelled (or ended at all, with `always`). */
async function rerun(
  session: Session,
  namespaceUid: string,
  id: string,
  always: boolean,
  destinations: PostgresDestinations,
): Promise<number | undefined> {
  const { rows } = await session.client.query<{
    event: string;
    destination: string;
    generation: number;
    state: DeliveryState;
  }>(
    `SELECT DISTINCT ON (d.destination) d.event, d.destination, d.generation, d.state
     FROM moonhook_events e JOIN moonhook_rows d ON d.event = e.seq WHERE e.scope = $1 AND e.id = $2
     ORDER BY d.destination, d.generation DESC`,
    [namespaceUid, id],
  );
  const again = rows.filter(({ state }) => state === 'dead' || state === 'cancelled' || (always && isEnded(state)));
  if (again.length === 0) return undefined;
  const generation = Math.max(...rows.map((row) => row.generation)) + 1;
  const names = await destinations.namesOf(again.map(({ destination }) => Number(destination)));
  const inputs = again.map(({ event, destination }): DeliveryInput => ({
    event: Number(event),
    delivery: { destination: names.get(Number(destination)) ?? '' },
    generation,
  }));
  const ids = await destinations.idsOf(names.values());
  return (await addGenerations(session, inputs, ids)) === 0 ? undefined : generation;
}
