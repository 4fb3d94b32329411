/** Opens the store of a process: starts its thread, hands out connections. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { connectStore } from './connect-store.ts';
import { defaultDisk, type DiskSettings } from './disk-guard.ts';
import { loneRunPath } from './lone-run.ts';
import { openRecords } from './open-records.ts';
import type { RecordBounds, RecordStore } from './records.ts';
import { defaultRetention, type Retention } from './retention.ts';
import { StoreRefused } from './store-refused.ts';
import type { SnapshotProgress } from './snapshot-database.ts';
import type { SnapshotMessage, ThreadMessage, ThreadSettings } from './sqlite-thread.ts';
import type { Store } from './store.ts';

export interface OpenStore {
  readonly durable: boolean;
  /** A connection for this thread. */
  connect(): Store;
  /** A port to transfer to another thread, which makes its own `connectStore` of it. */
  port(): MessagePort;
  /** Where who runs a delivery alone after crashes says when its Lua runs (`openLoneMark`); absent: nobody asks for it. */
  readonly loneRunPath?: string;
  /** Into a new file, while the store is used; absent where it is no file. */
  snapshot?(to: string, onProgress: SnapshotProgress): Promise<void>;
  /** The records of calls beside it, opened with the first question; they are closed with the store. */
  records(bounds: RecordBounds): RecordStore;
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

  let records: RecordStore | undefined;
  function snapshot(to: string, onProgress: SnapshotProgress): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    worker.postMessage({ snapshot: to, port: port1 } satisfies ThreadMessage, [port1]);
    return new Promise((resolve, reject) => {
      port2.on('message', (told: SnapshotMessage) => {
        if ('pages' in told) return onProgress(told.pages, told.total);
        if ('done' in told) return resolve();
        reject(told.refused ? new StoreRefused(told.error) : new Error(told.error));
      });
      port2.on('close', () => reject(new Error('the store was closed')));
    });
  }

  return {
    durable,
    connect: () => connectStore(port(), durable),
    port,
    ...(durable ? { snapshot, loneRunPath: loneRunPath(path) } : {}),
    records: (bounds) => (records ??= openRecords(recordsPath(path), bounds)),
    async close() {
      closing = true;
      await records?.close();
      await new Promise<void>((resolve) => {
        worker.once('exit', () => resolve());
        worker.postMessage({ close: true } satisfies ThreadMessage);
      });
    },
  };
}

/** `store-records.db` beside `store.db`. */
function recordsPath(path: string): string {
  return path === ':memory:' ? path : `${path.replace(/\.db$/, '')}-records.db`;
}
