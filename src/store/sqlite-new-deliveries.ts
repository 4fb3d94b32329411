/** New delivery rows in SQLite: each gets its number here, and is written at once or together with others. */
import type { DatabaseSync } from 'node:sqlite';
import { createGatheredRows } from './gathered-rows.ts';
import type { Journal } from './sqlite-journal.ts';
import type { DeliveryState } from './store.ts';

export interface NewRow {
  readonly event: number;
  readonly destination: number;
  readonly generation: number;
  readonly state: DeliveryState;
  readonly due: number;
  readonly background: boolean;
  readonly orderKey: string | null;
  readonly scope: number;
  readonly bytes: number;
}

export interface NewDeliveries {
  /** Its number; undefined: this generation of the event is there already. */
  insert(row: NewRow): number | undefined;
  /** Its number; the table has it from `write` on. */
  gather(row: NewRow): number;
  /** What was gathered. */
  write(): void;
}

export function createNewDeliveries(database: DatabaseSync, journal: Journal): NewDeliveries {
  const rows = createGatheredRows(
    database,
    journal,
    'deliveries (seq, event, destination, generation, state, due, background, attempts, crashes, epoch, order_key, scope, bytes)',
    'event, destination, generation',
  );
  const highest = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").get();
  /** It is never set back: a row that was taken back leaves a gap. */
  let last = (highest as { readonly seq: number } | undefined)?.seq ?? 0;

  function valuesOf({ event, destination, generation, state, due, background, orderKey, scope, bytes }: NewRow) {
    last += 1;
    // Leased at once is its first attempt, under its first lease.
    const taken = state === 'leased' ? 1 : 0;
    const later = background ? 1 : 0;
    return [last, event, destination, generation, state, due, later, taken, 0, taken, orderKey, scope, bytes];
  }

  return {
    insert: (row) => (rows.insert(valuesOf(row)) ? last : undefined),
    gather(row) {
      rows.gather(valuesOf(row));
      return last;
    },
    write: () => rows.write(),
  };
}
