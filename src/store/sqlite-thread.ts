/**
 * The store's own thread: owns the database, answers any number of ports. All requests that arrived in one turn of the
 * event loop share one transaction and one sync; each is answered only after it.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore, type SqliteStore, type TurnItem } from './sqlite-store.ts';

export interface StoreRequest {
  readonly id: number;
  readonly operation: keyof SqliteStore;
  readonly arguments: readonly unknown[];
}

export type StoreAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }
  /** Something may have become due. */
  | { readonly wake: true };

export type ThreadMessage = { readonly connect: MessagePort } | { readonly close: true };

const { path, idleMs } = workerData as { readonly path: string; readonly idleMs: number };
/** Operations after which another process part may find work. */
const waking: ReadonlySet<string> = new Set(['append', 'settle', 'release', 'replay', 'cancel']);

const owner = openSqliteStore(path, { wall: () => Date.now(), monotonic: () => performance.now() });
const ports = new Set<MessagePort>();
let waiting: TurnItem[] = [];
let scheduled = false;
let wake = false;

function flush(): void {
  scheduled = false;
  const items = waiting;
  waiting = [];
  wake = false;
  owner.turn(items);
  if (wake) for (const port of ports) port.postMessage({ wake: true } satisfies StoreAnswer);
}

function take(port: MessagePort, request: StoreRequest): void {
  waiting.push({
    run: (store) => (store[request.operation] as (...values: readonly unknown[]) => unknown)(...request.arguments),
    done(value) {
      if (waking.has(request.operation)) wake = true;
      port.postMessage({ id: request.id, value } satisfies StoreAnswer);
    },
    failed: (error) => port.postMessage({ id: request.id, error: error.message } satisfies StoreAnswer),
  });
  if (scheduled) return;
  scheduled = true;
  setImmediate(flush);
}

const idle = setInterval(() => {
  if (!scheduled) owner.idle();
}, idleMs);

parentPort?.on('message', (message: ThreadMessage) => {
  if ('connect' in message) {
    const port = message.connect;
    ports.add(port);
    port.on('message', (request: StoreRequest) => take(port, request));
    port.on('close', () => ports.delete(port));
    return;
  }
  clearInterval(idle);
  if (waiting.length > 0) flush();
  owner.close();
  for (const port of ports) port.close();
  parentPort?.close();
});
parentPort?.postMessage('ready');
