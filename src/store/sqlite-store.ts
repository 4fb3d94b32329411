/** The store's operations on one SQLite database, synchronous: runs wherever its owner wants it, a thread of its own above all. */
import type { DatabaseSync } from 'node:sqlite';
import { createCounters, type Counters } from './sqlite-counters.ts';
import { createDeliveryRows } from './sqlite-deliveries.ts';
import { createEventRows } from './sqlite-events.ts';
import { createKeyValueRows } from './sqlite-key-value.ts';
import { pageLimit, readDeliveries } from './sqlite-read.ts';
import { openDatabase } from './sqlite-schema.ts';
import { createStoreClock, type ClockSource } from './store-clock.ts';
import {
  deliveryStates,
  isEnded,
  type AppendItem,
  type Appended,
  type Claim,
  type Counts,
  type DeliveryFilter,
  type DeliveryRow,
  type DeliveryState,
  type Head,
  type KeyValueExpectation,
  type KeyValueWrite,
  type Lease,
  type LeaseWish,
  type Page,
  type Receipt,
  type Settled,
  type SettleItem,
  type StoredEvent,
  type Versioned,
  type Written,
} from './store.ts';
import type { KeyValueScope } from './types.ts';

/** Operations of `Store`, each to be called inside `turn`. */
export interface SqliteStore {
  append(items: readonly AppendItem[]): readonly Appended[];
  lease(wishes: readonly LeaseWish[], leaseMs: number): readonly Lease[];
  release(receipts: readonly Receipt[], delayMs: number): void;
  extend(receipts: readonly Receipt[], leaseMs: number): readonly Receipt[];
  settle(items: readonly SettleItem[]): readonly Settled[];
  read(filter: DeliveryFilter, page: Page): readonly DeliveryRow[];
  event(namespaceUid: string, id: string): StoredEvent | undefined;
  replay(filter: DeliveryFilter, generation: number, to?: string): number;
  cancel(filter: DeliveryFilter): number;
  counts(): Counts;
  get(scope: KeyValueScope, key: string): Versioned | undefined;
  write(writes: readonly KeyValueWrite[], expectations: readonly KeyValueExpectation[]): Written;
  list(scope: KeyValueScope, prefix: string, limit: number, after?: string): readonly string[];
  claim(claim: Claim): boolean;
  heads(): readonly Head[];
}

/** One operation of a turn and where its answer goes. */
export interface TurnItem {
  run(store: SqliteStore): unknown;
  done(value: unknown): void;
  failed(error: Error): void;
}

export interface SqliteOwner {
  /** Runs the operations in one transaction, each in a savepoint of its own, and answers them after the commit is synced. */
  turn(items: readonly TurnItem[]): void;
  /** Work for idle moments: lapsed leases, checkpoint, expired rows. */
  idle(): void;
  close(): void;
}

/** Opens `path` (`:memory:` for a store that ends with its process) and takes back what a former process had leased. */
export function openSqliteStore(path: string, clockSource: ClockSource): SqliteOwner {
  const database = openDatabase(path);
  const persisted = database.prepare("SELECT value FROM meta WHERE name = 'clock'").get() as
    | { value: string }
    | undefined;
  const clock = createStoreClock(clockSource, Number(persisted?.value ?? 0));
  const counters = createCounters(database);
  const deliveries = createDeliveryRows(database, clock, counters);
  const events = createEventRows(database, clock, deliveries);
  const keyValues = createKeyValueRows(database, clock);
  const operations = createOperations(database, counters, deliveries, events, keyValues);
  const savepoint = createSavepoint(database, counters, deliveries);
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const keepClock = database.prepare(
    "INSERT INTO meta (name, value) VALUES ('clock', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );

  function transaction(work: () => void): void {
    begin.run();
    try {
      work();
      counters.write();
      commit.run();
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      counters.restore(new Map());
      deliveries.reload();
      throw error;
    }
  }

  transaction(() => deliveries.reclaim(true));

  return {
    turn(items) {
      const answers: (() => void)[] = [];
      try {
        transaction(() => {
          for (const item of items) answers.push(savepoint(operations, item));
        });
      } catch (error) {
        // The commit failed: nothing of this turn is kept, so nothing of it may be answered.
        for (const item of items) item.failed(error as Error);
        return;
      }
      for (const answer of answers) answer();
    },
    idle() {
      transaction(() => {
        deliveries.reclaim(false);
        keyValues.purge(500);
        keepClock.run(String(clock.now()));
      });
      database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    },
    close() {
      transaction(() => keepClock.run(String(clock.now())));
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
    },
  };
}

/** Answers a function that runs one item in a savepoint of its own and gives the call that answers it. */
function createSavepoint(
  database: DatabaseSync,
  counters: Counters,
  deliveries: { reload(): void },
): (operations: SqliteStore, item: TurnItem) => () => void {
  const open = database.prepare('SAVEPOINT item');
  const release = database.prepare('RELEASE item');
  return (operations, item) => {
    const before = counters.pending();
    open.run();
    try {
      const value = item.run(operations);
      release.run();
      return () => item.done(value);
    } catch (error) {
      // Without a transaction the whole turn is lost (disk full, I/O): its caller answers everybody.
      if (!database.isTransaction) throw error;
      database.exec('ROLLBACK TO item; RELEASE item');
      counters.restore(before);
      deliveries.reload();
      return () => item.failed(error as Error);
    }
  };
}

function createOperations(
  database: DatabaseSync,
  counters: Counters,
  deliveries: ReturnType<typeof createDeliveryRows>,
  events: ReturnType<typeof createEventRows>,
  keyValues: ReturnType<typeof createKeyValueRows>,
): SqliteStore {
  function* all(filter: DeliveryFilter): Generator<DeliveryRow> {
    let after = 0;
    for (;;) {
      const rows = readDeliveries(database, filter, { limit: pageLimit, after });
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < pageLimit) return;
      after = last.delivery;
    }
  }

  return {
    append: (items) => items.map((item) => events.append(item)),
    lease: (wishes, leaseMs) => deliveries.lease(wishes, leaseMs),
    release: (receipts, delayMs) => deliveries.release(receipts, delayMs),
    extend: (receipts, leaseMs) => deliveries.extend(receipts, leaseMs),
    settle: (items) =>
      items.map(({ receipt, ending, append = [], writes = [], expectations = [] }) => {
        const claim = deliveries.claim(receipt);
        if (claim !== 'current') return claim === 'repeated' ? 'ok' : 'stale';
        const written = keyValues.write(writes, expectations);
        if (written.kind === 'conflict') return 'conflict';
        if (written.kind === 'notInteger')
          throw new Error(`key ${JSON.stringify(written.key)} does not hold an integer`);
        for (const item of append) events.append(item);
        deliveries.end(receipt, ending);
        if (ending.kind !== 'retry') keyValues.settleClaims(receipt.delivery, ending.kind !== 'dead');
        return 'ok';
      }),
    read: (filter, page) => readDeliveries(database, filter, page),
    event: (namespaceUid, id) => events.read(namespaceUid, id),
    replay(filter, generation, to) {
      const states = (filter.states ?? ['dead', 'cancelled']).filter((state) => isEnded(state));
      let created = 0;
      for (const row of all({ ...filter, states, latest: true })) {
        if (to === undefined && row.generation >= generation) continue;
        if (deliveries.replay(row.delivery, to ?? row.destination, generation, to === undefined)) created++;
      }
      return created;
    },
    cancel(filter) {
      const rows = [...all({ ...filter, states: ['waiting', 'held'] })].map(({ delivery }) => delivery);
      deliveries.cancel(rows);
      return rows.length;
    },
    counts() {
      const values = counters.read();
      const byState = Object.fromEntries(deliveryStates.map((state) => [state, values.get(state) ?? 0])) as Record<
        DeliveryState,
        number
      >;
      const created = values.get('created') ?? 0;
      return { created, byState, gap: created - deliveryStates.reduce((sum, state) => sum + byState[state], 0) };
    },
    get: (scope, key) => keyValues.get(scope, key),
    write: (writes, expectations) => keyValues.write(writes, expectations),
    list: (scope, prefix, limit, after) => keyValues.list(scope, prefix, Math.min(limit, pageLimit), after),
    claim: (claim) => keyValues.claim(claim),
    heads: () => deliveries.heads(),
  };
}
