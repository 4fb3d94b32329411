/**
 * Keeps a copy of a collection: list, watch, go on from the last version after any error, list again where that is not
 * possible. One serial reader; whoever listens only takes note and works elsewhere.
 */
import { createBackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import type { KubeFailure } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import { diffObjects, isRewound, type KubeObject, type ObjectChange } from './kube-object.ts';
import { currentVersion, listPages, type Collection } from './list-pages.ts';
import { watchOnce, type WatchEnd, type WatchEvent } from './watch-once.ts';

export interface ReflectorTiming {
  readonly backOff: { readonly leastMs: number; readonly mostMs: number };
  /** A watch that lived so long ends the back-off. */
  readonly goodMs: number;
  /** Bounds of what the server is asked for. */
  readonly watchMs: { readonly least: number; readonly most: number };
  /** Bounds of how long a watch may say nothing: bookmarks come about every minute. */
  readonly stallMs: { readonly least: number; readonly most: number };
  /** The copy is compared with a list so often. */
  readonly relistMs: number;
}

export const reflectorTiming: ReflectorTiming = {
  backOff: { leastMs: 800, mostMs: 30_000 },
  goodMs: 120_000,
  watchMs: { least: 300_000, most: 600_000 },
  stallMs: { least: 70_000, most: 75_000 },
  relistMs: 3_600_000,
};

/** Why a watch was opened anew. */
export type RestartReason = 'ended' | 'stalled' | 'expired' | 'rewound' | 'failed';

export interface ReflectorListener<Item> {
  /** In order, and the copy holds them already. `arrivedAt`: when the line or list came, by the clock. */
  onChanges(changes: readonly ObjectChange<Item>[], arrivedAt: number): void;
  /** The first whole list has been taken. */
  onSynced(): void;
  onRestart?(reason: RestartReason): void;
  /** The copy differed from what the API server had at that version: so many objects. Never, unless something is broken. */
  onDrift?(objects: number): void;
  onFailure?(failure: KubeFailure): void;
  /** A listener threw; the reflector goes on. */
  onFault(error: unknown): void;
}

export interface Reflector<Item> {
  /** By uid. */
  readonly objects: ReadonlyMap<string, Item>;
  readonly synced: boolean;
  /** When the API server last said anything on the watch, by the clock; undefined: not yet. */
  readonly lastHeardAt: number | undefined;
  /** The failure it waits after; undefined: it is well. */
  readonly failure: KubeFailure | undefined;
  stop(): Promise<void>;
}

export interface ReflectorOptions<Item> {
  readonly client: KubeClient;
  readonly collection: Collection;
  /** What is kept of an object. */
  keep(object: KubeObject): Item;
  readonly listener: ReflectorListener<Item>;
  readonly clock: Clock;
  readonly timing?: ReflectorTiming;
}

/** Starts at once. */
export function startReflector<Item extends KubeObject>(options: ReflectorOptions<Item>): Reflector<Item> {
  const { client, collection, keep, listener, clock, timing = reflectorTiming } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const backOff = createBackOff(timing.backOff, clock.random);
  const objects = new Map<string, Item>();
  let version: string | undefined;
  /** Where it stood when it had to begin again. */
  let lastVersion: string | undefined;
  let mayBeRewound = false;
  let synced = false;
  let lastHeardAt: number | undefined;
  let failure: KubeFailure | undefined;
  let comparedAt = clock.now();
  /** Watches in a row that were too old from their start. */
  let expiries = 0;

  function tell(say: () => void): void {
    try {
      say();
    } catch (error) {
      listener.onFault(error);
    }
  }

  function take(changes: readonly ObjectChange<Item>[]): void {
    if (changes.length === 0) return;
    for (const { kind, object } of changes) {
      if (kind === 'set') objects.set(object.metadata.uid, object);
      else objects.delete(object.metadata.uid);
    }
    const arrivedAt = clock.now();
    tell(() => listener.onChanges(changes, arrivedAt));
  }

  function onEvent(event: WatchEvent): void {
    lastHeardAt = clock.now();
    if (event.kind === 'bookmark') {
      version = event.version;
      return;
    }
    const object = keep(event.object);
    version = object.metadata.resourceVersion;
    const previous = objects.get(object.metadata.uid);
    take([event.kind === 'set' ? { kind: 'set', object, previous } : { kind: 'delete', object }]);
  }

  async function fail(found: KubeFailure): Promise<void> {
    failure = found;
    tell(() => listener.onFailure?.(found));
    await clock.sleep(backOff.next(found.retryAfterMs), signal);
  }

  async function list(): Promise<void> {
    const listed = await listPages(client, collection, { keep, signal });
    if (signal.aborted) return;
    if (!listed.ok) return fail(listed);
    failure = undefined;
    version = listed.version;
    lastHeardAt = clock.now();
    comparedAt = clock.now();
    if (lastVersion !== undefined && isRewound(version, lastVersion)) tell(() => listener.onRestart?.('rewound'));
    lastVersion = version;
    take(diffObjects(objects, listed.objects));
    if (synced) return;
    synced = true;
    tell(() => listener.onSynced());
  }

  /** The copy against the list at the very version it stands at. */
  async function compare(): Promise<void> {
    comparedAt = clock.now();
    const listed = await listPages(client, collection, { keep, signal, exactly: version });
    if (signal.aborted) return;
    if (!listed.ok) {
      // Too old to be had exactly: what differs from now on is no drift, and the watch goes on from where it is.
      if (listed.status !== 410) await fail(listed);
      return;
    }
    const drift = diffObjects(objects, listed.objects);
    if (drift.length > 0) tell(() => listener.onDrift?.(drift.length));
    take(drift);
  }

  /** A watch from a version that the server never had answers and stays silent for ever. */
  async function checkRewound(): Promise<void> {
    const current = await currentVersion(client, collection, signal);
    if (signal.aborted) return;
    if (!current.ok) return fail(current);
    mayBeRewound = false;
    if (version === undefined || !isRewound(current.version, version)) return;
    // The list that follows tells that history was taken back.
    lastVersion = version;
    version = undefined;
  }

  async function watch(from: string): Promise<void> {
    const { watchMs, stallMs } = timing;
    const end = await watchOnce({
      client,
      collection,
      clock,
      version: from,
      serverTimeoutMs: between(watchMs, clock.random()),
      stallMs: between(stallMs, clock.random()),
      mostMs: Math.max(0, comparedAt + timing.relistMs - clock.now()),
      signal,
      onOpen: () => {
        failure = undefined;
        lastHeardAt = clock.now();
      },
      onEvent,
    });
    await afterWatch(end);
  }

  async function afterWatch(end: WatchEnd): Promise<void> {
    if (end.kind === 'stopped') return;
    if (end.kind === 'due') return compare();
    if (end.livedMs >= timing.goodMs) backOff.reset();
    tell(() => listener.onRestart?.(end.kind));
    if (end.kind === 'expired') {
      lastVersion = version;
      version = undefined;
      // The first time at once: it is what a long absence looks like.
      if (expiries > 0) await clock.sleep(backOff.next(), signal);
      expiries += 1;
      return;
    }
    expiries = 0;
    if (end.kind === 'failed') await fail(end.failure);
    // A server that ends every watch at once is not asked in a circle.
    else if (end.livedMs < timing.backOff.leastMs) await clock.sleep(backOff.next(), signal);
    if (end.kind !== 'ended' || end.lines === 0) mayBeRewound = true;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      if (version === undefined) await list();
      // Not before it is known: who watches from a future that did not happen hears nothing.
      else if (mayBeRewound) await checkRewound();
      else await watch(version);
    }
  }

  const running = run().catch((error: unknown) => listener.onFault(error));
  return {
    objects,
    get synced() {
      return synced;
    },
    get lastHeardAt() {
      return lastHeardAt;
    },
    get failure() {
      return failure;
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

function between({ least, most }: { readonly least: number; readonly most: number }, chance: number): number {
  return least + (most - least) * chance;
}
