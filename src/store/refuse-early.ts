/**
 * Appends that are sure to be refused, known before they touch anything: beside others they would have to be undone, and the
 * others with them. Who goes on and on at a quota would make everybody's appends dearer.
 */
import { growthOfAppend } from './growth.ts';
import type { EventRows } from './sqlite-events.ts';
import type { UsageBook } from './sqlite-usage.ts';
import { StoreDiskLow } from './store-disk-low.ts';
import { StoreOverQuota } from './store-over-quota.ts';
import type { AppendItem } from './store.ts';

/** Answers the function that says why an append is refused; undefined: no quota refuses it. */
export function createEarlyRefusal(
  usage: Pick<UsageBook, 'refusal'>,
  events: Pick<EventRows, 'write' | 'read' | 'isKnown'>,
  diskLow: () => boolean,
): (items: readonly AppendItem[]) => Error | 'doubtful' | undefined {
  /** A repetition is answered, and grows only where it runs again. */
  function isNew({ event: { namespaceUid, id }, duplicate }: AppendItem): boolean {
    if (duplicate !== undefined && events.isKnown(namespaceUid, duplicate)) return false;
    events.write();
    return events.read(namespaceUid, id) === undefined;
  }

  return (items) => {
    if (diskLow()) return new StoreDiskLow();
    // As if all of them grew: mostly there is room.
    if (usage.refusal(growthOfAppend(items)) === undefined) return undefined;
    if (!items.every(countsWhole) || !areApart(items)) return 'doubtful';
    const message = usage.refusal(growthOfAppend(items.filter(isNew)));
    return message === undefined ? 'doubtful' : new StoreOverQuota(message);
  };
}

/** Each of its deliveries is one more: what a delivery ends makes room, and twice the same destination is one. */
function countsWhole({ deliveries, known }: AppendItem): boolean {
  if (known === true || deliveries.some(({ supersede }) => supersede === true)) return false;
  return new Set(deliveries.map(({ destination }) => destination)).size === deliveries.length;
}

/** None repeats another one of the request. */
function areApart(items: readonly AppendItem[]): boolean {
  const ids = items.map(({ event: { namespaceUid, id } }) => JSON.stringify([namespaceUid, id]));
  const keys = items.flatMap(({ event: { namespaceUid }, duplicate }) =>
    duplicate === undefined ? [] : [JSON.stringify([namespaceUid, duplicate.endpoint, duplicate.key])],
  );
  return new Set(ids).size === ids.length && new Set(keys).size === keys.length;
}
