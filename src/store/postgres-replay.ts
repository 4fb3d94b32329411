/** Replaying one ended delivery in PostgreSQL, inside the caller's transaction. */
import type { ClientBase } from 'pg';
import { addDelivery, type CountChange } from './postgres-deliveries.ts';
import type { DeliveryRow } from './store.ts';

/** Runs the row's event again at its destination, or at `to`; false when that is there already or runs by another replay. */
export async function replayRow(
  client: ClientBase,
  { delivery, destination, orderKey }: DeliveryRow,
  generation: number,
  to: string | undefined,
  count: CountChange,
): Promise<boolean> {
  // Two replays at the same time meet here: the second sees what the first has added.
  const { rows } = await client.query<{ event: string }>(
    'SELECT event FROM moonhook_deliveries WHERE seq = $1 FOR UPDATE',
    [delivery],
  );
  const event = Number(rows[0]?.event);
  if (rows[0] === undefined) return false;
  const { rowCount } = await client.query(
    `SELECT 1 FROM moonhook_deliveries d JOIN moonhook_deliveries n
       ON n.event = d.event AND n.destination = d.destination AND n.generation > d.generation WHERE d.seq = $1 LIMIT 1`,
    [delivery],
  );
  if ((rowCount ?? 0) > 0) return false;
  const order = orderKey === undefined || to !== undefined ? {} : { orderKey };
  const added = { destination: to ?? destination, background: true, ...order };
  return (await addDelivery(client, event, added, count, generation)) !== undefined;
}
