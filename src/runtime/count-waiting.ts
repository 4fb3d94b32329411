/** How many deliveries wait for a destination, asked of the store at most once a second each: a bound, not a figure. */
import type { Store } from '../store/store.ts';

export interface WaitingCounts {
  of(destination: string): Promise<number> | number;
}

/** Only `enough` are counted: beyond, the answer stays at `enough`. */
export function createWaitingCounts(store: Store, enough: number, now: () => number): WaitingCounts {
  const known = new Map<string, { readonly at: number; count: number }>();
  async function ask(destination: string): Promise<number> {
    const namespaceUid = destination.slice(0, destination.indexOf('/'));
    const filter = { namespaceUid, destination, states: ['waiting', 'held'] as const };
    let count = 0;
    let after: number | undefined;
    for (;;) {
      const page = await store.read(filter, { limit: 1000, ...(after === undefined ? {} : { after }) });
      count += page.length;
      after = page.at(-1)?.delivery;
      if (page.length < 1000 || count >= enough) break;
    }
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
