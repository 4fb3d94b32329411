/** Keys and values as an asynchronous attempt has them: it reads committed values and its own writes, which land with its settle. */
import { addInteger } from '../store/add-integer.ts';
import type { KeyValueExpectation, KeyValueWrite, Lease, SettleItem, Store } from '../store/store.ts';
import type { KeyValueOutcome, KeyValueScope, KeyValueStore } from '../store/types.ts';
import { sameBytes } from './direct-key-value.ts';
import { listWithOwn } from './list-with-own.ts';

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

export class AttemptKeyValue implements KeyValueStore {
  readonly #store: Store;
  readonly #lease: Lease;
  readonly #entries = new Map<string, Entry>();
  #readBytes = 0;

  constructor(store: Store, lease: Lease) {
    this.#store = store;
    this.#lease = lease;
  }

  get(scope: KeyValueScope, key: string): Promise<Uint8Array | undefined> {
    return this.#read(this.#entryOf(scope, key));
  }

  async set(scope: KeyValueScope, key: string, value: Uint8Array, ttlMs?: number): Promise<KeyValueOutcome> {
    put(this.#entryOf(scope, key), value, ttlMs);
    return { ok: true };
  }

  async delete(scope: KeyValueScope, key: string): Promise<boolean> {
    const entry = this.#entryOf(scope, key);
    const existed = (await this.#read(entry)) !== undefined;
    put(entry, undefined);
    return existed;
  }

  list(scope: KeyValueScope, prefix: string, limit: number, cursor?: string): ReturnType<KeyValueStore['list']> {
    const set: string[] = [];
    const deleted = new Set<string>();
    for (const { scope: its, key, own, delta } of this.#entries.values()) {
      if (its.namespaceUid !== scope.namespaceUid || its.space !== scope.space || !key.startsWith(prefix)) continue;
      if (own?.value !== undefined || delta !== undefined) set.push(key);
      else if (own !== undefined) deleted.add(key);
    }
    return listWithOwn((after) => this.#store.list(scope, prefix, limit, after), { set, deleted }, limit, cursor);
  }

  async add(scope: KeyValueScope, key: string, value: Uint8Array, ttlMs?: number): Promise<boolean> {
    const entry = this.#entryOf(scope, key);
    if (entry.own?.value !== undefined) return false;
    // A claim is durable at once: that is what keeps a second delivery from doing the same.
    const claimed = await this.#store.claim({
      scope,
      key,
      value,
      owner: this.#lease.receipt.delivery,
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
    if (claimed) {
      delete entry.own;
      delete entry.version;
    }
    return claimed;
  }

  async increment(scope: KeyValueScope, key: string, delta: number, ttlMs?: number): Promise<number | undefined> {
    const entry = this.#entryOf(scope, key);
    const sum = addInteger(await this.#read(entry), delta);
    if (sum === undefined) return undefined;
    entry.delta = (entry.delta ?? 0) + delta;
    if (ttlMs !== undefined) entry.deltaTtlMs = ttlMs;
    return sum;
  }

  async compareAndSet(
    scope: KeyValueScope,
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    ttlMs?: number,
  ): Promise<boolean> {
    const entry = this.#entryOf(scope, key);
    if (!sameBytes(await this.#read(entry), expected)) {
      entry.verify = entry.version !== undefined;
      return false;
    }
    put(entry, value, ttlMs);
    return true;
  }

  /** Bytes of values that were read and stay until the end, since this was asked last. */
  takeRead(): number {
    const bytes = this.#readBytes;
    this.#readBytes = 0;
    return bytes;
  }

  /** What the settle carries. */
  collect(): Required<Pick<SettleItem, 'writes' | 'expectations'>> {
    const writes: KeyValueWrite[] = [];
    const expectations: KeyValueExpectation[] = [];
    for (const { scope, key, own, delta, deltaTtlMs, verify, version } of this.#entries.values()) {
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
    return { writes, expectations };
  }

  #entryOf(scope: KeyValueScope, key: string): Entry {
    const name = JSON.stringify([scope.namespaceUid, scope.space, key]);
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const entry: Entry = { scope, key };
    this.#entries.set(name, entry);
    return entry;
  }

  async #read(entry: Entry): Promise<Uint8Array | undefined> {
    if (entry.own === undefined && entry.version === undefined) {
      const present = await this.#store.get(entry.scope, entry.key);
      entry.version = present?.version ?? 0;
      entry.committed = present?.value;
      this.#readBytes += present?.value.length ?? 0;
    }
    const base = entry.own === undefined ? entry.committed : entry.own.value;
    if (entry.delta === undefined) return base;
    const sum = addInteger(base, entry.delta);
    return sum === undefined ? base : encoder.encode(String(sum));
  }
}

function put(entry: Entry, value: Uint8Array | undefined, ttlMs?: number): void {
  if (entry.version !== undefined) entry.verify = true;
  entry.own = { value, ...(ttlMs === undefined ? {} : { ttlMs }) };
  delete entry.committed;
  delete entry.delta;
  delete entry.deltaTtlMs;
}
