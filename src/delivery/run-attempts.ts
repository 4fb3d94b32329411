/** Runs one leased delivery until its end is settled: again where values it relied on have changed, later where the store is gone. */
import type { Ending, Lease, Receipt, Settled, SettleItem, Store } from '../store/store.ts';
import type { TurnSource } from '../store/take-in-turns.ts';
import type { KeptLease } from './keep-leases.ts';
import type { SharedPlaces } from './due-turns.ts';
import { createSettleBatches } from './settle-batches.ts';

export interface Attempt {
  readonly ending: Ending;
  /** Written with the ending or not at all. */
  readonly effects?: Pick<SettleItem, 'append' | 'writes' | 'expectations'>;
}

/** Not tried after all (no place, open breaker): the attempt is given back, and due again after the wait. */
export interface GivenBack {
  readonly giveBackMs: number;
}

export interface AttemptSettings {
  readonly store: Store;
  readonly places: Pick<SharedPlaces, 'leave'>;
  /** Runs one attempt; never rejects for what a function does. The signal ends it: the lease was lost. */
  run(lease: Lease, signal: AbortSignal): Promise<Attempt | GivenBack>;
  /** What is settled when a conflict could not be resolved by running again. */
  conflicted(lease: Lease): Attempt | Promise<Attempt>;
  /** What is settled when an attempt's effects go beyond a quota: nothing of them is written. */
  overQuota(lease: Lease, message: string): Attempt | Promise<Attempt>;
  /** Something failed that is nobody's mistake (the store is gone): it goes on after a pause. */
  onError(error: Error): void;
  /** Calls back once after so many milliseconds; answers the function that stops it. */
  after(milliseconds: number, callback: () => void): () => void;
  /** Where turns of the event loop come from. */
  readonly turns: TurnSource;
}

/** A delivery that runs holds a place until its call has ended: what waits for its settle holds none. */
export interface HeldPlace extends KeptLease {
  holdsPlace: boolean;
}

export interface AttemptRunner {
  /** How the attempt ended; undefined: the lease was lost, somebody else has it, or it was given back. */
  run(each: HeldPlace): Promise<Ending | undefined>;
  giveBack(receipts: readonly Receipt[], delayMs?: number): Promise<void>;
  leavePlace(each: HeldPlace): void;
}

export const pauseAfterErrorMs = 500;
const pauseAfterDefectMs = 5_000;
const conflictRetries = 5;

/** `isHeld`: whether the lease is still this process's to settle. */
export function createAttemptRunner(settings: AttemptSettings, isHeld: (each: KeptLease) => boolean): AttemptRunner {
  const { store, onError } = settings;
  const settleSoon = createSettleBatches(store, (callback) => settings.turns.nextTurn(callback));

  async function run(each: HeldPlace): Promise<Ending | undefined> {
    const { lease } = each;
    for (let round = 0; ; round++) {
      const attempt = await runOnce(lease, each.abort.signal);
      leavePlace(each);
      if ('giveBackMs' in attempt) {
        await giveBack([lease.receipt], attempt.giveBackMs);
        return undefined;
      }
      const settled = await settle(each, attempt);
      if (settled === 'ok') return attempt.ending;
      if (settled === 'stale') return undefined;
      if (typeof settled === 'object') {
        return await settleInstead(each, await settings.overQuota(lease, settled.overQuota));
      }
      if (round >= conflictRetries) return await settleInstead(each, await settings.conflicted(lease));
    }
  }

  /** A run that fails for no fault of the function (the store was gone while it read) is tried again. */
  async function runOnce(lease: Lease, signal: AbortSignal): Promise<Attempt | GivenBack> {
    try {
      return await settings.run(lease, signal);
    } catch (error) {
      onError(error as Error);
      return { ending: { kind: 'retry', delayMs: pauseAfterDefectMs, error: (error as Error).message } };
    }
  }

  async function settleInstead(each: KeptLease, attempt: Attempt): Promise<Ending | undefined> {
    return (await settle(each, attempt)) === 'ok' ? attempt.ending : undefined;
  }

  /** A result that cannot be written now is kept and written later: the call is not run again. */
  async function settle(each: KeptLease, { ending, effects }: Attempt): Promise<Settled> {
    const item: SettleItem = { receipt: each.lease.receipt, ending, ...effects };
    for (;;) {
      try {
        return await settleSoon(item);
      } catch (error) {
        onError(error as Error);
        if (!isHeld(each)) return 'stale';
        await new Promise<void>((resolve) => void settings.after(pauseAfterErrorMs, resolve));
      }
    }
  }

  async function giveBack(receipts: readonly Receipt[], delayMs = 0): Promise<void> {
    try {
      await store.release(receipts, delayMs);
    } catch (error) {
      onError(error as Error);
    }
  }

  function leavePlace(each: HeldPlace): void {
    if (!each.holdsPlace) return;
    each.holdsPlace = false;
    settings.places.leave(each.lease.destination);
  }

  return { run, giveBack, leavePlace };
}
