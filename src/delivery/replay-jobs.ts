/**
 * Replays: expanded a page at a time, their deliveries behind live traffic. What is left to do stands in the store, so that
 * a restart goes on and another process can stop it; a repeat with the same generation is the same replay.
 */
import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../failures/error-message.ts';
import type { DeliveryFilter, Store } from '../store/store.ts';
import type { KeyValueScope } from '../store/types.ts';
import { cancelDeliveries } from './cancel-deliveries.ts';

export interface ReplayOrder {
  readonly filter: DeliveryFilter;
  /** Chosen by whoever asks, to ask again for the same replay; of two replays the later one's is larger. */
  readonly generation: number;
  /** Another destination than the original ones. */
  readonly to?: string;
}

export interface ReplayStatus {
  readonly generation: number;
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  /** Deliveries that run again because of it. */
  readonly created: number;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly error?: string;
}

/** Without a number of its own, which is then a new one above `above`. */
export type ReplayWish = Omit<ReplayOrder, 'generation'> &
  ({ readonly generation: number } | { readonly above: number });

export type ReplayAnswer =
  | { readonly ok: true; readonly status: ReplayStatus }
  | { readonly ok: false; readonly message: string };

export interface ReplayJobs {
  /** Starts, or answers how the replay of that generation is doing. */
  start(wish: ReplayWish): Promise<ReplayAnswer>;
  status(namespaceUid: string, generation: number): Promise<ReplayStatus | undefined>;
  /** Stops it and cancels what of it waits; answers how many, undefined if there is no such replay. */
  cancel(namespaceUid: string, generation: number): Promise<number | undefined>;
  /** Goes on with what a former process left. */
  resume(namespaceUids: Iterable<string>): Promise<void>;
  /** Stops where it is; the next process goes on. */
  close(): Promise<void>;
}

interface Job extends ReplayOrder {
  readonly status: ReplayStatus;
  /** The last delivery that was looked at. */
  readonly after: number;
}

/** 32 bits: what every store keeps. */
export const largestGeneration = 2 ** 31 - 1;
/** Numbers that nobody chose are seconds since then: they rise, and last until 2093. */
const generationEpoch = Date.UTC(2025, 0, 1);

const pageSize = 200;
/** Longer than events are kept to be asked about. */
const keepMs = 8 * 86_400_000;
/** No function's name holds a colon. */
const scopeOf = (namespaceUid: string): KeyValueScope => ({ namespaceUid, space: 'replay:jobs' });
const keyOf = (generation: number): string => String(generation).padStart(12, '0');

/** `now`: wall clock. `pause` lets others go first between two pages. */
export function createReplayJobs(options: {
  readonly store: Store;
  now(): number;
  pause(): Promise<void>;
}): ReplayJobs {
  const { store, now, pause } = options;
  const running = new Map<string, Promise<void>>();
  /** The last number given out here: several replays within a second are several. */
  let given = 0;
  let closed = false;

  async function load(
    namespaceUid: string,
    generation: number,
  ): Promise<{ readonly job: Job; readonly version: number } | undefined> {
    const row = await store.get(scopeOf(namespaceUid), keyOf(generation));
    if (row === undefined) return undefined;
    return { job: JSON.parse(Buffer.from(row.value).toString('utf8')) as Job, version: row.version };
  }

  /** False: somebody else has written it since `version` (0: it was not there). */
  async function save(job: Job, version: number): Promise<boolean> {
    const scope = scopeOf(job.filter.namespaceUid);
    const key = keyOf(job.generation);
    const value = Buffer.from(JSON.stringify(job));
    const written = await store.write(
      [{ scope, key, change: { kind: 'set', value, ttlMs: keepMs } }],
      [{ scope, key, version }],
    );
    return written.kind === 'ok';
  }

  /** One page; false: nothing is left, or it is somebody else's now. */
  async function expandPage(namespaceUid: string, generation: number): Promise<boolean> {
    const loaded = await load(namespaceUid, generation);
    if (closed || loaded === undefined || loaded.job.status.state !== 'running') return false;
    const { job, version } = loaded;
    const rows = await store.read({ ...job.filter, latest: true }, { limit: pageSize, after: job.after });
    const deliveries = rows.map(({ delivery }) => delivery);
    const { states } = job.filter;
    const chosen = { namespaceUid, deliveries, ...(states === undefined ? {} : { states }) };
    const created = deliveries.length === 0 ? 0 : await store.replay(chosen, generation, job.to);
    const more = rows.length === pageSize;
    const status: ReplayStatus = {
      ...job.status,
      created: job.status.created + created,
      state: more ? 'running' : 'done',
    };
    const saved = await save({ ...job, status, after: deliveries.at(-1) ?? job.after }, version);
    return saved && more;
  }

  async function fail(namespaceUid: string, generation: number, error: unknown): Promise<void> {
    const loaded = await load(namespaceUid, generation);
    if (loaded?.job.status.state !== 'running') return;
    const message = errorMessage(error);
    await save({ ...loaded.job, status: { ...loaded.job.status, state: 'failed', error: message } }, loaded.version);
  }

  function run(namespaceUid: string, generation: number): void {
    const name = `${namespaceUid} ${generation}`;
    if (running.has(name) || closed) return;
    const expanded = (async (): Promise<void> => {
      try {
        while (await expandPage(namespaceUid, generation)) await pause();
      } catch (error) {
        // A store that cannot even keep this answers nobody; the next process goes on from the last page.
        await fail(namespaceUid, generation, error).catch(() => undefined);
      } finally {
        running.delete(name);
      }
    })();
    running.set(name, expanded);
  }

  async function begin(order: ReplayOrder): Promise<ReplayAnswer> {
    const { filter, generation, to } = order;
    const fresh: Job = {
      ...order,
      after: 0,
      status: { generation, state: 'running', created: 0, started: now() },
    };
    for (;;) {
      const known = await load(filter.namespaceUid, generation);
      if (known !== undefined) {
        const same = isDeepStrictEqual([known.job.filter, known.job.to], [plain(filter), to]);
        if (!same) return { ok: false, message: `generation ${generation} is of another replay: choose another` };
        if (known.job.status.state !== 'failed') {
          run(filter.namespaceUid, generation);
          return { ok: true, status: known.job.status };
        }
      }
      const { error: _, ...rest } = known?.job.status ?? fresh.status;
      const job: Job = { ...(known?.job ?? fresh), status: { ...rest, state: 'running' } };
      if (!(await save(job, known?.version ?? 0))) continue;
      run(filter.namespaceUid, generation);
      return { ok: true, status: job.status };
    }
  }

  async function beginAbove(wish: Omit<ReplayOrder, 'generation'>, above: number): Promise<ReplayAnswer> {
    const { namespaceUid } = wish.filter;
    for (;;) {
      const generation = Math.max(Math.floor((now() - generationEpoch) / 1000), above + 1, given + 1);
      if (generation > largestGeneration) {
        return { ok: false, message: `no number is left above that of replay ${above}` };
      }
      given = generation;
      // Another process may have given it out, before or at this moment.
      if ((await load(namespaceUid, generation)) !== undefined) continue;
      const begun = await begin({ ...wish, generation });
      if (begun.ok) return begun;
    }
  }

  return {
    start(wish) {
      if ('generation' in wish) return begin(wish);
      const { above, ...rest } = wish;
      return beginAbove(rest, above);
    },
    status: async (namespaceUid, generation) => (await load(namespaceUid, generation))?.job.status,
    async cancel(namespaceUid, generation) {
      for (;;) {
        const loaded = await load(namespaceUid, generation);
        if (loaded === undefined) return undefined;
        const { job, version } = loaded;
        const unfinished = job.status.state === 'running' || job.status.state === 'failed';
        if (unfinished && !(await save({ ...job, status: { ...job.status, state: 'cancelled' } }, version))) continue;
        // A page may be under way: its deliveries are cancelled, too.
        await running.get(`${namespaceUid} ${generation}`);
        const { eventId, destination, destinationPrefix } = job.filter;
        return await cancelDeliveries(store, {
          namespaceUid,
          generation,
          ...(eventId === undefined ? {} : { eventId }),
          ...(job.to !== undefined ? { destination: job.to } : destination === undefined ? {} : { destination }),
          ...(job.to !== undefined || destinationPrefix === undefined ? {} : { destinationPrefix }),
        });
      }
    },
    async resume(namespaceUids) {
      for (const namespaceUid of namespaceUids) {
        for (const key of await store.list(scopeOf(namespaceUid), '', 1000)) {
          const loaded = await load(namespaceUid, Number(key));
          if (loaded?.job.status.state === 'running') run(namespaceUid, Number(key));
        }
      }
    },
    async close() {
      closed = true;
      await Promise.all(running.values());
    },
  };
}

/** As it comes back from JSON: without members that are undefined. */
function plain(filter: DeliveryFilter): unknown {
  return JSON.parse(JSON.stringify(filter));
}
