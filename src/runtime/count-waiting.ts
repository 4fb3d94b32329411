/** How many deliveries wait for a destination, asked of the store at most once a second each: a bound, not a figure. */
import type { Store } from '../store/store.ts';

export interface WaitingCounts {
  of(destination: string): Promise<number> | number;
}

/** Only `enough` are counted. */
export function createWaitingCounts(store: Store, enough: number, now: () => number): WaitingCounts {
  const known = new Map<string, { readonly at: number; count: number }>();
  async function ask(destination: string): Promise<number> {
    const count = await store.backlog(destination, enough);
    known.set(destination, { at: now(), count });
    return count;
  }
  return {
    of(destination) {
      const last = known.get(destination);
      if (last !== undefined && now() - last.at < 1000) {
        last.count += 1;
        return last.count;
      }
      if (known.size > 4096) known.clear();
      return ask(destination);
    },
  };
}
