/** Gathers what ends in one turn of the event loop into one settle: the store answers it with one message and one sync. */
import type { Settled, SettleItem, Store } from '../store/store.ts';

interface Waiting {
  readonly item: SettleItem;
  resolve(settled: Settled): void;
  reject(error: Error): void;
}

const mostAtOnce = 128;

/** Answers a function that settles one item. `nextTurn` calls back after what is ready now. */
export function createSettleBatches(
  store: Pick<Store, 'settle'>,
  nextTurn: (callback: () => void) => void,
): (item: SettleItem) => Promise<Settled> {
  let waiting: Waiting[] = [];

  function flush(): void {
    const batch = waiting;
    waiting = [];
    for (let start = 0; start < batch.length; start += mostAtOnce) void send(batch.slice(start, start + mostAtOnce));
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    try {
      const settled = await store.settle(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(settled[index] ?? 'stale');
    } catch (error) {
      const [only, ...more] = batch;
      if (more.length === 0) only?.reject(error as Error);
      // One that cannot be written must not keep its neighbours from it.
      else for (const each of batch) void send([each]);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length === 1) nextTurn(flush);
    });
}
