/**
 * What an asynchronous attempt does inside the platform: collected while it runs, written with its settle or not at all.
 * Reads see committed values and the attempt's own writes.
 */
import { createHash } from 'node:crypto';
import { addInteger } from '../store/add-integer.ts';
import type { AppendItem, KeyValueExpectation, KeyValueWrite, Lease, Store, StoredEvent } from '../store/store.ts';
import type { EventBus, KeyValueScope, KeyValueStore, LaterQueue } from '../store/types.ts';
import { shareBudget } from '../triggers/event-budget.ts';
import { sameBytes } from './direct-key-value.ts';
import { listWithOwn } from './list-with-own.ts';
import { laterItem, laterFilter, type LaterTarget } from './later.ts';
import { shownId } from './chosen-id.ts';
import { mostAtOnce } from './fan-out.ts';
import { publishedItem, type MatchDestinations, type Matched, type PreparedItem } from './publish.ts';

export interface AttemptEffects {
  readonly keyValue: KeyValueStore;
  readonly later: LaterQueue;
  readonly events: EventBus;
  /** Takes one of the events that may descend from this attempt; undefined: used up. Its share is known in the end. */
  child(): number | undefined;
  /** Bytes of values that were read and stay until the end, since this was asked last. */
  takeRead(): number;
  /** What the settle carries. */
  collect(): {
    readonly append: readonly AppendItem[];
    readonly writes: readonly KeyValueWrite[];
    readonly expectations: readonly KeyValueExpectation[];
  };
}

export interface AttemptEffectsSettings {
  readonly store: Store;
  readonly lease: Lease;
  readonly match: MatchDestinations;
  /** Where `later` of a function goes; undefined: no such function. */
  readonly target: LaterTarget;
  /** How many events may descend from this attempt. */
  readonly budget: number;
}

interface Child {
  readonly id: string;
  readonly key?: string;
  readonly item: PreparedItem;
}

interface Entry {
  readonly scope: KeyValueScope;
  readonly key: string;
  /** Version of the committed value once it was read; undefined: never read. */
  version?: number;
  committed?: Uint8Array | undefined;
  /** The attempt's own set or delete. */
  own?: { readonly value: Uint8Array | undefined; readonly ttlMs?: number };
  /** The attempt's own increments on top. */
  delta?: number;
  deltaTtlMs?: number;
  verify?: boolean;
}

const encoder = new TextEncoder();

export function createAttemptEffects(settings: AttemptEffectsSettings): AttemptEffects {
  const { store, lease, match, target, budget } = settings;
  const entries = new Map<string, Entry>();
  const children: Child[] = [];
  let taken = 0;
  let index = 0;
  let readBytes = 0;
  /** Deliveries that the settle will write together. */
  let together = 0;

  /** The same attempt of the same delivery names its children alike, so a repeated settle makes no second set. */
  function childId(): string {
    const { event, destination, generation } = lease;
    const parts = JSON.stringify([event.namespaceUid, event.id, destination, generation, index++]);
    return createHash('sha256').update(parts).digest('hex').slice(0, 32);
  }

  async function matchTogether(event: StoredEvent): Promise<Matched> {
    let matched = await match(event, mostAtOnce - together);
    // Others of this attempt were matched meanwhile.
    if (together + matched.deliveries.length > mostAtOnce) matched = await match(event, 0);
    together += matched.deliveries.length;
    return matched;
  }

  function entryOf(scope: KeyValueScope, key: string): Entry {
    const name = JSON.stringify([scope.namespaceUid, scope.space, key]);
    const known = entries.get(name);
    if (known !== undefined) return known;
    const entry: Entry = { scope, key };
    entries.set(name, entry);
    return entry;
  }

  async function read(entry: Entry): Promise<Uint8Array | undefined> {
    if (entry.own === undefined && entry.version === undefined) {
      const present = await store.get(entry.scope, entry.key);
      entry.version = present?.version ?? 0;
      entry.committed = present?.value;
      readBytes += present?.value.length ?? 0;
    }
    const base = entry.own === undefined ? entry.committed : entry.own.value;
    if (entry.delta === undefined) return base;
    const sum = addInteger(base, entry.delta);
    return sum === undefined ? base : encoder.encode(String(sum));
  }

  function put(entry: Entry, value: Uint8Array | undefined, ttlMs?: number): void {
    if (entry.version !== undefined) entry.verify = true;
    entry.own = { value, ...(ttlMs === undefined ? {} : { ttlMs }) };
    delete entry.committed;
    delete entry.delta;
    delete entry.deltaTtlMs;
  }

  const keyValue: KeyValueStore = {
    get: (scope, key) => read(entryOf(scope, key)),
    async set(scope, key, value, ttlMs) {
      put(entryOf(scope, key), value, ttlMs);
      return { ok: true };
    },
    async delete(scope, key) {
      const entry = entryOf(scope, key);
      const existed = (await read(entry)) !== undefined;
      put(entry, undefined);
      return existed;
    },
    list(scope, prefix, limit, cursor) {
      const set: string[] = [];
      const deleted = new Set<string>();
      for (const { scope: its, key, own, delta } of entries.values()) {
        if (its.namespaceUid !== scope.namespaceUid || its.space !== scope.space || !key.startsWith(prefix)) continue;
        if (own?.value !== undefined || delta !== undefined) set.push(key);
        else if (own !== undefined) deleted.add(key);
      }
      return listWithOwn((after) => store.list(scope, prefix, limit, after), { set, deleted }, limit, cursor);
    },
    async add(scope, key, value, ttlMs) {
      const entry = entryOf(scope, key);
      if (entry.own?.value !== undefined) return false;
      // A claim is durable at once: that is what keeps a second delivery from doing the same.
      const claimed = await store.claim({
        scope,
        key,
        value,
        owner: lease.receipt.delivery,
        ...(ttlMs === undefined ? {} : { ttlMs }),
      });
      if (claimed) {
        delete entry.own;
        delete entry.version;
      }
      return claimed;
    },
    async increment(scope, key, delta, ttlMs) {
      const entry = entryOf(scope, key);
      const sum = addInteger(await read(entry), delta);
      if (sum === undefined) return undefined;
      entry.delta = (entry.delta ?? 0) + delta;
      if (ttlMs !== undefined) entry.deltaTtlMs = ttlMs;
      return sum;
    },
    async compareAndSet(scope, key, expected, value, ttlMs) {
      const entry = entryOf(scope, key);
      if (!sameBytes(await read(entry), expected)) {
        entry.verify = entry.version !== undefined;
        return false;
      }
      put(entry, value, ttlMs);
      return true;
    },
  };

  return {
    keyValue,
    later: {
      durable: store.durable,
      async enqueue(item) {
        const id = childId();
        const { key } = item;
        const child = (share: number): AppendItem => laterItem(item, id, target(item), share);
        children.push({ id, item: child, ...(key === undefined ? {} : { key }) });
        return id;
      },
      async cancel(namespaceUid, functionName, idOrKey) {
        const own = children.findIndex(({ id, key }) => id === idOrKey || key === idOrKey);
        if (own >= 0) children.splice(own, 1);
        const cancelled = await Promise.all(
          laterFilter(namespaceUid, functionName, idOrKey).map((filter) => store.cancel(filter)),
        );
        return own >= 0 || cancelled.some((count) => count > 0);
      },
    },
    events: {
      durable: store.durable,
      async publish(event) {
        const item = await publishedItem(event, childId, matchTogether);
        const { id } = item(0).event;
        children.push({ id, item });
        return shownId(id);
      },
    },
    child() {
      if (taken >= budget) return undefined;
      taken += 1;
      return 0;
    },
    takeRead() {
      const bytes = readBytes;
      readBytes = 0;
      return bytes;
    },
    collect() {
      const writes: KeyValueWrite[] = [];
      const expectations: KeyValueExpectation[] = [];
      for (const { scope, key, own, delta, deltaTtlMs, verify, version } of entries.values()) {
        if (verify === true && version !== undefined) expectations.push({ scope, key, version });
        if (own !== undefined) {
          const { value, ttlMs } = own;
          const change =
            value === undefined
              ? { kind: 'delete' as const }
              : { kind: 'set' as const, value, ...(ttlMs === undefined ? {} : { ttlMs }) };
          writes.push({ scope, key, change });
        }
        if (delta !== undefined) {
          const change = {
            kind: 'increment' as const,
            delta,
            ...(deltaTtlMs === undefined ? {} : { ttlMs: deltaTtlMs }),
          };
          writes.push({ scope, key, change });
        }
      }
      const share = shareBudget(budget, children.length);
      return { append: children.map(({ item }) => item(share)), writes, expectations };
    },
  };
}
