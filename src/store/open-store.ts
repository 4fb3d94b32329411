/** Opens the store of a process: starts its thread, hands out connections. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { connectStore } from './connect-store.ts';
import { defaultDisk, type DiskSettings } from './disk-guard.ts';
import { defaultRetention, type Retention } from './retention.ts';
import { StoreRefused } from './store-refused.ts';
import type { ThreadMessage, ThreadSettings } from './sqlite-thread.ts';
import type { Store } from './store.ts';

export interface OpenStore {
  readonly durable: boolean;
  /** A connection for this thread. */
  connect(): Store;
  /** A port to transfer to another thread, which makes its own `connectStore` of it. */
  port(): MessagePort;
  /** Answers what is under way, syncs, ends the thread. */
  close(): Promise<void>;
}

export interface StoreSettings {
  /** The database's file; `:memory:` ends with the process. */
  readonly path: string;
  /** How often it is looked for idle work: lapsed leases, checkpoint, rows to trim. Default 1,000 ms. */
  readonly idleMs?: number;
  readonly retention?: Partial<Retention>;
  readonly disk?: Partial<DiskSettings>;
  /** The thread ended by itself: a sync failed or the database is damaged. The process must not go on accepting. */
  onLost(error: Error): void;
}

export async function openStore(settings: StoreSettings): Promise<OpenStore> {
  const { path, idleMs = 1000, onLost } = settings;
  const retention = { ...defaultRetention, ...settings.retention };
  const disk = { ...defaultDisk, ...settings.disk };
  const workerData: ThreadSettings = { path, idleMs, retention, disk };
  const worker = new Worker(new URL('./sqlite-thread.ts', import.meta.url), { workerData });
  const durable = path !== ':memory:';
  let closing = false;
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', (error: Error) => reject(new StoreRefused(error.message, { cause: error })));
  });
  worker.removeAllListeners('error');
  worker.on('error', (error: Error) => onLost(error));
  worker.on('exit', (code) => {
    if (!closing) onLost(new Error(`the store's thread ended with code ${code}`));
  });

  function port(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    worker.postMessage({ connect: port1 } satisfies ThreadMessage, [port1]);
    return port2;
  }

  return {
    durable,
    connect: () => connectStore(port(), durable),
    port,
    close() {
      closing = true;
      return new Promise((resolve) => {
        worker.once('exit', () => resolve());
        worker.postMessage({ close: true } satisfies ThreadMessage);
      });
    },
  };
}
