/**
 * Pulls due deliveries from the store, runs them within free slots, keeps their leases alive and settles them together
 * with everything they did. One loop per worker; any number of loops share a store.
 */
import { Roll, type OnRoll } from '../lua/roll.ts';
import { DueTurns, type SharedPlaces } from './due-turns.ts';
import { keepLeases } from './keep-leases.ts';
import { createAttemptRunner, pauseAfterErrorMs, type AttemptSettings, type HeldPlace } from './run-attempts.ts';
import { loadsOf } from './share-out.ts';
import type { Ending, Lease, LeaseWish } from '../store/store.ts';
import { createLeaseStarts } from './start-leases.ts';

export interface LeaseLoopSettings extends AttemptSettings {
  /** Deliveries this worker may start now for a destination; 0: unknown here, suspended, or at its limit. */
  slots(destination: string): number;
  /** What all destinations share: a place is held from a lease, or from the promise of one, until the call has ended. */
  readonly places: SharedPlaces;
  /** Over all who share the store; absent: no bound. */
  limit?(destination: string): number | undefined;
  /** False: nothing is pulled for now. */
  mayPull(): boolean;
  /** Called with each settled attempt. */
  onSettled?(lease: Lease, ending: Ending): void;
  readonly leaseMs?: number;
}

export interface LeaseLoop {
  /** Looks for work now: the route table changed, a slot became free. */
  poke(): void;
  /**
   * A place for a delivery that is being stored as leased to this loop; undefined: there is none, it waits in the store.
   * To be told what was leased, or that nothing was.
   */
  reserve(destination: string): ((lease: Lease | undefined) => void) | undefined;
  /** Starts nothing more, waits for what runs at most `graceMs`, gives the rest back. */
  drain(graceMs: number): Promise<void>;
}

const defaultLeaseMs = 30_000;
const mostPerPull = 200;
const mostWhileBusy = 16;
const longestWaitMs = 1000;
const headsMs = 50;
/** Where nothing could be leased, more that waits does not help at once. */
const emptyMs = 5;

type Running = HeldPlace & OnRoll;

export function startLeaseLoop(settings: LeaseLoopSettings): LeaseLoop {
  const { store, leaseMs = defaultLeaseMs } = settings;
  const running = new Roll<Running>();
  const due = new DueTurns();
  /** Places of deliveries that are being stored. */
  let reserved = 0;
  const attempts = createAttemptRunner(settings, (each) => !draining && running.has(each as Running));
  const starts = createLeaseStarts(settings.turns, settings.after, (each: Running) => void runLease(each));
  let headsUntil = 0;
  let notBefore = 0;
  let pulling = false;
  let again = false;
  let draining = false;
  let stopTimer: (() => void) | undefined;
  let idle: (() => void) | undefined;

  function schedule(milliseconds: number): void {
    stopTimer?.();
    stopTimer = settings.after(milliseconds, () => void pull());
  }

  function adopt(leases: readonly Lease[], begin: (adopted: readonly Running[]) => void): void {
    const adopted = leases.map((lease): Running => ({
      lease,
      abort: new AbortController(),
      place: -1,
      holdsPlace: true,
    }));
    for (const each of adopted) running.add(each);
    begin(adopted);
  }

  /** Waits until the earliest head is due; new work and freed slots poke. */
  async function pull(): Promise<void> {
    if (draining) return;
    if (pulling) {
      again = true;
      return;
    }
    pulling = true;
    again = false;
    let wait = longestWaitMs;
    try {
      // Each of those that were pulled pokes when it has ended.
      const enough = settings.turns.isBusy() && starts.waiting() >= mostWhileBusy;
      if (settings.mayPull() && !enough) wait = await leaseDue();
    } catch (error) {
      settings.onError(error as Error);
      wait = pauseAfterErrorMs;
    }
    pulling = false;
    // A poke during the pull may mean work that its first reads did not see.
    schedule(again ? untilPull() : wait);
  }

  /** A backlog is leased from again and again before its heads are read anew. */
  async function readHeads(): Promise<void> {
    const now = settings.turns.now();
    if (now < headsUntil) return;
    headsUntil = now + headsMs;
    due.renew(await store.heads());
  }

  async function leaseDue(): Promise<number> {
    await readHeads();
    const wait = Math.min(longestWaitMs, due.untilNext);
    const pulled = settings.turns.isBusy() ? mostWhileBusy : mostPerPull;
    const wishes = due.choose(pulled, loadsOf(running.all()), settings).map((wish) => {
      const limit = settings.limit?.(wish.destination);
      return limit === undefined ? wish : { ...wish, limit };
    });
    const most = wishes.reduce((sum, { max }) => sum + max, 0);
    const leases = most === 0 ? [] : await lease(wishes);
    if (leases.length < most || most === 0) headsUntil = 0;
    if (leases.length === 0) notBefore = settings.turns.now() + emptyMs;
    adopt(leases, starts.pulled);
    return leases.length > 0 ? 0 : wait;
  }

  /** The places of what is not leased after all are left. */
  async function lease(wishes: readonly LeaseWish[]): Promise<readonly Lease[]> {
    let leases: readonly Lease[] = [];
    try {
      leases = await store.lease(wishes, leaseMs);
      return leases;
    } finally {
      for (const { destination, max } of wishes) settings.places.leave(destination, max);
      for (const { destination } of leases) settings.places.take(destination);
    }
  }

  async function runLease(each: Running): Promise<void> {
    const { lease, abort } = each;
    // Lost or given back before its turn came.
    if (abort.signal.aborted) return ended(each);
    if (draining) {
      await attempts.giveBack([lease.receipt]);
      return ended(each);
    }
    try {
      const ending = await attempts.run(each);
      if (ending !== undefined) settings.onSettled?.(lease, ending);
    } catch (error) {
      settings.onError(error as Error);
    } finally {
      ended(each);
      poke();
    }
  }

  function ended(each: Running): void {
    running.delete(each);
    attempts.leavePlace(each);
    settleIdle();
  }

  function settleIdle(): void {
    if (running.size + reserved === 0) idle?.();
  }

  function poke(): void {
    if (draining) return;
    if (pulling) again = true;
    else schedule(untilPull());
  }

  const untilPull = (): number => Math.max(0, notBefore - settings.turns.now());

  const { after, onError } = settings;
  const stopKeeping = keepLeases({ store, leaseMs, held: () => running.all(), after, onError });
  const stopWaking = store.wake(poke);
  poke();

  return {
    poke,
    reserve(destination) {
      // A bound over all who share the store is judged where leases are taken.
      if (draining || settings.limit?.(destination) !== undefined || settings.slots(destination) <= 0) return undefined;
      if (settings.places.free(destination) <= 0) return undefined;
      reserved += 1;
      settings.places.take(destination);
      return (lease) => {
        reserved -= 1;
        if (lease !== undefined) return adopt([lease], starts.fresh);
        settings.places.leave(destination);
        return settleIdle();
      };
    },
    async drain(graceMs) {
      draining = true;
      stopTimer?.();
      stopWaking();
      if (running.size + reserved > 0) {
        await new Promise<void>((resolve) => {
          const stop = settings.after(graceMs, resolve);
          idle = () => {
            stop();
            resolve();
          };
        });
      }
      stopKeeping();
      const left = running.all();
      for (const { abort } of left) abort.abort(new Error('the runtime is shutting down'));
      if (left.length > 0) await attempts.giveBack(left.map(({ lease }) => lease.receipt));
    },
  };
}
