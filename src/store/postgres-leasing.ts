/** What this process leases from the shared store, one wish after the other, what it holds, and what it gives back. */
import type { CrashWatch } from './crash-watch.ts';
import { extendLeases, returnAbandoned, returnLeases, type ReturnedRow } from './postgres-deliveries.ts';
import { leaseRows, type LeaseResult } from './postgres-lease.ts';
import type { PostgresParts } from './postgres-parts.ts';
import type { Lease, LeaseWish, Receipt, Store } from './store.ts';

export interface PostgresLeasing extends Pick<Store, 'lease' | 'release' | 'abandon' | 'extend'> {
  /** What this process has leased, by its delivery. */
  held(delivery: number): Pick<Lease, 'destination' | 'event'> | undefined;
  forget(delivery: number): void;
}

export interface LeasingParts extends PostgresParts {
  readonly watch: CrashWatch;
  /** From 0 up to 1. */
  random(): number;
  /** This process looks for what is due. */
  wake(): void;
}

export function createPostgresLeasing(parts: LeasingParts): PostgresLeasing {
  const { sessions, destinations, heads, watch, now, random, wake, changed } = parts;
  /** Delivery → what this process has leased. */
  const leased = new Map<number, Pick<Lease, 'destination' | 'event'>>();
  const forget = (delivery: number): void => {
    watch.forget(delivery);
    leased.delete(delivery);
  };
  const forgetAll = (receipts: readonly Receipt[]): void => {
    for (const { delivery } of receipts) forget(delivery);
  };

  /** One at a time in this process: what one leases decides what the next may. */
  let leasing: Promise<unknown> = Promise.resolve();

  async function lease(wishes: readonly LeaseWish[], leaseMs: number): Promise<LeaseResult> {
    const ids = await destinations.find(wishes.map(({ destination }) => destination));
    const began = now();
    const taken: number[] = [];
    const noting = {
      narrow: (given: readonly LeaseWish[]) => watch.narrow(given),
      judge: (delivery: number, crashes: number, destination: string) => watch.judge(delivery, crashes, destination),
      taken(delivery: number, crashes: number, alone: boolean) {
        taken.push(delivery);
        watch.taken(delivery, crashes, alone);
      },
    };
    try {
      const result = await sessions.transaction(({ client }) => leaseRows(client, wishes, ids, leaseMs, noting));
      for (const { receipt, destination, event } of result.leases) leased.set(receipt.delivery, { destination, event });
      for (const destination of result.exhausted) heads.exhausted(destination, began);
      // Somebody else leases there: soon again, not a second later.
      if (result.busy.length > 0) setTimeout(wake, 5 + 10 * random());
      return result;
    } catch (error) {
      for (const delivery of taken) watch.forget(delivery);
      throw error;
    }
  }

  async function returned(rows: readonly ReturnedRow[], delayMs: number): Promise<void> {
    const names = await destinations.namesOf(rows.map(({ destination }) => destination));
    for (const name of names.values()) heads.note(name, delayMs);
    changed();
  }

  return {
    async lease(wishes, leaseMs) {
      const result = leasing.then(() => lease(wishes, leaseMs));
      leasing = result.catch(() => undefined);
      return (await result).leases;
    },
    async release(receipts, delayMs) {
      const rows = await sessions.transaction(({ client }) =>
        returnLeases(client, receipts, delayMs, (delivery) => watch.isAlone(delivery)),
      );
      forgetAll(receipts);
      await returned(rows, delayMs);
    },
    async abandon(receipts) {
      const rows = await sessions.transaction(({ client }) => returnAbandoned(client, receipts));
      forgetAll(receipts);
      await returned(rows, 0);
    },
    async extend(receipts, leaseMs) {
      const lost = await sessions.once(({ client }) => extendLeases(client, receipts, leaseMs));
      forgetAll(lost);
      return lost;
    },
    held: (delivery) => leased.get(delivery),
    forget,
  };
}
