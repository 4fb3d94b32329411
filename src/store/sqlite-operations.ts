/** What each operation of the store does on SQLite, inside the transaction and savepoint of its turn. */
import type { DatabaseSync } from 'node:sqlite';
import { cancellableStates } from './cancellable-states.ts';
import type { StoreMeasures } from './measures.ts';
import type { StoreQuotas, StoreUsage } from './quotas.ts';
import type { Counters } from './sqlite-counters.ts';
import type { DeliveryRows } from './delivery-rows.ts';
import type { EventRows } from './sqlite-events.ts';
import type { Journal } from './sqlite-journal.ts';
import type { KeyValueRows } from './sqlite-key-value.ts';
import { pageLimit, readDeliveries } from './sqlite-read.ts';
import { claimSqlite } from './sqlite-owner.ts';
import type { Trimmer } from './sqlite-trim.ts';
import type { UsageBook } from './sqlite-usage.ts';
import { StoreDiskLow } from './store-disk-low.ts';
import { StoreOverQuota } from './store-over-quota.ts';
import { deliveryStates, isEnded, type DeliveryFilter, type DeliveryRow, type DeliveryState } from './store.ts';
import type { Settled, SettleItem, Store } from './store.ts';

/** An operation of `Store` as the engine has it: it answers at once. */
type Synchronous<Operation> = Operation extends (...values: infer Values) => Promise<infer Answer>
  ? (...values: Values) => Answer
  : never;

/** Operations of `Store` that the engine answers, each to be called inside a turn. */
export type SqliteStore = {
  readonly [Name in Exclude<keyof Store, 'durable' | 'wake' | 'ping' | 'close'>]: Synchronous<Store[Name]>;
};

export interface OperationParts {
  readonly database: DatabaseSync;
  readonly journal: Journal;
  readonly counters: Counters;
  readonly usage: UsageBook;
  readonly deliveries: DeliveryRows;
  readonly events: EventRows;
  readonly keyValues: KeyValueRows;
  readonly trimmer: Trimmer;
  /** True: what grows the store is refused. */
  diskLow(): boolean;
  measure(): StoreMeasures;
}

export function createOperations(parts: OperationParts): SqliteStore {
  const { database, counters, usage, deliveries, events, keyValues, trimmer } = parts;
  const inSavepoint = createSavepoint(database, parts.journal, 'effects');

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

  function refuseOnLowDisk(): void {
    if (parts.diskLow()) throw new StoreDiskLow();
  }

  /** What `grow` adds is judged as one step by the quotas of the namespaces it touches. */
  function judged<Value>(grow: () => Value): Value {
    usage.begin();
    const value = grow();
    usage.judge();
    return value;
  }

  function settle({ receipt, ending, append = [], writes = [], expectations = [] }: SettleItem): Settled {
    const row = deliveries.claim(receipt);
    if (typeof row === 'string') return row === 'repeated' ? 'ok' : 'stale';
    const write = (): Settled => {
      const written = keyValues.write(writes, expectations);
      if (written.kind !== 'ok') return 'conflict';
      for (const item of append) events.append(item);
      deliveries.end(row, ending);
      if (ending.kind !== 'retry') keyValues.settleClaims(receipt.delivery, ending.kind !== 'dead');
      return 'ok';
    };
    if (append.length === 0 && writes.length === 0) return write();
    try {
      return inSavepoint(() => judged(write));
    } catch (error) {
      if (error instanceof StoreOverQuota) return { overQuota: error.message };
      throw error;
    }
  }

  return {
    owner: (claim) => claimSqlite(database, claim),
    append(items) {
      refuseOnLowDisk();
      return judged(() => items.map((item) => events.append(item)));
    },
    appendIf({ append, writes, expectations }) {
      refuseOnLowDisk();
      return judged(() => {
        if (keyValues.write(writes, expectations).kind !== 'ok') return 'conflict';
        for (const item of append) events.append(item);
        return 'ok';
      });
    },
    lease: (wishes, leaseMs) => (parts.diskLow() ? [] : deliveries.lease(wishes, leaseMs)),
    release: (receipts, delayMs) => deliveries.release(receipts, delayMs),
    abandon: (receipts) => deliveries.abandon(receipts),
    extend: (receipts, leaseMs) => deliveries.extend(receipts, leaseMs),
    settle: (items) => items.map(settle),
    read: (filter, page) => readDeliveries(database, filter, page),
    event: (namespaceUid, id) => events.read(namespaceUid, id),
    isKnown: (namespaceUid, duplicate) => events.isKnown(namespaceUid, duplicate),
    replay(filter, generation, to) {
      refuseOnLowDisk();
      const states = (filter.states ?? ['dead', 'cancelled']).filter((state) => isEnded(state));
      return judged(() => {
        let created = 0;
        for (const row of all({ ...filter, states, latest: true })) {
          if (to === undefined && row.generation >= generation) continue;
          if (deliveries.replay(row.delivery, to ?? row.destination, generation, to === undefined)) created++;
        }
        return created;
      });
    },
    cancel(filter) {
      const rows = [...all({ ...filter, states: cancellableStates(filter) })].map(({ delivery }) => delivery);
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
      return {
        created,
        byState,
        deadKept: byState.dead - (values.get('trimmedDead') ?? 0),
        gap: created - deliveryStates.reduce((sum, state) => sum + byState[state], 0),
      };
    },
    get: (scope, key) => keyValues.get(scope, key),
    write(writes, expectations) {
      if (writes.some(({ change }) => change.kind !== 'delete')) refuseOnLowDisk();
      return judged(() => keyValues.write(writes, expectations));
    },
    list: (scope, prefix, limit, after) => keyValues.list(scope, prefix, Math.min(limit, pageLimit), after),
    claim(claim) {
      refuseOnLowDisk();
      return judged(() => keyValues.claim(claim));
    },
    setQuotas: (quotas: StoreQuotas) => usage.setQuotas(quotas),
    setRetention: (retention) => trimmer.setRetention(retention),
    usage: (namespaceUid): StoreUsage => usage.of(namespaceUid),
    backlog: (destination, enough) => deliveries.backlog(destination, enough),
    purge: (namespaceUid) => trimmer.purge(namespaceUid),
    measures: () => parts.measure(),
    heads: () => deliveries.heads(),
  };
}

/** Runs work in a savepoint of its own: what it did is undone when it throws, in the database and in memory. */
export function createSavepoint(
  database: DatabaseSync,
  journal: Journal,
  name: string,
): <Value>(work: () => Value) => Value {
  const open = database.prepare(`SAVEPOINT ${name}`);
  const release = database.prepare(`RELEASE ${name}`);
  return (work) => {
    const mark = journal.mark();
    open.run();
    try {
      const value = work();
      release.run();
      return value;
    } catch (error) {
      // Without a transaction the whole turn is lost (disk full, I/O): its caller takes everything back.
      if (database.isTransaction) {
        database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
        journal.rollback(mark);
      }
      throw error;
    }
  };
}
