/** Delivery rows of SQLite that share an order key: the first of them runs, the others are held behind it. */
import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryState } from './store.ts';

export interface OrderKeys {
  /** The row that is first. */
  head(destination: number, key: string): { readonly seq: number; readonly state: DeliveryState } | undefined;
  /** Rows that do not run yet. */
  waiting(destination: number, key: string): readonly number[];
  /** A held row waits from now on; answers when it is due. */
  promote(seq: number): number;
}

export function createOrderKeys(database: DatabaseSync): OrderKeys {
  const head = database.prepare(
    "SELECT seq, state FROM deliveries WHERE destination = ? AND order_key = ? AND state IN ('waiting', 'held', 'leased') ORDER BY seq LIMIT 1",
  );
  // The condition of the index word for word: SQLite concludes nothing from a shorter list, and would read all rows.
  const waiting = database.prepare(
    "SELECT seq FROM deliveries WHERE destination = ? AND order_key = ? AND state IN ('waiting', 'held', 'leased') AND state <> 'leased'",
  );
  const promote = database.prepare("UPDATE deliveries SET state = 'waiting' WHERE seq = ? RETURNING due");
  return {
    head: (destination, key) => head.get(destination, key) as ReturnType<OrderKeys['head']>,
    waiting: (destination, key) => (waiting.all(destination, key) as { seq: number }[]).map(({ seq }) => seq),
    promote: (seq) => (promote.get(seq) as { due: number }).due,
  };
}
