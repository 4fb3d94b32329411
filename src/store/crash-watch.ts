/**
 * Which deliveries may run beside each other after processes died with them. Whatever ran when a process died is suspect:
 * suspects run a few at a time; a row that died in company twice runs alone in its process, and only deaths alone prove
 * anything: two in the middle of the row's own Lua, four while it waited. So innocents do not die with the poison, however often it strikes, nor with a process that is
 * killed again and again from outside.
 */
import type { LoneEnd } from './lone-run.ts';
import { crashLimit, type LeaseWish } from './store.ts';

/** Deaths in company bring a row to this, and never further: from here on it runs alone. */
export const aloneFrom = 2;
/** So much a death alone counts: twice it is proof. */
export const aloneWeight = 2;
/** Rows with one crash that run at a time, beside fresh ones. */
const mostSuspects = 16;
/** So long nothing new starts while a row waits to be alone; afterwards the others have as long. */
export const patienceMs = 30_000;
/** Before a row runs alone: whoever kills the process from outside has mostly stopped, and others get on first. */
const aloneDelayMs = 5_000;
/** Nothing runs alone before a process is so old: one that dies soon after each start dies of something else. */
export const settledMs = 5_000;

/** `alone`: lease it and nothing beside it. `wait`: start nothing more for now. `postpone`: others first, for a while. */
export type CrashVerdict = 'lease' | 'alone' | 'skip' | 'wait' | 'postpone';

/**
 * The crashes of a row whose process died, or froze beyond its lease. A row that ran alone was counted when it was leased,
 * and is not counted again; where its own Lua did not run when the process died (`end`), half of that is taken back. At
 * the limit whoever leases it next ends it.
 */
export function crashesAfterDeath(
  crashes: number,
  end?: LoneEnd,
): { readonly crashes: number; readonly delayMs: number } {
  const next = end === 'waiting' ? crashes - 1 : Math.max(crashes, Math.min(crashes + 1, aloneFrom));
  return { crashes: next, delayMs: next >= aloneFrom && next < crashLimit ? aloneDelayMs : 0 };
}

/** What one process has leased, as far as it matters here. Leases of synchronous calls (`ackAfter`) are not counted. */
export class CrashWatch {
  readonly #now: () => number;
  readonly #settledAt: number;
  /** Delivery → crashes before it was leased. */
  readonly #running = new Map<number, number>();
  #suspects = 0;
  #alone: number | undefined;
  #waiting: { readonly delivery: number; readonly destination: string; readonly until: number } | undefined;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#settledAt = now() + settledMs;
  }

  /** The wishes that may be looked at now: none while a row runs alone, one while a row waits for that. */
  narrow(wishes: readonly LeaseWish[]): readonly LeaseWish[] {
    if (this.#alone !== undefined) return [];
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.until <= this.#now()) return wishes;
    return wishes.filter(({ destination }) => destination === waiting.destination);
  }

  /** Whether a row that has never been leased may start beside what runs. */
  get isOpen(): boolean {
    if (this.#alone !== undefined) return false;
    return this.#waiting === undefined || this.#waiting.until <= this.#now();
  }

  judge(delivery: number, crashes: number, destination: string): CrashVerdict {
    if (crashes === 0 || crashes >= crashLimit) return this.#isWaitingForAnother(delivery) ? 'skip' : 'lease';
    if (crashes < aloneFrom) {
      return this.#suspects < mostSuspects && !this.#isWaitingForAnother(delivery) ? 'lease' : 'skip';
    }
    if (this.#now() < this.#settledAt) return 'skip';
    if (this.#running.size === 0) return 'alone';
    if (this.#waiting === undefined) {
      this.#waiting = { delivery, destination, until: this.#now() + patienceMs };
      return 'wait';
    }
    if (this.#waiting.delivery !== delivery) return 'skip';
    if (this.#waiting.until > this.#now()) return 'wait';
    this.#waiting = undefined;
    return 'postpone';
  }

  taken(delivery: number, crashes: number, alone: boolean): void {
    this.#running.set(delivery, crashes);
    if (alone) {
      this.#alone = delivery;
      this.#waiting = undefined;
    } else if (crashes > 0 && crashes < aloneFrom) this.#suspects += 1;
  }

  /** Whether the row runs alone, so that its crashes were counted beforehand. */
  isAlone(delivery: number): boolean {
    return this.#alone === delivery;
  }

  /** It has ended, was given back, lost or cancelled. */
  forget(delivery: number): void {
    if (this.#waiting?.delivery === delivery) this.#waiting = undefined;
    const crashes = this.#running.get(delivery);
    if (crashes === undefined) return;
    this.#running.delete(delivery);
    if (this.#alone === delivery) this.#alone = undefined;
    else if (crashes > 0 && crashes < aloneFrom) this.#suspects -= 1;
  }

  #isWaitingForAnother(delivery: number): boolean {
    const waiting = this.#waiting;
    return waiting !== undefined && waiting.delivery !== delivery && waiting.until > this.#now();
  }
}
