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

interface NamespaceCaches {
  /** The one written to longest ago first. */
  readonly functions: Map<string, FunctionCache>;
  bytes: number;
}

/** Creates the caches of one process or thread. */
export function createFunctionCaches(options: FunctionCachesOptions): FunctionCaches {
  const perFunction = options.maxBytesPerFunction ?? 4 * 1024 * 1024;
  const total = options.maxBytes ?? 64 * 1024 * 1024;
  const namespaces = new Map<string, NamespaceCaches>();
  let keptBytes = 0;

  const drop = (namespace: NamespaceCaches, cache: FunctionCache, key: string): void => {
    const found = cache.kept.get(key);
    if (found === undefined) return;
    cache.kept.delete(key);
    cache.bytes -= found.bytes;
    namespace.bytes -= found.bytes;
    keptBytes -= found.bytes;
  };

  const dropOldest = (namespace: NamespaceCaches, cache: FunctionCache): void => {
    const oldest = cache.kept.keys().next();
    if (!oldest.done) drop(namespace, cache, oldest.value);
  };

  /** In a namespace the function that was written to longest ago pays first. */
  const dropOldestOf = (namespace: NamespaceCaches): void => {
    for (const [name, cache] of namespace.functions) {
      if (cache.kept.size > 0) return dropOldest(namespace, cache);
      if (cache.claims.size === 0) namespace.functions.delete(name);
    }
  };

  /** Over the total, the namespace that keeps most pays: nobody loses what he has to a neighbour who has more. */
  const largest = (): NamespaceCaches | undefined => {
    let most: NamespaceCaches | undefined;
    for (const [uid, namespace] of namespaces) {
      if (namespace.bytes > (most?.bytes ?? 0)) most = namespace;
      else if (namespace.functions.size === 0) namespaces.delete(uid);
    }
    return most;
  };

  const shrink = (): void => {
    for (let excess = keptBytes - total; excess > 0; excess = keptBytes - total) {
      const payer = largest();
      if (payer === undefined) return;
      dropOldestOf(payer);
    }
  };

  return {
    cacheFor(namespaceUid, functionName) {
      const ownNamespace = (): NamespaceCaches => {
        const found = namespaces.get(namespaceUid) ?? { functions: new Map<string, FunctionCache>(), bytes: 0 };
        namespaces.set(namespaceUid, found);
        return found;
      };
      const own = ({ functions }: NamespaceCaches): FunctionCache => {
        const found = functions.get(functionName) ?? { kept: new Map(), claims: new Map(), bytes: 0 };
        functions.set(functionName, found);
        return found;
      };
      return {
        read(key) {
          const namespace = namespaces.get(namespaceUid);
          const cache = namespace?.functions.get(functionName);
          const found = cache?.kept.get(key);
          if (namespace === undefined || cache === undefined || found === undefined) return undefined;
          if (found.until > options.now()) return { value: found.value };
          drop(namespace, cache, key);
          return undefined;
        },
        write(key, value, ttlMs) {
          const namespace = ownNamespace();
          const cache = own(namespace);
          namespace.functions.delete(functionName);
          namespace.functions.set(functionName, cache);
          drop(namespace, cache, key);
          const size = sizeOf(value) + 2 * key.length + 128;
          if (size > perFunction) return;
          cache.kept.set(key, { value, until: options.now() + ttlMs, bytes: size });
          cache.bytes += size;
          namespace.bytes += size;
          keptBytes += size;
          while (cache.bytes > perFunction) dropOldest(namespace, cache);
          shrink();
        },
        claim(key, owner) {
          const cache = own(ownNamespace());
          const other = cache.claims.get(key);
          if (other !== undefined) return other.done;
          const { promise, resolve } = Promise.withResolvers<void>();
          cache.claims.set(key, { owner, done: promise, end: resolve });
          return undefined;
        },
        release(key, owner) {
          const claims = namespaces.get(namespaceUid)?.functions.get(functionName)?.claims;
          const held = claims?.get(key);
          // A call that ended gives back its own claim, never the one of a call that loads now.
          if (held?.owner !== owner) return;
          held.end();
          claims?.delete(key);
        },
      };
    },
    get bytes() {
      return keptBytes;
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
