/** How many deliveries a filter covers, and where they go: page by page, so that live traffic goes on between the pages. */
import type { DeliveryFilter, DeliveryState, Store } from '../store/store.ts';

export interface DeliveryCount {
  readonly count: number;
  /** False: there are more than were counted. */
  readonly exact: boolean;
  readonly byDestination: ReadonlyMap<string, number>;
  readonly byState: ReadonlyMap<DeliveryState, number>;
  /** Number of the last delivery counted. */
  readonly last: number;
  /** The largest number of a replay that made one of them; 0: none did. */
  readonly newest: number;
}

const pageSize = 1000;
/** More are as many as anybody needs to know before acting. */
export const countLimit = 100_000;

export async function countDeliveries(store: Store, filter: DeliveryFilter): Promise<DeliveryCount> {
  const byDestination = new Map<string, number>();
  const byState = new Map<DeliveryState, number>();
  let count = 0;
  let last = 0;
  let newest = 0;
  while (count < countLimit) {
    const rows = await store.read(filter, { limit: pageSize, after: last });
    for (const { destination, state, generation } of rows) {
      newest = Math.max(newest, generation);
      byDestination.set(destination, (byDestination.get(destination) ?? 0) + 1);
      byState.set(state, (byState.get(state) ?? 0) + 1);
    }
    count += rows.length;
    last = rows.at(-1)?.delivery ?? last;
    if (rows.length < pageSize) return { count, exact: true, byDestination, byState, last, newest };
  }
  return { count, exact: false, byDestination, byState, last, newest };
}
