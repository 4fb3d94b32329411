/**
 * How many deliveries wait for a destination, asked of the store at most once a second each, and less often far below the
 * bound: counting goes through what waits, and it is a bound, not a figure.
 */
import type { Store } from '../store/store.ts';

export interface WaitingCounts {
  of(destination: string): Promise<number> | number;
}

interface Known {
  at: number;
  count: number;
  /** Of the first question; later ones are asked while the old answer holds. */
  asking: Promise<number> | undefined;
}

const leastHoldMs = 1000;
const longestHoldMs = 60_000;
/** More than any store accepts. */
const mostAcceptedPerSecond = 50_000;

/** Only `enough` are counted. */
export function createWaitingCounts(store: Pick<Store, 'backlog'>, enough: number, now: () => number): WaitingCounts {
  const known = new Map<string, Known>();
  async function ask(destination: string, entry: Known): Promise<number> {
    try {
      entry.count = await store.backlog(destination, enough);
      return entry.count;
    } catch (error) {
      // Nobody is told an answer that did not come: the next one asks.
      known.delete(destination);
      throw error;
    } finally {
      entry.asking = undefined;
    }
  }
  /** For as long as nobody could fill what is free. */
  function holdMs({ count }: Known): number {
    const fillsMs = ((enough - count) / mostAcceptedPerSecond) * 1000;
    return Math.max(leastHoldMs, Math.min(longestHoldMs, fillsMs));
  }

  return {
    of(destination) {
      let entry = known.get(destination);
      if (entry === undefined) {
        if (known.size > 4096) known.clear();
        entry = { at: now(), count: 0, asking: undefined };
        known.set(destination, entry);
        entry.asking = ask(destination, entry);
        return entry.asking;
      }
      if (entry.asking !== undefined && entry.count === 0) return entry.asking;
      if (now() - entry.at >= holdMs(entry)) {
        // One asks: all that come meanwhile would make the store count the same rows as often as there are requests.
        entry.at = now();
        entry.asking = ask(destination, entry);
        if (entry.count === 0) return entry.asking;
        entry.asking.catch(() => undefined);
      }
      entry.count += 1;
      return entry.count;
    },
  };
}
