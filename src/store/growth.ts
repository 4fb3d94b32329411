/** By how much operations make namespaces grow, told from what is asked. Pure. */
import type { StoreQuota } from './quotas.ts';
import { deliveryBytes, keyValueBytes } from './row-bytes.ts';
import type { AppendItem, KeyValueWrite, SettleItem, StoredEvent } from './store.ts';

/** By the namespace's UID. What the host owes is not in it: no quota refuses that. */
export type Growth = Map<string, Record<keyof StoreQuota, number>>;

export const nothingUsed: StoreQuota = { waitingRows: 0, waitingBytes: 0, keyValueBytes: 0 };

/** Digits of an integer that is incremented. */
const longestNumber = 17;

/** `times` -1 takes it back. */
export function addGrowth(total: Growth, more: Growth, times = 1): void {
  for (const [uid, { waitingRows, waitingBytes, keyValueBytes: bytes }] of more) {
    const sum = growthOf(total, uid);
    sum.waitingRows += times * waitingRows;
    sum.waitingBytes += times * waitingBytes;
    sum.keyValueBytes += times * bytes;
  }
}

export function growthOfAppend(items: readonly AppendItem[], growth: Growth = new Map()): Growth {
  for (const { event, deliveries, owed } of items) {
    if (owed === true || deliveries.length === 0) continue;
    const grown = growthOf(growth, event.namespaceUid);
    grown.waitingRows += deliveries.length;
    grown.waitingBytes += deliveries.length * deliveryBytes(event);
  }
  return growth;
}

/** As if none of the keys had a value. */
export function growthOfWrites(writes: readonly KeyValueWrite[], growth: Growth = new Map()): Growth {
  for (const { scope, key, change, owed } of writes) {
    if (owed === true || change.kind === 'delete') continue;
    const value = change.kind === 'set' ? change.value : new Uint8Array(longestNumber);
    growthOf(growth, scope.namespaceUid).keyValueBytes += keyValueBytes(scope.space, key, value);
  }
  return growth;
}

/** `event`: the one whose delivery ends and makes room. */
export function growthOfSettle(
  { ending, append = [], writes = [] }: SettleItem,
  event: StoredEvent | undefined,
): Growth {
  const growth = growthOfWrites(writes, growthOfAppend(append));
  const own = event === undefined || ending.kind === 'retry' ? undefined : growth.get(event.namespaceUid);
  if (own !== undefined && event !== undefined) {
    own.waitingRows -= 1;
    own.waitingBytes -= deliveryBytes(event);
  }
  return growth;
}

function growthOf(growth: Growth, uid: string): Record<keyof StoreQuota, number> {
  const known = growth.get(uid);
  if (known !== undefined) return known;
  const grown = { ...nothingUsed };
  growth.set(uid, grown);
  return grown;
}
