/** The embedded store by itself: accepting, full cycles, known delivery ids, backlogs, and what a million events leave behind. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultDisk } from '../src/store/disk-guard.ts';
import { openStore } from '../src/store/open-store.ts';
import { defaultRetention } from '../src/store/retention.ts';
import type { SqliteStore } from '../src/store/sqlite-operations.ts';
import { openSqliteStore, type SqliteOwner } from '../src/store/sqlite-store.ts';
import type { AppendItem, Store } from '../src/store/store.ts';
import { quantile, type Measure, type Suite, type Unmeasured } from './measure.ts';
import { blocked, databaseOfKeys, failOnLost, fillWithWaiting, namespaceUid } from './store-databases.ts';

const million = 1_000_000;
const knownKeys = 20 * million;
const seconds = 5;
const inFlight = 256;
const destinations = Array.from({ length: 8 }, (_, index) => `${namespaceUid}/fn-${index}/trigger:t`);
const body = new Uint8Array(1024).fill(65);
const disk = { ...defaultDisk, reserveBytes: 0 };
const unlimited = { waitingRows: 1e12, waitingBytes: 1e15, keyValueBytes: 1e15 };

let made = 0;
const run = Date.now().toString(36);

/** An event of 1 KiB. */
function bare(): AppendItem {
  made += 1;
  const id = `c${run}-${made.toString(36)}`;
  return {
    event: {
      id,
      namespaceUid,
      type: 'com.github.push',
      source: '/bench',
      attributes: '{"name":"push"}',
      body: body.slice(),
    },
    deliveries: [{ destination: destinations[made % destinations.length] as string }],
  };
}

/** With a delivery id that nobody has used. */
function item(): AppendItem {
  const appended = bare();
  return { ...appended, duplicate: { endpoint: 'bench', key: appended.event.id, windowMs: 72 * 3_600_000 } };
}

async function withStore<Value>(path: string, work: (store: Store) => Promise<Value>): Promise<Value> {
  const opened = await openStore({ path, disk, onLost: failOnLost });
  try {
    const store = opened.connect();
    await store.setQuotas({ all: unlimited, byNamespace: {} });
    return await work(store);
  } finally {
    await opened.close();
  }
}

interface Rate {
  readonly perSecond: number;
  /** Of this process for each, caller and store together: it says more than the rate on a machine that is not idle. */
  readonly cpuMicros: number;
}

/** Each waits for its answer, as senders do. */
async function appendRate(store: Store): Promise<Rate> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const until = began + seconds * 1000;
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      await store.append([item()]);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / ((performance.now() - began) / 1000), cpuMicros: (user + system) / count };
}

const said = ({ perSecond, cpuMicros }: Rate): string =>
  `${Math.round(perSecond)}/s at ${cpuMicros.toFixed(0)} µs of CPU time each`;

/** Appends go on while what was appended is leased and settled. */
async function cycleRate(store: Store): Promise<number> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let waiting = 0;
  let settled = 0;
  const append = async (): Promise<void> => {
    while (performance.now() < until) {
      if (waiting > 2000) await new Promise((resolve) => setImmediate(resolve));
      else {
        waiting += 1;
        await store.append([item()]);
      }
    }
  };
  const settle = async (): Promise<void> => {
    while (performance.now() < until) {
      const leases = await store.lease(
        destinations.map((destination) => ({ destination, max: 16 })),
        30_000,
      );
      await Promise.all(leases.map(({ receipt }) => store.settle([{ receipt, ending: { kind: 'done' } }])));
      settled += leases.length;
      waiting -= leases.length;
    }
  };
  await Promise.all([...Array.from({ length: 64 }, append), settle(), settle()]);
  return settled / ((performance.now() - began) / 1000);
}

const clock = { wall: () => Date.now(), monotonic: () => performance.now() };

/** One operation in a turn of its own, without the sync of its commit. */
function inTurn<Value>(
  owner: SqliteOwner,
  work: (store: SqliteStore) => Value,
): { readonly value: Value; readonly ms: number } {
  let result: { readonly value: Value; readonly ms: number } | undefined;
  owner.turn([
    {
      run(store) {
        const began = performance.now();
        const value = work(store);
        result = { value, ms: performance.now() - began };
      },
      done: () => undefined,
      failed: failOnLost,
    },
  ]);
  if (result === undefined) throw new Error('the turn did not run');
  return result;
}

async function backlog(folder: string, empty: Rate, progress: (line: string) => void): Promise<Measure[]> {
  const path = join(folder, 'waiting.db');
  progress('a million rows that wait for one destination');
  await fillWithWaiting(path, million);
  const began = performance.now();
  const opened = await openStore({ path, disk, onLost: failOnLost });
  const startMs = performance.now() - began;
  await opened.close();
  const rate = await withStore(path, appendRate);
  const owner = openSqliteStore({ path, disk, retention: defaultRetention }, clock);
  const leaseMs = (destination: (index: number) => string): number[] =>
    Array.from(
      { length: 100 },
      (_, index) => inTurn(owner, (store) => store.lease([{ destination: destination(index), max: 1 }], 30_000)).ms,
    );
  const own = leaseMs(() => blocked);
  const others = leaseMs((index) => `${namespaceUid}/other-${index}/trigger:t`);
  owner.close();
  return [
    { name: 'a million waiting: start', value: startMs, unit: 'ms', goal: { compare: '<=', value: 2000 } },
    {
      name: 'a million waiting: appends against none',
      value: rate.perSecond / empty.perSecond,
      unit: '×',
      goal: { compare: '>=', value: 0.8 },
      note: said(rate),
    },
    {
      name: 'a million waiting: lease of one of them, p50',
      value: quantile(own, 0.5),
      unit: 'ms',
      goal: { compare: '<=', value: 0.1 },
    },
    {
      name: 'a million blocked: lease for another destination, p50',
      value: quantile(others, 0.5),
      unit: 'ms',
      goal: { compare: '<=', value: 0.1 },
    },
  ];
}

/** A million events through every state, trimmed at once. */
function sizeAfterMillion(folder: string, progress: (line: string) => void): Measure[] {
  const path = join(folder, 'trimmed.db');
  const retention = { ...defaultRetention, settledMs: 0 };
  const owner = openSqliteStore({ path, disk, retention }, clock);
  const batch = 500;
  const wishes = destinations.map((destination) => ({ destination, max: batch }));
  let largest = 0;
  let largestLog = 0;
  progress('a million events of 1 KiB: appended, leased, settled, trimmed');
  for (let done = 0; done < million; done += batch) {
    inTurn(owner, (store) => {
      store.append(Array.from({ length: batch }, bare));
      const leases = store.lease(wishes, 30_000);
      return store.settle(leases.map(({ receipt }) => ({ receipt, ending: { kind: 'done' } })));
    });
    owner.idle();
    owner.idle();
    largest = Math.max(largest, statSync(path).size);
    largestLog = Math.max(largestLog, statSync(`${path}-wal`).size);
  }
  owner.tick();
  while (owner.idle());
  const { value } = inTurn(owner, (store) => ({ counts: store.counts(), usage: store.usage(namespaceUid) }));
  const size = statSync(path).size;
  owner.close();
  const { counts, usage } = value;
  if (counts.gap !== 0 || counts.byState.done !== million)
    throw new Error(`counts do not add up: ${JSON.stringify(counts)}`);
  return [
    {
      name: 'a million settled and trimmed: database',
      value: size / 1024 ** 2,
      unit: 'MB',
      goal: { compare: '<=', value: 64 },
      note: `at most ${Math.round(largest / 1024 ** 2)} MB meanwhile, log at most ${Math.round(largestLog / 1024 ** 2)} MB; ${usage.endedRows} rows kept`,
    },
  ];
}

async function measure(progress: (line: string) => void): Promise<readonly (Measure | Unmeasured)[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-bench-'));
  try {
    progress('appends into an empty database');
    const empty = await withStore(join(folder, 'empty.db'), appendRate);
    progress(`${said(empty)}; full cycles`);
    const cycles = await withStore(join(folder, 'cycles.db'), cycleRate);
    progress(`${Math.round(cycles)}/s`);
    const keys = await databaseOfKeys(knownKeys, progress);
    progress('appends beside 20 million known delivery ids');
    const known = await withStore(keys, appendRate);
    progress(said(known));
    const keysMb = statSync(keys).size / 1024 ** 2;
    return [
      {
        name: 'appends, synced, empty index',
        value: empty.perSecond,
        unit: '/s',
        goal: { compare: '>=', value: 14_000 },
        note: `1 KiB, ${inFlight} in flight; ${said(empty)}`,
      },
      {
        name: 'appends, synced, 20 million known ids',
        value: known.perSecond,
        unit: '/s',
        goal: { compare: '>=', value: 10_000 },
        note: `${said(known)}; a file of ${Math.round(keysMb)} MB`,
      },
      {
        name: 'full cycles: append, lease, settle',
        value: cycles,
        unit: '/s',
        goal: { compare: '>=', value: 6000 },
        note: 'without the call itself',
      },
      ...(await backlog(folder, empty, progress)),
      ...sizeAfterMillion(folder, progress),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const suite: Suite = { name: 'The embedded store', run: measure };
