/** Watches of collections as somebody: one for all triggers that want the same, looked after while anybody wants it. */
import type { Logger } from '../../telemetry/logger.ts';
import type { Clock } from '../clock.ts';
import type { KubeFailure } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject } from '../kube-object.ts';
import type { Collection } from '../list-pages.ts';
import type { ReflectorTiming } from '../reflector.ts';
import { createCopyBudget, defaultBytesPerNamespace } from './copy-budget.ts';
import { watchCollection, type CollectionWatch, type WatchListener } from './watch-collection.ts';
import type { WatchedText } from './watched-object.ts';

export interface WatchUse {
  readonly collection: Collection;
  /** By uid. */
  readonly objects: ReadonlyMap<string, WatchedText>;
  /** The copy is whole and may be used: it is not while the API server refuses the account. */
  readonly usable: boolean;
  readonly failure: KubeFailure | undefined;
  release(): void;
}

export interface SharedWatches {
  /** `keep` must be the same for the same collection. */
  use(collection: Collection, keep: (object: KubeObject) => WatchedText, listener: WatchListener): WatchUse;
  readonly stats: {
    readonly watches: number;
    readonly objects: number;
    readonly restarts: Readonly<Record<string, number>>;
  };
  close(): Promise<void>;
}

export function createSharedWatches(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing?: ReflectorTiming;
  readonly recheckMs?: number;
  /** Text of objects that the accounts of one namespace may have copied. */
  readonly bytesPerNamespace?: number;
}): SharedWatches {
  const watches = new Map<string, CollectionWatch>();
  const ending = new Set<Promise<void>>();
  const restarts: Record<string, number> = {};
  const budget = createCopyBudget(options.bytesPerNamespace ?? defaultBytesPerNamespace);

  const open = (collection: Collection, keep: (object: KubeObject) => WatchedText): CollectionWatch =>
    watchCollection({
      ...options,
      collection,
      keep,
      budget,
      onRestart: (reason) => (restarts[reason] = (restarts[reason] ?? 0) + 1),
      onEnding: (stopping) => {
        const ended = stopping.finally(() => ending.delete(ended));
        ending.add(ended);
      },
    });

  return {
    use(collection, keep, listener) {
      const key = JSON.stringify([
        collection.impersonate,
        collection.path,
        collection.labelSelector,
        collection.fieldSelector,
        collection.metadataOnly,
      ]);
      let watch = watches.get(key);
      if (watch === undefined) watches.set(key, (watch = open(collection, keep)));
      const used = watch;
      used.listeners.add(listener);
      let released = false;
      return {
        collection,
        get objects() {
          return used.reflector.objects;
        },
        get usable() {
          const { synced, failure } = used.reflector;
          return synced && ![401, 403, 413].includes(failure?.status ?? 0);
        },
        get failure() {
          const { synced, failure } = used.reflector;
          return failure ?? (synced ? undefined : used.refusal);
        },
        release() {
          if (released) return;
          released = true;
          used.listeners.delete(listener);
          if (used.listeners.size > 0) return;
          watches.delete(key);
          used.close();
        },
      };
    },
    get stats() {
      const all = [...watches.values()];
      return {
        watches: all.length,
        objects: all.reduce((sum, { reflector }) => sum + reflector.objects.size, 0),
        restarts,
      };
    },
    async close() {
      for (const watch of watches.values()) watch.close();
      watches.clear();
      await Promise.all(ending);
    },
  };
}
