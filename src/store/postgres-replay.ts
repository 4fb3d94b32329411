/** Replaying one ended delivery in PostgreSQL, inside the caller's transaction. */
import { addGenerations } from './postgres-add.ts';
import type { Session } from './postgres-session.ts';
import type { DeliveryRow } from './store.ts';

/** Runs the row's event again at its destination, or at `to`, whose number `ids` holds; false when that is there already or runs by another replay. */
export async function replayRow(
  session: Session,
  { delivery, destination, orderKey, eventId, namespaceUid }: DeliveryRow,
  generation: number,
  to: string | undefined,
  ids: ReadonlyMap<string, number>,
): Promise<boolean> {
  const { client } = session;
  // Two replays at the same time meet here: the second sees what the first has added.
  const { rows } = await client.query<{ seq: string }>(
    'SELECT seq FROM moonhook_events WHERE scope = $1 AND id = $2 FOR UPDATE',
    [namespaceUid, eventId],
  );
  const [event] = rows;
  if (event === undefined) return false;
  const { rowCount } = await client.query(
    `SELECT 1 FROM moonhook_rows d JOIN moonhook_rows n ON n.event = d.event AND n.destination = d.destination
       AND n.generation > d.generation WHERE d.event = $1 AND d.seq = $2 LIMIT 1`,
    [event.seq, delivery],
  );
  if ((rowCount ?? 0) > 0) return false;
  const order = orderKey === undefined || to !== undefined ? {} : { orderKey };
  const added = { destination: to ?? destination, background: true, ...order };
  return (await addGenerations(session, [{ event: Number(event.seq), delivery: added, generation }], ids)) > 0;
}
