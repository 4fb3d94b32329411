/** Delivery rows in SQLite: states, leases, order keys. Every function runs inside the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { aloneWeight, CrashWatch, crashesAfterDeath } from './crash-watch.ts';
import type { Counters } from './sqlite-counters.ts';
import type { DeliveryRows, Row } from './delivery-rows.ts';
import { deliveryBytes } from './row-bytes.ts';
import { createDestinations } from './sqlite-destinations.ts';
import { toEvent, type EventColumns } from './sqlite-events.ts';
import { createLeasing } from './sqlite-lease.ts';
import { createNewDeliveries } from './sqlite-new-deliveries.ts';
import { createOrderKeys } from './sqlite-order-keys.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';
import type { LoneRuns } from './lone-run.ts';
import type { UsageBook } from './sqlite-usage.ts';
import type { StoreClock } from './store-clock.ts';
import { isEnded, type DeliveryState, type Lease, type NewDelivery, type Receipt, type StoredEvent } from './store.ts';

export function createDeliveryRows(
  database: DatabaseSync,
  clock: StoreClock,
  counters: Counters,
  usage: UsageBook,
  journal: Journal,
  loneRuns: LoneRuns | undefined,
): DeliveryRows {
  const destinations = createDestinations(database, clock, journal);
  /** Delivery → end of its lease on the monotonic clock. */
  const leases = new Map<number, number>();
  const watch = new CrashWatch(() => clock.monotonic());
  const leaseRows = createLeasing({ database, clock, destinations, watch, takeRow });

  const added = createNewDeliveries(database, journal);
  const orderKeys = createOrderKeys(database);
  const select = database.prepare(
    'SELECT seq, destination, order_key, state, epoch, crashes, attempts, scope, bytes FROM deliveries WHERE seq = ?',
  );
  const take = database.prepare(
    "UPDATE deliveries SET state = 'leased', attempts = attempts + 1, epoch = epoch + 1, crashes = crashes + ? WHERE seq = ? RETURNING epoch, attempts, crashes, generation, order_key, event",
  );
  const known = database.prepare('SELECT 1 FROM deliveries WHERE event = ? AND destination = ? AND generation = ?');
  const eventOf = database.prepare('SELECT id, scope, type, source, time, attributes, body FROM events WHERE seq = ?');
  const wait = database.prepare(
    "UPDATE deliveries SET state = 'waiting', due = ?, attempts = attempts + ?, crashes = crashes + ?, epoch = epoch + ?, error = coalesce(?, error) WHERE seq = ?",
  );
  const finish = database.prepare('UPDATE deliveries SET state = ?, ended = ?, reason = ?, error = ? WHERE seq = ?');
  const discard = database.prepare("UPDATE deliveries SET state = 'cancelled' WHERE seq = ?");
  const leasedRows = database.prepare("SELECT seq FROM deliveries WHERE state = 'leased'");
  const generations = database.prepare(
    'SELECT destination, max(generation) AS generation, state FROM deliveries WHERE event = ? GROUP BY destination',
  );
  const orderOf = database.prepare('SELECT event, order_key FROM deliveries WHERE seq = ?');

  function move(from: DeliveryState | 'created' | undefined, to: DeliveryState): void {
    if (from === 'created') counters.add('created', 1);
    else if (from !== undefined) counters.add(from, -1);
    counters.add(to, 1);
  }

  function forget(seq: number): void {
    dropNoted(journal, leases, seq);
    watch.forget(seq);
  }

  /** The row has ended: what it counted for waiting counts for ended now. */
  function endRow(row: Row, state: DeliveryState, reason: string | null, error: string | null): void {
    finish.run(state, clock.now(), reason, error, row.seq);
    move(row.state, state);
    usage.change(row.scope, 'waitingRows', -1);
    usage.change(row.scope, 'waitingBytes', -row.bytes);
    usage.change(row.scope, 'endedRows', 1);
    usage.change(row.scope, 'endedBytes', row.bytes);
    forget(row.seq);
  }

  function finishRow(row: Row, state: DeliveryState, reason: string | null, error: string | null): void {
    endRow(row, state, reason, error);
    if (row.order_key !== null) promoteNext(row.destination, row.order_key);
  }

  function promoteNext(destination: number, orderKey: string): void {
    const head = orderKeys.head(destination, orderKey);
    if (head?.state !== 'held') return;
    const when = orderKeys.promote(head.seq);
    move('held', 'waiting');
    destinations.noteDue(destination, when);
  }

  function supersede(destination: number, orderKey: string): void {
    for (const seq of orderKeys.waiting(destination, orderKey))
      endRow(select.get(seq) as unknown as Row, 'superseded', null, null);
  }

  function noteLease(seq: number, leaseMs: number): void {
    putNoted(journal, leases, seq, clock.monotonic() + leaseMs);
    journal.push(() => watch.forget(seq));
  }

  /** A row that runs alone counts its crash beforehand: if its process dies now, nothing else can have done it. */
  function takeRow(seq: number, destination: string, leaseMs: number, alone = false): Lease {
    const row = take.get(alone ? aloneWeight : 0, seq) as {
      epoch: number;
      attempts: number;
      crashes: number;
      generation: number;
      order_key: string | null;
      event: number;
    };
    move('waiting', 'leased');
    noteLease(seq, leaseMs);
    if (alone) loneRuns?.begin(seq, row.epoch);
    return {
      receipt: { delivery: seq, epoch: row.epoch },
      event: toEvent(eventOf.get(row.event) as unknown as EventColumns),
      destination,
      ...(row.order_key === null ? {} : { orderKey: row.order_key }),
      generation: row.generation,
      attempt: row.attempts,
      crashes: alone ? row.crashes - aloneWeight : row.crashes,
    };
  }

  function backToWaiting(
    row: Row,
    delayMs: number,
    change: { attempts: number; crashes: number; epoch: number; error?: string },
  ): void {
    const when = clock.now() + delayMs;
    wait.run(when, change.attempts, change.crashes, change.epoch, change.error ?? null, row.seq);
    move('leased', 'waiting');
    forget(row.seq);
    destinations.noteDue(row.destination, when);
  }

  function current(receipt: Receipt): Row | undefined {
    const row = select.get(receipt.delivery) as Row | undefined;
    return row !== undefined && row.state === 'leased' && row.epoch === receipt.epoch && leases.has(row.seq)
      ? row
      : undefined;
  }

  function add(
    event: number,
    stored: StoredEvent,
    delivery: NewDelivery,
    owed: boolean,
    generation = delivery.generation ?? 0,
    later = false,
  ): Lease | undefined {
    const destination = destinations.idOf(delivery.destination);
    const key = delivery.orderKey ?? null;
    if (key !== null && delivery.supersede === true) {
      if (known.get(event, destination, generation) !== undefined) return undefined;
      supersede(destination, key);
    }
    const held = key !== null && orderKeys.head(destination, key) !== undefined;
    const eagerMs = !held && (delivery.delayMs ?? 0) <= 0 && watch.isOpen ? delivery.eagerMs : undefined;
    // Whoever waits for the destination goes first.
    const queues = !later && eagerMs !== undefined && destinations.isDue(destination);
    const state: DeliveryState = held ? 'held' : eagerMs === undefined || queues ? 'waiting' : 'leased';
    const when = clock.now() + (delivery.delayMs ?? 0);
    const scope = usage.idOf(stored.namespaceUid);
    const bytes = deliveryBytes(stored);
    const background = delivery.background === true;
    const row = { event, destination, generation, state, due: when, background, orderKey: key, scope, bytes };
    const seq = later ? added.gather(row) : added.insert(row);
    if (seq === undefined) return undefined;
    move('created', state);
    usage.change(scope, 'waitingRows', 1, owed);
    usage.change(scope, 'waitingBytes', bytes, owed);
    if (delivery.leaseMs !== undefined && !held)
      return { ...takeRow(seq, delivery.destination, delivery.leaseMs), event: stored };
    if (eagerMs !== undefined && !queues) {
      noteLease(seq, eagerMs);
      watch.taken(seq, 0, false);
      const receipt = { delivery: seq, epoch: 1 };
      const order = key === null ? {} : { orderKey: key };
      return {
        receipt,
        event: stored,
        destination: delivery.destination,
        ...order,
        generation,
        attempt: 1,
        crashes: 0,
      };
    }
    if (!held) destinations.noteDue(destination, when);
    return eagerMs === undefined ? undefined : leaseRows([{ destination: delivery.destination, max: 1 }], eagerMs)[0];
  }

  function reclaimRow(seq: number): void {
    const row = select.get(seq) as Row | undefined;
    forget(seq);
    if (row?.state !== 'leased') return;
    const { crashes, delayMs } = crashesAfterDeath(row.crashes, loneRuns?.end(seq, row.epoch));
    backToWaiting(row, delayMs, { attempts: -1, crashes: crashes - row.crashes, epoch: 1 });
  }

  return {
    add,
    isPlain: ({ destination, orderKey, leaseMs, eagerMs }) =>
      orderKey === undefined &&
      leaseMs === undefined &&
      // Whoever waits for the destination would be leased first.
      (eagerMs === undefined || !destinations.isDue(destinations.idOf(destination))),
    gather: (event, stored, delivery, owed) => add(event, stored, delivery, owed, delivery.generation, true),
    write: () => added.write(),
    rerun(event, always, namespaceUid) {
      const rows = generations.all(event) as { destination: number; generation: number; state: DeliveryState }[];
      const again = rows.filter(
        ({ state }) =>
          state === 'dead' || state === 'cancelled' || (always && !['waiting', 'held', 'leased'].includes(state)),
      );
      if (again.length === 0) return undefined;
      const generation = Math.max(...rows.map((row) => row.generation)) + 1;
      const stored = toEvent(eventOf.get(event) as unknown as EventColumns);
      if (stored.namespaceUid !== namespaceUid) return undefined;
      for (const { destination } of again)
        add(event, stored, { destination: destinations.nameOf(destination) }, false, generation);
      return generation;
    },
    replay(delivery, destination, generation, keepOrder) {
      const { event, order_key: orderKey } = orderOf.get(delivery) as { event: number; order_key: string | null };
      const stored = toEvent(eventOf.get(event) as unknown as EventColumns);
      const before = counters.read().get('created');
      const order = orderKey === null || !keepOrder ? {} : { orderKey };
      add(event, stored, { destination, background: true, ...order }, false, generation);
      return counters.read().get('created') !== before;
    },
    lease: (wishes, leaseMs) => leaseRows(wishes, leaseMs),
    release(receipts, delayMs) {
      for (const receipt of receipts) {
        const row = current(receipt);
        if (row === undefined) continue;
        const crashes = watch.isAlone(row.seq) ? -aloneWeight : 0;
        backToWaiting(row, delayMs, { attempts: -1, crashes, epoch: 1 });
      }
    },
    abandon(receipts) {
      for (const receipt of receipts) if (current(receipt) !== undefined) reclaimRow(receipt.delivery);
    },
    extend(receipts, leaseMs) {
      const lost: Receipt[] = [];
      for (const receipt of receipts) {
        if (current(receipt) === undefined) lost.push(receipt);
        else putNoted(journal, leases, receipt.delivery, clock.monotonic() + leaseMs);
      }
      return lost;
    },
    claim(receipt) {
      const held = current(receipt);
      if (held !== undefined) return held;
      const row = select.get(receipt.delivery) as Row | undefined;
      return row !== undefined && row.epoch === receipt.epoch && row.state !== 'leased' ? 'repeated' : 'stale';
    },
    end(row, ending) {
      // It ran to its end: whatever died with it before did so for another reason.
      if (ending.kind === 'retry')
        backToWaiting(row, ending.delayMs, { attempts: 0, crashes: -row.crashes, epoch: 0, error: ending.error });
      else if (ending.kind === 'dead') finishRow(row, 'dead', ending.reason, ending.error);
      else finishRow(row, ending.kind, null, null);
    },
    cancel(rows) {
      for (const seq of rows) {
        const row = select.get(seq) as Row | undefined;
        if (row?.state === 'waiting' || row?.state === 'held') finishRow(row, 'cancelled', null, null);
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
        const row = select.get(seq) as Row | undefined;
        if (row !== undefined && !isEnded(row.state)) endRow(row, 'cancelled', null, null);
      }
    },
    reclaim(all) {
      if (all) {
        for (const { seq } of leasedRows.all() as { seq: number }[]) reclaimRow(seq);
        return;
      }
      const now = clock.monotonic();
      for (const [seq, until] of leases) if (until <= now) reclaimRow(seq);
    },
    heads: () => destinations.heads(),
    hasNews: () => destinations.hasNews(),
    backlog: (destination, enough) => destinations.backlog(destination, enough),
  };
}
