/** Opens the records of calls on SQLite: in a file with a thread of its own, or in memory of this thread. */
import { Worker } from 'node:worker_threads';
import type { RecordAnswer, RecordRequest, RecordThreadSettings } from './record-thread.ts';
import type { RecordBounds, RecordStore } from './records.ts';
import { openSqliteRecords, type SqliteRecords } from './sqlite-records.ts';
import { StoreFailed } from './store-failed.ts';

/** `path` `:memory:` ends with the process. */
export function openRecords(path: string, bounds: RecordBounds): RecordStore {
  return path === ':memory:' ? inMemory(bounds) : inThread({ path, bounds });
}

function inMemory(bounds: RecordBounds): RecordStore {
  const records = openSqliteRecords(':memory:', bounds);
  return {
    add: async (rows) => records.add(rows),
    find: async (query) => records.find(query),
    count: async () => records.count(),
    trim: async (now) => records.trim(now),
    purge: async (namespaceUid) => records.purge(namespaceUid),
    close: async () => records.close(),
  };
}

/** Rows come in batches and are gone when they are written: the thread needs not hold megabytes of garbage, which stay when it rests. */
const resourceLimits = { maxYoungGenerationSizeMb: 3 };

interface Pending {
  // Each request knows the type of its own answer.
  resolve(value: never): void;
  reject(error: Error): void;
}

function inThread(workerData: RecordThreadSettings): RecordStore {
  const worker = new Worker(new URL('./record-thread.ts', import.meta.url), { workerData, resourceLimits });
  const pending = new Map<number, Pending>();
  let next = 1;
  let ended: Error | undefined;

  function end(error: Error): void {
    ended ??= error;
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  }

  worker.on('message', (answer: RecordAnswer) => {
    const request = pending.get(answer.id);
    pending.delete(answer.id);
    if ('error' in answer) request?.reject(new StoreFailed(answer.error));
    else request?.resolve(answer.value as never);
  });
  worker.on('error', (error: Error) => end(new StoreFailed(`the records' thread ended: ${error.message}`)));
  worker.on('exit', () => end(new StoreFailed('the records have been closed')));
  worker.unref();

  function ask<Value>(operation: keyof SqliteRecords, ...values: readonly unknown[]): Promise<Value> {
    if (ended !== undefined) return Promise.reject(ended);
    const id = next++;
    return new Promise<Value>((resolve: (value: Value) => void, reject) => {
      pending.set(id, { resolve, reject });
      worker.postMessage({ id, operation, arguments: values } satisfies RecordRequest);
    });
  }

  return {
    add: (records) => ask('add', records),
    find: (query) => ask('find', query),
    count: () => ask('count'),
    trim: (now) => ask('trim', now),
    purge: (namespaceUid) => ask('purge', namespaceUid),
    async close() {
      const gone = new Promise((resolve) => worker.once('exit', resolve));
      await ask('close');
      await gone;
    },
  };
}
