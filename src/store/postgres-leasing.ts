/** What this process leases from the shared store, one wish after the other, and what it holds. */
import type { CrashWatch } from './crash-watch.ts';
import { leaseRows, type LeaseResult } from './postgres-lease.ts';
import type { createPostgresDestinations } from './postgres-destinations.ts';
import type { createPostgresHeads } from './postgres-heads.ts';
import type { createSessions } from './postgres-session.ts';
import type { Lease, LeaseWish } from './store.ts';

export interface PostgresLeasing {
  lease(wishes: readonly LeaseWish[], leaseMs: number): Promise<readonly Lease[]>;
  /** What this process has leased, by its delivery. */
  held(delivery: number): Pick<Lease, 'destination' | 'event'> | undefined;
  forget(delivery: number): void;
}

/** `now`: monotonic milliseconds; `wake`: something may be due. */
export function createPostgresLeasing(parts: {
  readonly sessions: ReturnType<typeof createSessions>;
  readonly destinations: ReturnType<typeof createPostgresDestinations>;
  readonly heads: ReturnType<typeof createPostgresHeads>;
  readonly watch: CrashWatch;
  now(): number;
  random(): number;
  wake(): void;
}): PostgresLeasing {
  const { sessions, destinations, heads, watch, now, random, wake } = parts;
  /** Delivery → what this process has leased. */
  const leased = new Map<number, Pick<Lease, 'destination' | 'event'>>();
  const forget = (delivery: number): void => {
    watch.forget(delivery);
    leased.delete(delivery);
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

  return {
    async lease(wishes, leaseMs) {
      const result = leasing.then(() => lease(wishes, leaseMs));
      leasing = result.catch(() => undefined);
      return (await result).leases;
    },
    held: (delivery) => leased.get(delivery),
    forget,
  };
}
