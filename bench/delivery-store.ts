/** A store in a file for benchmarks: filled from outside, watched, and emptied by what runs on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type OpenStore } from '../src/store/open-store.ts';
import type { AppendItem } from '../src/store/store.ts';

/** Opens one, and removes it afterwards. */
export async function withStore<Value>(work: (store: OpenStore) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-delivery-'));
  const store = await openStore({
    path: join(folder, 'store.db'),
    onLost(error) {
      throw error;
    },
  });
  try {
    return await work(store);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const states = ['waiting', 'leased', 'done'] as const;

export async function counts(store: OpenStore): Promise<Readonly<Record<(typeof states)[number], number>>> {
  const connection = store.connect();
  const { byState } = await connection.counts();
  await connection.close();
  return byState;
}

/** Stores so many events of one destination. */
export async function fill(store: OpenStore, destination: string, count: number, round: number): Promise<void> {
  const connection = store.connect();
  for (let start = 0; start < count; start += 500) {
    const items = Array.from({ length: Math.min(500, count - start) }, (_, index): AppendItem => ({
      event: {
        id: `backlog-${round}-${start + index}`,
        namespaceUid: 'ns-default',
        type: 'com.backlog',
        source: '/bench',
        attributes: '{}',
        body: Buffer.from('{}'),
      },
      deliveries: [{ destination }],
    }));
    await connection.append(items);
  }
  await connection.close();
}

/** Nothing waits and nothing runs; given up after a minute. */
export async function drained(store: OpenStore): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    const { waiting, leased } = await counts(store);
    if (waiting + leased === 0) return;
    if (performance.now() > until) throw new Error(`${waiting} events still wait after a minute`);
    await pause(50);
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
