/** The thread of the records' database: slow questions and large batches hold up nobody but each other. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RecordBounds } from './records.ts';
import { openSqliteRecords, type SqliteRecords } from './sqlite-records.ts';

/** What the thread is started with. */
export interface RecordThreadSettings {
  readonly path: string;
  readonly bounds: RecordBounds;
}

export interface RecordRequest {
  readonly id: number;
  readonly operation: keyof SqliteRecords;
  readonly arguments: readonly unknown[];
}

export type RecordAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

const { path, bounds } = workerData as RecordThreadSettings;
const records = openSqliteRecords(path, bounds);

parentPort?.on('message', ({ id, operation, arguments: values }: RecordRequest) => {
  try {
    const value = (records[operation] as (...each: readonly unknown[]) => unknown)(...values);
    parentPort?.postMessage({ id, value } satisfies RecordAnswer);
  } catch (error) {
    parentPort?.postMessage({ id, error: (error as Error).message } satisfies RecordAnswer);
  }
  if (operation === 'close') parentPort?.close();
});
