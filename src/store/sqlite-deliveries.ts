/** Delivery rows in SQLite: how they come, and by what they go on. Every function runs inside the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryRows, Row } from './delivery-rows.ts';
import type { LoneRuns } from './lone-run.ts';
import { deliveryBytes } from './row-bytes.ts';
import { prepareLists } from './row-lists.ts';
import { moveState, type Counters } from './sqlite-counters.ts';
import { createDestinations } from './sqlite-destinations.ts';
import { createEndings } from './sqlite-endings.ts';
import { eventColumns, toEvent, type EventColumns } from './sqlite-events.ts';
import { createHeldRows } from './sqlite-held-rows.ts';
import type { Journal } from './sqlite-journal.ts';
import { createNewDeliveries } from './sqlite-new-deliveries.ts';
import { createOrderKeys } from './sqlite-order-keys.ts';
import type { UsageBook } from './sqlite-usage.ts';
import type { StoreClock } from './store-clock.ts';
import type { DeliveryState, Lease, NewDelivery, StoredEvent } from './store.ts';

interface Wanted {
  /** The number of its event, which is stored. */
  readonly event: number;
  readonly stored: StoredEvent;
  readonly delivery: NewDelivery;
  readonly generation: number;
  readonly owed: boolean;
}

type RowColumns = readonly [
  destination: number,
  orderKey: string | null,
  state: DeliveryState,
  epoch: number,
  crashes: number,
  attempts: number,
  scope: number,
  bytes: number,
];

interface Added {
  readonly lease?: Lease;
}

export function createDeliveryRows(
  database: DatabaseSync,
  clock: StoreClock,
  counters: Counters,
  usage: UsageBook,
  journal: Journal,
  loneRuns: LoneRuns | undefined,
): DeliveryRows {
  const select = prepareLists<RowColumns>(
    database,
    'SELECT destination, order_key, state, epoch, crashes, attempts, scope, bytes FROM deliveries WHERE seq = ?',
  );
  const eventOf = prepareLists<EventColumns>(database, `SELECT ${eventColumns} FROM events WHERE seq = ?`);
  const storedAt = (event: number): StoredEvent => toEvent(eventOf.get(event) as EventColumns);
  const destinations = createDestinations(database, clock, journal);
  const orderKeys = createOrderKeys(database);
  const held = createHeldRows({ database, clock, counters, destinations, journal, loneRuns, rowOf, storedAt });
  const { forget } = held;
  const endings = createEndings({ database, clock, counters, usage, destinations, orderKeys, rowOf, forget });
  const added = createNewDeliveries(database, journal);
  const known = database.prepare('SELECT 1 FROM deliveries WHERE event = ? AND destination = ? AND generation = ?');
  const generations = database.prepare(
    'SELECT destination, max(generation) AS generation, state FROM deliveries WHERE event = ? GROUP BY destination',
  );
  const orderOf = database.prepare('SELECT event, order_key FROM deliveries WHERE seq = ?');

  function rowOf(seq: number): Row | undefined {
    const columns = select.get(seq);
    if (columns === undefined) return undefined;
    const [destination, order_key, state, epoch, crashes, attempts, scope, bytes] = columns;
    return { seq, destination, order_key, state, epoch, crashes, attempts, scope, bytes };
  }

  /** Undefined: this generation of the event is there already. `later`: the table has it from `write` on. */
  function add({ event, stored, delivery, generation, owed }: Wanted, later = false): Added | undefined {
    const destination = destinations.idOf(delivery.destination);
    const { orderKey = null, delayMs = 0, supersede = false } = delivery;
    if (orderKey !== null && supersede) {
      if (known.get(event, destination, generation) !== undefined) return undefined;
      endings.supersede(destination, orderKey);
    }
    const isHeld = orderKey !== null && orderKeys.head(destination, orderKey) !== undefined;
    const eagerMs = !isHeld && delayMs <= 0 && held.mayBegin() ? delivery.eagerMs : undefined;
    // Whoever waits for the destination goes first.
    const queues = !later && eagerMs !== undefined && destinations.isDue(destination);
    const begins = eagerMs !== undefined && !queues;
    const state: DeliveryState = isHeld ? 'held' : begins ? 'leased' : 'waiting';
    const due = clock.now() + delayMs;
    const scope = usage.idOf(stored.namespaceUid);
    const bytes = deliveryBytes(stored);
    const background = delivery.background === true;
    const row = { event, destination, generation, state, due, background, orderKey, scope, bytes };
    const seq = later ? added.gather(row) : added.insert(row);
    if (seq === undefined) return undefined;
    moveState(counters, 'created', state);
    usage.change(scope, 'waitingRows', 1, owed);
    usage.change(scope, 'waitingBytes', bytes, owed);
    if (delivery.leaseMs !== undefined && !isHeld)
      return { lease: { ...held.take(seq, delivery.destination, delivery.leaseMs), event: stored } };
    if (begins) {
      held.begin(seq, eagerMs);
      return { lease: firstLease(seq, stored, delivery, generation) };
    }
    if (!isHeld) destinations.noteDue(destination, due);
    if (eagerMs === undefined) return {};
    const [lease] = held.lease([{ destination: delivery.destination, max: 1 }], eagerMs);
    return lease === undefined ? {} : { lease };
  }

  return {
    add: (event, stored, delivery, owed) =>
      add({ event, stored, delivery, generation: delivery.generation ?? 0, owed })?.lease,
    isPlain: ({ destination, orderKey, leaseMs, eagerMs }) =>
      orderKey === undefined &&
      leaseMs === undefined &&
      // Whoever waits for the destination would be leased first.
      (eagerMs === undefined || !destinations.isDue(destinations.idOf(destination))),
    gather: (event, stored, delivery, owed) =>
      add({ event, stored, delivery, generation: delivery.generation ?? 0, owed }, true)?.lease,
    write: () => added.write(),
    rerun(event, always, namespaceUid) {
      const rows = generations.all(event) as { destination: number; generation: number; state: DeliveryState }[];
      const again = rows.filter(
        ({ state }) =>
          state === 'dead' || state === 'cancelled' || (always && !['waiting', 'held', 'leased'].includes(state)),
      );
      if (again.length === 0) return undefined;
      const generation = Math.max(...rows.map((row) => row.generation)) + 1;
      const stored = storedAt(event);
      if (stored.namespaceUid !== namespaceUid) return undefined;
      for (const { destination } of again) {
        const delivery = { destination: destinations.nameOf(destination) };
        add({ event, stored, delivery, generation, owed: false });
      }
      return generation;
    },
    replay(delivery, destination, generation, keepOrder) {
      const { event, order_key: orderKey } = orderOf.get(delivery) as { event: number; order_key: string | null };
      const order = orderKey === null || !keepOrder ? {} : { orderKey };
      const again = { destination, background: true, ...order };
      return add({ event, stored: storedAt(event), delivery: again, generation, owed: false }) !== undefined;
    },
    lease: held.lease,
    release: held.release,
    abandon: held.abandon,
    extend: held.extend,
    claim(receipt) {
      const current = held.current(receipt);
      if (current !== undefined) return current;
      const row = rowOf(receipt.delivery);
      return row !== undefined && row.epoch === receipt.epoch && row.state !== 'leased' ? 'repeated' : 'stale';
    },
    end(row, ending) {
      if (ending.kind === 'retry') held.retry(row, ending.delayMs, ending.error);
      else if (ending.kind === 'dead') endings.finish(row, 'dead', ending.reason, ending.error);
      else endings.finish(row, ending.kind);
    },
    cancel: endings.cancel,
    endAll: endings.endAll,
    reclaim: held.reclaim,
    heads: () => destinations.heads(),
    hasNews: () => destinations.hasNews(),
    backlog: (destination, enough) => destinations.backlog(destination, enough),
    forgetDestinations: (namespaceUid, limit) => destinations.forget(namespaceUid, limit),
  };
}

/** Of a row that was stored as leased. */
function firstLease(seq: number, event: StoredEvent, delivery: NewDelivery, generation: number): Lease {
  const { destination, orderKey } = delivery;
  return {
    receipt: { delivery: seq, epoch: 1 },
    event,
    destination,
    ...(orderKey === undefined ? {} : { orderKey }),
    generation,
    attempt: 1,
    crashes: 0,
  };
}
