/** Delivery rows of SQLite that somebody holds: leased, given back, lost. Every function runs inside the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { aloneWeight, CrashWatch, crashesAfterDeath } from './crash-watch.ts';
import type { Row } from './delivery-rows.ts';
import type { LoneRuns } from './lone-run.ts';
import { prepareLists } from './row-lists.ts';
import { moveState, type Counters } from './sqlite-counters.ts';
import type { Destinations } from './sqlite-destinations.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';
import { createLeasing } from './sqlite-lease.ts';
import type { StoreClock } from './store-clock.ts';
import type { Lease, LeaseWish, Receipt, StoredEvent } from './store.ts';

export interface HeldRows {
  lease(wishes: readonly LeaseWish[], leaseMs: number): Lease[];
  /** A row that is there as waiting. */
  take(seq: number, destination: string, leaseMs: number): Lease;
  /** A row that was stored as leased under its first epoch. */
  begin(seq: number, leaseMs: number): void;
  /** False: a row that was there when a process died runs alone, and nothing else may start. */
  mayBegin(): boolean;
  /** The row, if the receipt is that of its lease. */
  current(receipt: Receipt): Row | undefined;
  release(receipts: readonly Receipt[], delayMs: number): void;
  /** As `Store.abandon`. */
  abandon(receipts: readonly Receipt[]): void;
  /** Answers what is not the caller's any more. */
  extend(receipts: readonly Receipt[], leaseMs: number): Receipt[];
  /** Its attempt has ended, another one follows. */
  retry(row: Row, delayMs: number, error: string): void;
  /** Nobody holds it any more. */
  forget(seq: number): void;
  /** Gives back what a dead process or a lapsed lease held. */
  reclaim(all: boolean): void;
}

interface HeldRowParts {
  readonly database: DatabaseSync;
  readonly clock: StoreClock;
  readonly counters: Counters;
  readonly destinations: Destinations;
  readonly journal: Journal;
  readonly loneRuns: LoneRuns | undefined;
  rowOf(seq: number): Row | undefined;
  /** The event of a number. */
  storedAt(event: number): StoredEvent;
}

type TakenRow = readonly [
  epoch: number,
  attempts: number,
  crashes: number,
  generation: number,
  orderKey: string | null,
  event: number,
];

export function createHeldRows(parts: HeldRowParts): HeldRows {
  const { database, clock, counters, destinations, journal, loneRuns, rowOf, storedAt } = parts;
  /** Delivery → end of its lease on the monotonic clock. */
  const leases = new Map<number, number>();
  const watch = new CrashWatch(() => clock.monotonic());
  const lease = createLeasing({ database, clock, destinations, watch, takeRow });
  const take = prepareLists<TakenRow>(
    database,
    "UPDATE deliveries SET state = 'leased', attempts = attempts + 1, epoch = epoch + 1, crashes = crashes + ? WHERE seq = ? RETURNING epoch, attempts, crashes, generation, order_key, event",
  );
  const wait = database.prepare(
    "UPDATE deliveries SET state = 'waiting', due = ?, attempts = attempts + ?, crashes = crashes + ?, epoch = epoch + ?, error = coalesce(?, error) WHERE seq = ?",
  );
  const leasedRows = database.prepare("SELECT seq FROM deliveries WHERE state = 'leased'");

  function noteLease(seq: number, leaseMs: number): void {
    putNoted(journal, leases, seq, clock.monotonic() + leaseMs);
    journal.push(() => watch.forget(seq));
  }

  /** A row that runs alone counts its crash beforehand: if its process dies now, nothing else can have done it. */
  function takeRow(seq: number, destination: string, leaseMs: number, alone = false): Lease {
    const taken = take.get(alone ? aloneWeight : 0, seq) as TakenRow;
    const [epoch, attempt, crashes, generation, orderKey, event] = taken;
    moveState(counters, 'waiting', 'leased');
    noteLease(seq, leaseMs);
    if (alone) loneRuns?.begin(seq, epoch);
    return {
      receipt: { delivery: seq, epoch },
      event: storedAt(event),
      destination,
      ...(orderKey === null ? {} : { orderKey }),
      generation,
      attempt,
      crashes: alone ? crashes - aloneWeight : crashes,
    };
  }

  function forget(seq: number): void {
    dropNoted(journal, leases, seq);
    watch.forget(seq);
  }

  function backToWaiting(
    row: Row,
    delayMs: number,
    change: { attempts: number; crashes: number; epoch: number; error?: string },
  ): void {
    const when = clock.now() + delayMs;
    wait.run(when, change.attempts, change.crashes, change.epoch, change.error ?? null, row.seq);
    moveState(counters, 'leased', 'waiting');
    forget(row.seq);
    destinations.noteDue(row.destination, when);
  }

  function current(receipt: Receipt): Row | undefined {
    const row = rowOf(receipt.delivery);
    return row !== undefined && row.state === 'leased' && row.epoch === receipt.epoch && leases.has(row.seq)
      ? row
      : undefined;
  }

  function reclaimRow(seq: number): void {
    const row = rowOf(seq);
    forget(seq);
    if (row?.state !== 'leased') return;
    const { crashes, delayMs } = crashesAfterDeath(row.crashes, loneRuns?.end(seq, row.epoch));
    backToWaiting(row, delayMs, { attempts: -1, crashes: crashes - row.crashes, epoch: 1 });
  }

  return {
    lease,
    take: (seq, destination, leaseMs) => takeRow(seq, destination, leaseMs),
    begin(seq, leaseMs) {
      noteLease(seq, leaseMs);
      watch.taken(seq, 0, false);
    },
    mayBegin: () => watch.isOpen,
    current,
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
    retry(row, delayMs, error) {
      // It ran to its end: whatever died with it before did so for another reason.
      backToWaiting(row, delayMs, { attempts: 0, crashes: -row.crashes, epoch: 0, error });
    },
    forget,
    reclaim(all) {
      if (all) {
        for (const { seq } of leasedRows.all() as { seq: number }[]) reclaimRow(seq);
        return;
      }
      const now = clock.monotonic();
      for (const [seq, until] of leases) if (until <= now) reclaimRow(seq);
    },
  };
}
