/** `kv` of a synchronous call: each operation is its own durable transaction, not undone by a later error. */
import type { Store } from '../store/store.ts';
import type { KeyValueStore } from '../store/types.ts';

const withTtl = (ttlMs: number | undefined): { readonly ttlMs?: number } => (ttlMs === undefined ? {} : { ttlMs });

export function createDirectKeyValue(store: Store): KeyValueStore {
  return {
    get: async (scope, key) => (await store.get(scope, key))?.value,
    async set(scope, key, value, ttlMs) {
      await store.write([{ scope, key, change: { kind: 'set', value, ...withTtl(ttlMs) } }], []);
      return { ok: true };
    },
    async delete(scope, key) {
      const existed = (await store.get(scope, key)) !== undefined;
      await store.write([{ scope, key, change: { kind: 'delete' } }], []);
      return existed;
    },
    async list(scope, prefix, limit, cursor) {
      const keys = await store.list(scope, prefix, limit, cursor);
      const last = keys.at(-1);
      return { keys, ...(keys.length === limit && last !== undefined ? { cursor: last } : {}) };
    },
    add: (scope, key, value, ttlMs) => store.claim({ scope, key, value, ...withTtl(ttlMs) }),
    async increment(scope, key, delta, ttlMs) {
      const written = await store.write([{ scope, key, change: { kind: 'increment', delta, ...withTtl(ttlMs) } }], []);
      return written.kind === 'ok' ? written.numbers[0] : undefined;
    },
    async compareAndSet(scope, key, expected, value, ttlMs) {
      const present = await store.get(scope, key);
      if (!sameBytes(present?.value, expected)) return false;
      const version = present?.version ?? 0;
      const change = { kind: 'set', value, ...withTtl(ttlMs) } as const;
      return (await store.write([{ scope, key, change }], [{ scope, key, version }])).kind === 'ok';
    },
  };
}

/** Undefined is the absent value. */
export function sameBytes(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.from(one.buffer, one.byteOffset, one.byteLength).equals(other);
}
