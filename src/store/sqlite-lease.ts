/** Which rows of SQLite are leased next: due ones of the wished destinations, as far as crashes before let them start. */
import type { DatabaseSync } from 'node:sqlite';
import { patienceMs, type CrashWatch } from './crash-watch.ts';
import { prepareLists } from './row-lists.ts';
import type { Destinations } from './sqlite-destinations.ts';
import type { StoreClock } from './store-clock.ts';
import type { Lease, LeaseWish } from './store.ts';

export interface LeasingParts {
  readonly database: DatabaseSync;
  readonly clock: StoreClock;
  readonly destinations: Destinations;
  readonly watch: CrashWatch;
  takeRow(seq: number, destination: string, leaseMs: number, alone: boolean): Lease;
}

type DueRow = readonly [seq: number, crashes: number];

interface Taken {
  readonly leases: readonly Lease[];
  /** A row runs alone, or waits for that: nothing more may start. */
  readonly closed: boolean;
}

/** Answers the function that leases, inside the caller's transaction. */
export function createLeasing({ database, clock, destinations, watch, takeRow }: LeasingParts) {
  const select = (more: string) =>
    prepareLists<DueRow>(
      database,
      `SELECT d.seq, d.crashes FROM deliveries d WHERE d.destination = ? AND d.state = 'waiting' AND d.background = ?
       AND d.due <= ? ${more} ORDER BY d.due, d.seq LIMIT ? + 0`,
    );
  const due = select('');
  const fresh = select('AND d.crashes = 0');
  const leasedOf = database.prepare(
    "SELECT count(*) AS count FROM deliveries WHERE state = 'leased' AND destination = ?",
  );
  const postpone = database.prepare("UPDATE deliveries SET due = ? WHERE seq = ? AND state = 'waiting'");

  function leaseFrom(id: number, destination: string, max: number, leaseMs: number): Taken {
    const leases: Lease[] = [];
    for (const background of [0, 1]) {
      let skipped = false;
      for (const rows of [due, fresh]) {
        if (leases.length >= max || (rows === fresh && !skipped)) break;
        for (const [seq, crashes] of rows.all(id, background, clock.now(), max - leases.length)) {
          const verdict = watch.judge(seq, crashes, destination);
          if (verdict === 'wait') return { leases, closed: true };
          if (verdict === 'skip') skipped = true;
          else if (verdict === 'postpone') postpone.run(clock.now() + patienceMs, seq);
          else {
            const alone = verdict === 'alone';
            leases.push(takeRow(seq, destination, leaseMs, alone));
            watch.taken(seq, crashes, alone);
            if (alone) return { leases, closed: true };
          }
        }
      }
    }
    return { leases, closed: false };
  }

  return (wishes: readonly LeaseWish[], leaseMs: number): Lease[] => {
    const leased: Lease[] = [];
    for (const { destination, max, limit } of watch.narrow(wishes)) {
      const id = destinations.idOf(destination);
      const free = limit === undefined ? max : limit - (leasedOf.get(id) as { count: number }).count;
      const { leases, closed } = leaseFrom(id, destination, Math.min(max, free), leaseMs);
      leased.push(...leases);
      destinations.refresh(id);
      if (closed) break;
    }
    return leased;
  };
}
