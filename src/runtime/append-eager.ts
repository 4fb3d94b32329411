/** Stores events that may run here at once: where nothing waits before it, an item's first delivery is stored as leased. */
import type { AppendItem, Appended, NewDelivery } from '../store/store.ts';
import type { WorkerParts } from './worker-parts.ts';

/**
 * Calls one of both when the store has answered, from a callback of its own: a promise for each accepted event would cost as
 * much as its signature. Throws `StoreBehind` where the store has too much to keep already.
 */
export function appendEager(
  items: readonly AppendItem[],
  parts: WorkerParts,
  done: (appended: readonly Appended[]) => void,
  failed: (error: Error) => void,
): void {
  const begun = parts.pending.begin(items);
  let places: readonly Place[] | undefined;
  try {
    places = reserveAll(items, parts);
  } catch (error) {
    parts.pending.end(begun);
    throw error;
  }
  const { leaseMs } = parts.settings.asynchronous;
  const asked =
    places === undefined
      ? items
      : items.map((item, index) => (places?.[index] === undefined ? item : withEager(item, leaseMs)));
  const conclude = (appended: readonly Appended[]): void => {
    parts.pending.end(begun);
    if (places !== undefined) giveBack(places, appended);
  };
  parts.store.appendThen(
    asked,
    (appended) => {
      conclude(appended);
      done(appended);
    },
    (error) => {
      conclude([]);
      failed(error);
    },
  );
}

/** Without a place: what is on a bus runs wherever it is wanted. */
export async function appendBounded(items: readonly AppendItem[], parts: WorkerParts): Promise<readonly Appended[]> {
  const begun = parts.pending.begin(items);
  try {
    return await parts.store.append(items);
  } finally {
    parts.pending.end(begun);
  }
}

type Place = ReturnType<WorkerParts['reserve']>;

/** Undefined: there is none for any of them. */
function reserveAll(items: readonly AppendItem[], parts: WorkerParts): readonly Place[] | undefined {
  const places = items.map(({ deliveries: [own] }) => (own === undefined ? undefined : reserve(own, parts)));
  return places.every((place) => place === undefined) ? undefined : places;
}

function giveBack(places: readonly Place[], appended: readonly Appended[]): void {
  for (const [index, place] of places.entries()) place?.(appended[index]?.leased[0]);
}

/** What waits for quiet, or for others of its key, waits in the store. */
function reserve({ destination, orderKey, delayMs }: NewDelivery, parts: WorkerParts): Place {
  return orderKey === undefined && delayMs === undefined ? parts.reserve(destination) : undefined;
}

function withEager(item: AppendItem, eagerMs: number): AppendItem {
  const [own, ...others] = item.deliveries;
  return own === undefined ? item : { ...item, deliveries: [{ ...own, eagerMs }, ...others] };
}
