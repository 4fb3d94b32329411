/** How delivery rows of SQLite end, and what that lets go on. Every function runs inside the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { Row } from './delivery-rows.ts';
import { moveState, type Counters } from './sqlite-counters.ts';
import type { Destinations } from './sqlite-destinations.ts';
import type { OrderKeys } from './sqlite-order-keys.ts';
import type { UsageBook } from './sqlite-usage.ts';
import type { StoreClock } from './store-clock.ts';
import { isEnded, type DeliveryState } from './store.ts';

export interface Endings {
  /** The next row of its order key waits from now on. */
  finish(row: Row, state: DeliveryState, reason?: string, error?: string): void;
  /** What does not run yet of an order key. */
  supersede(destination: number, orderKey: string): void;
  /** Rows that wait or are held, and dead ones that are to be kept no longer. */
  cancel(rows: readonly number[]): void;
  /** Whatever they do now: their namespace is gone. */
  endAll(rows: readonly number[]): void;
}

interface EndingParts {
  readonly database: DatabaseSync;
  readonly clock: StoreClock;
  readonly counters: Counters;
  readonly usage: UsageBook;
  readonly destinations: Destinations;
  readonly orderKeys: OrderKeys;
  rowOf(seq: number): Row | undefined;
  /** Nobody holds it any more. */
  forget(seq: number): void;
}

export function createEndings(parts: EndingParts): Endings {
  const { database, clock, counters, usage, destinations, orderKeys, rowOf, forget } = parts;
  const end = database.prepare('UPDATE deliveries SET state = ?, ended = ?, reason = ?, error = ? WHERE seq = ?');
  const discard = database.prepare("UPDATE deliveries SET state = 'cancelled' WHERE seq = ?");

  /** What it counted for waiting counts for ended now. */
  function endRow(row: Row, state: DeliveryState, reason?: string, error?: string): void {
    end.run(state, clock.now(), reason ?? null, error ?? null, row.seq);
    moveState(counters, row.state, state);
    usage.change(row.scope, 'waitingRows', -1);
    usage.change(row.scope, 'waitingBytes', -row.bytes);
    usage.change(row.scope, 'endedRows', 1);
    usage.change(row.scope, 'endedBytes', row.bytes);
    forget(row.seq);
  }

  function promoteNext(destination: number, orderKey: string): void {
    const head = orderKeys.head(destination, orderKey);
    if (head?.state !== 'held') return;
    const when = orderKeys.promote(head.seq);
    moveState(counters, 'held', 'waiting');
    destinations.noteDue(destination, when);
  }

  function finish(row: Row, state: DeliveryState, reason?: string, error?: string): void {
    endRow(row, state, reason, error);
    if (row.order_key !== null) promoteNext(row.destination, row.order_key);
  }

  return {
    finish,
    supersede(destination, orderKey) {
      for (const seq of orderKeys.waiting(destination, orderKey)) endRow(rowOf(seq) as Row, 'superseded');
    },
    cancel(rows) {
      for (const seq of rows) {
        const row = rowOf(seq);
        if (row?.state === 'waiting' || row?.state === 'held') finish(row, 'cancelled');
        else if (row?.state === 'dead') {
          discard.run(seq);
          // Counts say how rows ended first: this one is no kept dead one any more, and one cancelled row more than was counted.
          counters.add('trimmedDead', 1);
          counters.add('trimmedCancelled', -1);
        }
      }
    },
    endAll(rows) {
      for (const seq of rows) {
        const row = rowOf(seq);
        if (row !== undefined && !isEnded(row.state)) endRow(row, 'cancelled');
      }
    },
  };
}
