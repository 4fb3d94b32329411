/** Counters of rows by state: added up in memory during a transaction, written once at its end. */
import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryState } from './store.ts';

export type CounterName = 'created' | DeliveryState;

export interface Counters {
  add(name: CounterName, change: number): void;
  /** What was added since the last write: kept aside before an item that may be rolled back. */
  pending(): ReadonlyMap<CounterName, number>;
  restore(pending: ReadonlyMap<CounterName, number>): void;
  /** Inside the transaction, before its commit. */
  write(): void;
  read(): ReadonlyMap<string, number>;
}

export function createCounters(database: DatabaseSync): Counters {
  const update = database.prepare('UPDATE counters SET value = value + ? WHERE name = ?');
  const select = database.prepare('SELECT name, value FROM counters');
  let changes = new Map<CounterName, number>();

  return {
    add: (name, change) => void changes.set(name, (changes.get(name) ?? 0) + change),
    pending: () => new Map(changes),
    restore: (pending) => void (changes = new Map(pending)),
    write() {
      for (const [name, change] of changes) if (change !== 0) update.run(change, name);
      changes.clear();
    },
    read() {
      const values = new Map(
        (select.all() as { name: string; value: number }[]).map(({ name, value }) => [name, value]),
      );
      for (const [name, change] of changes) values.set(name, (values.get(name) ?? 0) + change);
      return values;
    },
  };
}
