/** Opens the store of a process: starts its thread, hands out connections. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { connectStore } from './connect-store.ts';
import { StoreRefused } from './store-refused.ts';
import type { ThreadMessage } from './sqlite-thread.ts';
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
  /** How often idle work runs: lapsed leases, checkpoint, expired rows. Default 1,000 ms. */
  readonly idleMs?: number;
  /** The thread ended by itself: a sync failed or the database is damaged. The process must not go on accepting. */
  onLost(error: Error): void;
}

export async function openStore({ path, idleMs = 1000, onLost }: StoreSettings): Promise<OpenStore> {
  const worker = new Worker(new URL('./sqlite-thread.ts', import.meta.url), { workerData: { path, idleMs } });
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
