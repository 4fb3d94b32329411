/**
 * Keep-alive connections. A pool belongs to one namespace, one origin and one set of checked addresses, so a connection is
 * only ever reused by a request whose own check of these very addresses has just passed, and never by another tenant.
 */
import { createRequire } from 'node:module';
import type { Pool } from 'undici';
import { createConnector, type Connector, type ConnectorOptions, type Dial } from './outbound-connect.ts';

export interface PoolKey {
  readonly namespaceUid: string;
  readonly origin: string;
  readonly addresses: readonly string[];
}

export interface PoolsOptions {
  readonly dial: Dial;
  readonly ca?: readonly string[];
  readonly connectTimeoutMs: number;
  readonly pace: ConnectorOptions['pace'];
  readonly maxPools: number;
  readonly connectionsPerPool: number;
}

export interface Pools {
  /** The pool for one request, until it is released. */
  take(key: PoolKey): Pool;
  /** After an aborted request a pool that is still connecting for nobody is ended. */
  release(key: PoolKey, aborted: boolean): void;
  readonly size: number;
  close(): Promise<void>;
}

interface Entry {
  readonly pool: Pool;
  readonly connector: Connector;
  /** Requests under way. */
  users: number;
}

const idleMs = 4_000;

/** Read when the first request goes out: 20 MB and 0.05 s for each thread that never sends one. */
function loadPool(): typeof Pool {
  return (createRequire(import.meta.url)('undici') as { readonly Pool: typeof Pool }).Pool;
}

/** Creates the pools of one process or thread. */
export function createPools(options: PoolsOptions): Pools {
  const pools = new Map<string, Entry>();
  let PoolOf: typeof Pool | undefined;

  const end = async ({ pool, connector }: Entry): Promise<void> => {
    const destroyed = pool.destroy();
    connector.abandon();
    await destroyed;
  };

  const remove = (name: string, entry: Entry): void => {
    pools.delete(name);
    void end(entry).catch(() => undefined);
  };

  const makeRoom = (): void => {
    for (const [name, entry] of pools) {
      if (pools.size < options.maxPools) return;
      if (entry.users === 0) remove(name, entry);
    }
  };

  return {
    take(key) {
      const name = nameOf(key);
      let entry = pools.get(name);
      if (entry === undefined) {
        makeRoom();
        const connector = createConnector({
          addresses: key.addresses,
          dial: options.dial,
          timeoutMs: options.connectTimeoutMs,
          pace: options.pace,
          ...(options.ca === undefined ? {} : { ca: options.ca }),
        });
        PoolOf ??= loadPool();
        const pool = new PoolOf(key.origin, {
          connections: options.connectionsPerPool,
          pipelining: 1,
          allowH2: false,
          keepAliveTimeout: idleMs,
          keepAliveMaxTimeout: idleMs,
          maxHeaderSize: 16_384,
          headersTimeout: 0,
          bodyTimeout: 0,
          connect: connector.connect,
        });
        entry = { pool, connector, users: 0 };
      }
      // Least recently used first.
      pools.delete(name);
      pools.set(name, entry);
      entry.users += 1;
      return entry.pool;
    },
    release(key, aborted) {
      const name = nameOf(key);
      const entry = pools.get(name);
      if (entry === undefined) return;
      entry.users -= 1;
      if (aborted && entry.users === 0 && entry.pool.stats.connected === 0) remove(name, entry);
    },
    get size() {
      return pools.size;
    },
    async close() {
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map(end));
    },
  };
}

function nameOf(key: PoolKey): string {
  return JSON.stringify([key.namespaceUid, key.origin, [...key.addresses].sort()]);
}
