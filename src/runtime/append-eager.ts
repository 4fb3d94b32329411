/** Stores events that may run here at once: where nothing waits before it, an item's first delivery is stored as leased. */
import type { AppendItem, Appended, NewDelivery } from '../store/store.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Throws `StoreBehind` where the store has too much to keep already. */
export function appendEager(items: readonly AppendItem[], parts: WorkerParts): Promise<readonly Appended[]> {
  return parts.pending.run(items, () => append(items, parts));
}

function append(items: readonly AppendItem[], parts: WorkerParts): Promise<readonly Appended[]> {
  const places = items.map(({ deliveries: [own] }) => (own === undefined ? undefined : reserve(own, parts)));
  return places.every((place) => place === undefined) ? parts.store.append(items) : appendLeased(items, places, parts);
}

async function appendLeased(
  items: readonly AppendItem[],
  places: readonly ReturnType<typeof reserve>[],
  parts: WorkerParts,
): Promise<readonly Appended[]> {
  const { leaseMs } = parts.settings.asynchronous;
  let appended: readonly Appended[] = [];
  try {
    appended = await parts.store.append(
      items.map((item, index) => (places[index] === undefined ? item : withEager(item, leaseMs))),
    );
    return appended;
  } finally {
    for (const [index, place] of places.entries()) place?.(appended[index]?.leased[0]);
  }
}

/** What waits for quiet, or for others of its key, waits in the store. */
function reserve({ destination, orderKey, delayMs }: NewDelivery, parts: WorkerParts) {
  return orderKey === undefined && delayMs === undefined ? parts.reserve(destination) : undefined;
}

function withEager(item: AppendItem, eagerMs: number): AppendItem {
  const [own, ...others] = item.deliveries;
  return own === undefined ? item : { ...item, deliveries: [{ ...own, eagerMs }, ...others] };
}
