/** What one namespace may store, and the judgement whether a change goes beyond it. Pure. */

/** Amounts per namespace. */
export interface StoreQuota {
  /** Deliveries that have not ended. */
  readonly waitingRows: number;
  /** Their events: an event counts once for each of its deliveries. */
  readonly waitingBytes: number;
  /** Keys, values and what each row costs besides. */
  readonly keyValueBytes: number;
}

export type QuotaName = keyof StoreQuota;

/** What holds for all namespaces, and for single ones in place of it, by UID. */
export interface StoreQuotas {
  readonly all: StoreQuota;
  readonly byNamespace: Readonly<Record<string, StoreQuota>>;
}

/** What a namespace has stored. */
export interface StoreUsage extends StoreQuota {
  /** Deliveries that have ended and are kept for a while, and their events. */
  readonly endedRows: number;
  readonly endedBytes: number;
}

const gibi = 1024 ** 3;

/** Where the installation says nothing: room for a night's backlog, not for the whole disk. */
export const defaultStoreQuota: StoreQuota = {
  waitingRows: 1_000_000,
  waitingBytes: 2 * gibi,
  keyValueBytes: gibi / 4,
};

export const quotaNames = Object.keys(defaultStoreQuota) as readonly QuotaName[];

/** Until the installation's policy is known. */
export const defaultStoreQuotas: StoreQuotas = { all: defaultStoreQuota, byNamespace: {} };

export function storeQuotaOf({ all, byNamespace }: StoreQuotas, namespaceUid: string): StoreQuota {
  return Object.hasOwn(byNamespace, namespaceUid) ? (byNamespace[namespaceUid] ?? all) : all;
}

const meaning: Readonly<Record<QuotaName, readonly [unit: string, remedy: string]>> = {
  waitingRows: ['deliveries wait', 'wait until some have run'],
  waitingBytes: ['bytes of events wait', 'wait until some have run'],
  keyValueBytes: ['bytes are kept in the key-value store', 'delete keys or give them a ttl'],
};

/** The sentence for whoever is refused; undefined: the change keeps within the quota. Only what grows is ever refused. */
export function refuseGrowth(
  growth: Readonly<Record<QuotaName, number>>,
  after: StoreQuota,
  quota: StoreQuota,
): string | undefined {
  const name = quotaNames.find((each) => growth[each] > 0 && after[each] > quota[each]);
  if (name === undefined) return undefined;
  const [unit, remedy] = meaning[name];
  return `the namespace has used up its quota ${name}: ${after[name] - growth[name]} ${unit}, ${growth[name]} more would be above ${quota[name]}; ${remedy}`;
}
