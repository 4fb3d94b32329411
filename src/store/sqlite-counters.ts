/** Counters of rows by state: added up in memory during a transaction, written once at its end. */
import type { DatabaseSync } from 'node:sqlite';
import type { Journal } from './sqlite-journal.ts';
import type { DeliveryState } from './store.ts';

export type CounterName = 'created' | DeliveryState | 'trimmedDead' | 'trimmedCancelled';

export interface Counters {
  add(name: CounterName, change: number): void;
  /** Inside the transaction, before its commit. */
  write(): void;
  /** After the whole transaction was rolled back. */
  reset(): void;
  read(): ReadonlyMap<string, number>;
}

/** A row is in another state; `created`: it was in none. */
export function moveState(counters: Counters, from: DeliveryState | 'created', to: DeliveryState): void {
  counters.add(from, from === 'created' ? 1 : -1);
  counters.add(to, 1);
}

export function createCounters(database: DatabaseSync, journal: Journal): Counters {
  const update = database.prepare('UPDATE counters SET value = value + ? WHERE name = ?');
  const select = database.prepare('SELECT name, value FROM counters');
  const changes = new Map<CounterName, number>();
  const apply = (name: CounterName, change: number): void => {
    changes.set(name, (changes.get(name) ?? 0) + change);
  };

  /** A cleared map would leave its table behind, thousands of times a second. */
  function forget(): void {
    for (const name of changes.keys()) changes.set(name, 0);
  }

  return {
    add(name, change) {
      apply(name, change);
      journal.push(() => apply(name, -change));
    },
    write() {
      for (const [name, change] of changes) if (change !== 0) update.run(change, name);
      forget();
    },
    reset: forget,
    read() {
      const values = new Map(
        (select.all() as { name: string; value: number }[]).map(({ name, value }) => [name, value]),
      );
      for (const [name, change] of changes) values.set(name, (values.get(name) ?? 0) + change);
      return values;
    },
  };
}
