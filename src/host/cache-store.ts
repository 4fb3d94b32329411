/** The process-wide store behind `cache.get`: per function, bounded in bytes, one loader per key. */
import type { LuaValue } from '../lua/types.ts';
import type { CacheStore } from './types.ts';

export interface FunctionCaches {
  /** The cache of one function of one namespace. */
  cacheFor(namespaceUid: string, functionName: string): CacheStore;
  /** Bytes kept for all functions. */
  readonly bytes: number;
}

export interface FunctionCachesOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly maxBytesPerFunction?: number;
  readonly maxBytes?: number;
}

interface Kept {
  readonly value: LuaValue;
  readonly until: number;
  readonly bytes: number;
}

interface Claim {
  readonly owner: object;
  readonly done: Promise<void>;
  readonly end: () => void;
}

interface FunctionCache {
  readonly kept: Map<string, Kept>;
  readonly claims: Map<string, Claim>;
  bytes: number;
}

/** Creates the caches of one process or thread. */
export function createFunctionCaches(options: FunctionCachesOptions): FunctionCaches {
  const perFunction = options.maxBytesPerFunction ?? 4 * 1024 * 1024;
  const total = options.maxBytes ?? 64 * 1024 * 1024;
  const caches = new Map<string, FunctionCache>();
  const kept = { bytes: 0 };

  const drop = (cache: FunctionCache, key: string): void => {
    const found = cache.kept.get(key);
    if (found === undefined) return;
    cache.kept.delete(key);
    cache.bytes -= found.bytes;
    kept.bytes -= found.bytes;
  };

  const dropOldest = (cache: FunctionCache): void => {
    const oldest = cache.kept.keys().next();
    if (!oldest.done) drop(cache, oldest.value);
  };

  const shrink = (cache: FunctionCache): void => {
    while (cache.bytes > perFunction) dropOldest(cache);
    // Over the total, the function that was written to longest ago pays first.
    for (const [name, other] of caches) {
      while (kept.bytes > total && other.kept.size > 0) dropOldest(other);
      if (other.kept.size === 0 && other.claims.size === 0 && other !== cache) caches.delete(name);
      if (kept.bytes <= total) return;
    }
  };

  return {
    cacheFor(namespaceUid, functionName) {
      const name = JSON.stringify([namespaceUid, functionName]);
      const own = (): FunctionCache => {
        const found = caches.get(name) ?? { kept: new Map<string, Kept>(), claims: new Map<string, Claim>(), bytes: 0 };
        caches.set(name, found);
        return found;
      };
      return {
        read(key) {
          const cache = caches.get(name);
          const found = cache?.kept.get(key);
          if (cache === undefined || found === undefined) return undefined;
          if (found.until > options.now()) return { value: found.value };
          drop(cache, key);
          return undefined;
        },
        write(key, value, ttlMs) {
          const cache = own();
          caches.delete(name);
          caches.set(name, cache);
          drop(cache, key);
          const size = sizeOf(value) + 2 * key.length + 128;
          if (size > perFunction) return;
          cache.kept.set(key, { value, until: options.now() + ttlMs, bytes: size });
          cache.bytes += size;
          kept.bytes += size;
          shrink(cache);
        },
        claim(key, owner) {
          const cache = own();
          const other = cache.claims.get(key);
          if (other !== undefined) return other.done;
          const { promise, resolve } = Promise.withResolvers<void>();
          cache.claims.set(key, { owner, done: promise, end: resolve });
          return undefined;
        },
        release(key, owner) {
          const claims = caches.get(name)?.claims;
          const held = claims?.get(key);
          // A call that ended gives back its own claim, never the one of a call that loads now.
          if (held?.owner !== owner) return;
          held.end();
          claims?.delete(key);
        },
      };
    },
    get bytes() {
      return kept.bytes;
    },
  };
}

/** A generous estimate of what a value takes in memory. */
export function sizeOf(value: LuaValue): number {
  if (typeof value === 'string') return 24 + 2 * value.length;
  if (value instanceof Uint8Array) return 96 + value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item) + 8, 32);
  if (value instanceof Map) {
    let sum = 64;
    for (const [key, item] of value) sum += 48 + (typeof key === 'string' ? 2 * key.length : 8) + sizeOf(item);
    return sum;
  }
  return 16;
}
