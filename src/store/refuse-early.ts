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
  function isNew({ event: { namespaceUid, id }, duplicate, known }: AppendItem): boolean {
    if (known === true) return false;
    // An event of its own id comes with the same key again.
    if (duplicate !== undefined) return !events.isKnown(namespaceUid, duplicate);
    events.write();
    return events.read(namespaceUid, id) === undefined;
  }

  return (items) => {
    if (diskLow()) return new StoreDiskLow();
    // As if all of them grew: mostly there is room.
    if (usage.refusal(growthOfAppend(items)) === undefined) return undefined;
    // What it ends makes room.
    if (items.some(({ deliveries }) => deliveries.some(({ supersede }) => supersede === true))) return 'doubtful';
    const once = new Map(items.filter(isNew).map((item) => [nameOf(item), item]));
    const message = usage.refusal(growthOfAppend([...once.values()]));
    return message === undefined ? 'doubtful' : new StoreOverQuota(message);
  };
}

/** What two items have in common of which the second is a repetition. */
function nameOf({ event: { namespaceUid, id }, duplicate }: AppendItem): string {
  return JSON.stringify(
    duplicate === undefined ? [namespaceUid, id] : [namespaceUid, duplicate.endpoint, duplicate.key],
  );
}
