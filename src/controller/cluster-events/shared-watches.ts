/** Watches of collections as somebody: one for all triggers that want the same, looked after while anybody wants it. */
import type { Logger } from '../../telemetry/logger.ts';
import type { Clock } from '../clock.ts';
import type { KubeFailure } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject, ObjectChange } from '../kube-object.ts';
import { createCopyBudget, defaultBytesPerNamespace, pageSize } from './copy-budget.ts';
import { requestOf, selectorsOf, type Collection } from '../list-pages.ts';
import { startReflector, type Reflector, type ReflectorTiming } from '../reflector.ts';
import type { WatchedText } from './watched-object.ts';

export interface WatchListener {
  /** The copy holds them already. */
  onChanges(changes: readonly ObjectChange<WatchedText>[]): void;
  /** Synced, failed or well again. */
  onState(): void;
  /** Versions do not go forward any more: history was taken back, or the copy was wrong. */
  onHistory(): void;
}

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

/** An open watch lives on when the right to it is taken away (kubernetes/kubernetes#51130): it is asked for again so often. */
export const recheckMs = 60_000;

interface Watch {
  readonly collection: Collection;
  readonly keep: (object: KubeObject) => WatchedText;
  readonly listeners: Set<WatchListener>;
  reflector: Reflector<WatchedText>;
  /** Text of the objects in the copy, and of the list that is being read. */
  bytes: number;
  listing: number;
  /** Set by the check of rights, until the reflector that was started then says something. */
  refusal: KubeFailure | undefined;
  readonly over: AbortController;
}

const unstarted: Reflector<WatchedText> = {
  objects: new Map(),
  synced: false,
  lastHeardAt: undefined,
  failure: undefined,
  stop: () => Promise.resolve(),
};

/** In place of a copy that there may not be. */
const refused = (failure: KubeFailure): Reflector<WatchedText> => ({ ...unstarted, failure });

export function createSharedWatches(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing?: ReflectorTiming;
  readonly recheckMs?: number;
  /** Text of objects that the accounts of one namespace may have copied. */
  readonly bytesPerNamespace?: number;
}): SharedWatches {
  const { client, clock, log, timing } = options;
  const watches = new Map<string, Watch>();
  const ending = new Set<Promise<void>>();
  const restarts: Record<string, number> = {};
  const budget = createCopyBudget(options.bytesPerNamespace ?? defaultBytesPerNamespace);

  /** The client for a watch: lists take turns, and end where the copy would be too large. */
  function boundedClient(watch: Watch): KubeClient {
    const account = watch.collection.impersonate;
    return {
      ...client,
      request: (request) => {
        if (request.query?.['continue'] === undefined) watch.listing = 0;
        return budget.inTurn(async () => {
          const refusal = budget.refuse(account, watch.listing - watch.bytes);
          return (
            refusal ??
            client.request({
              ...request,
              query: { ...request.query, limit: Math.min(pageSize, Number(request.query?.['limit'] ?? pageSize)) },
            })
          );
        });
      },
    };
  }

  /** Keeps count of the copy; a watch whose copy has become too large begins again, with a list that is refused. */
  function count(watch: Watch, changes: readonly ObjectChange<WatchedText>[]): void {
    let grown = 0;
    for (const change of changes) {
      grown += change.kind === 'set' ? change.object.text.length : 0;
      grown -= (change.kind === 'set' ? change.previous : change.object)?.text.length ?? 0;
    }
    watch.bytes += grown;
    budget.change(watch.collection.impersonate, grown);
  }

  function forget(watch: Watch): void {
    budget.change(watch.collection.impersonate, -watch.bytes);
    watch.bytes = 0;
    watch.listing = 0;
  }

  function reflect(watch: Watch): Reflector<WatchedText> {
    const { collection, keep, listeners } = watch;
    const tell = (say: (listener: WatchListener) => void): void => {
      for (const listener of listeners) say(listener);
    };
    return startReflector<WatchedText>({
      client: boundedClient(watch),
      clock,
      collection,
      keep: (object) => {
        const kept = keep(object);
        watch.listing += kept.text.length;
        return kept;
      },
      ...(timing === undefined ? {} : { timing }),
      listener: {
        onChanges: (changes) => {
          count(watch, changes);
          tell((listener) => listener.onChanges(changes));
          const refusal = budget.refuse(collection.impersonate, 0);
          if (refusal !== undefined) startAgain(watch, refusal);
        },
        onSynced: () => tell((listener) => listener.onState()),
        onFailure: ({ status, message }) => {
          log.debug('a watch for functions failed', {
            path: collection.path,
            as: collection.impersonate,
            status,
            error: message,
          });
          tell((listener) => listener.onState());
        },
        onRestart: (reason) => {
          restarts[reason] = (restarts[reason] ?? 0) + 1;
          if (reason === 'rewound') tell((listener) => listener.onHistory());
        },
        onDrift: (objects) => {
          log.error('the copy of a collection had drifted', { path: collection.path, objects });
          tell((listener) => listener.onHistory());
        },
        onFault: (error) =>
          log.error('a listener of a watch failed', { error: error instanceof Error ? error.stack : String(error) }),
      },
    });
  }

  /** Rights are looked at while the watch is open; without them it ends, and its copy with it. */
  async function lookAtRights(watch: Watch): Promise<void> {
    const { signal } = watch.over;
    for (;;) {
      await clock.sleep((options.recheckMs ?? recheckMs) * (0.8 + 0.4 * clock.random()), signal);
      if (signal.aborted) return;
      if (watch.reflector.failure?.status === 413) {
        const old = watch.reflector;
        watch.reflector = reflect(watch);
        end(old);
        continue;
      }
      if (watch.reflector.failure !== undefined) continue;
      const answer = await client.request({
        ...requestOf(watch.collection, signal),
        query: { ...selectorsOf(watch.collection), limit: 1 },
      });
      if (answer.ok || (answer.status !== 403 && answer.status !== 401) || signal.aborted) continue;
      startAgain(watch, answer);
    }
  }

  /** Ends a watch with its copy; one that was too large is tried again when rights are looked at. */
  function startAgain(watch: Watch, refusal: KubeFailure): void {
    const old = watch.reflector;
    watch.refusal = refusal;
    forget(watch);
    watch.reflector = refusal.status === 413 ? refused(refusal) : reflect(watch);
    for (const listener of watch.listeners) listener.onState();
    end(old);
  }

  function end(reflector: Reflector<WatchedText>): void {
    const ended = reflector.stop().finally(() => ending.delete(ended));
    ending.add(ended);
  }

  function open(collection: Collection, keep: (object: KubeObject) => WatchedText): Watch {
    const listeners = new Set<WatchListener>();
    const over = new AbortController();
    const watch: Watch = {
      collection,
      keep,
      listeners,
      reflector: unstarted,
      bytes: 0,
      listing: 0,
      refusal: undefined,
      over,
    };
    watch.reflector = reflect(watch);
    void lookAtRights(watch);
    return watch;
  }

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
          used.over.abort();
          forget(used);
          end(used.reflector);
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
      for (const { over, reflector } of watches.values()) {
        over.abort();
        end(reflector);
      }
      watches.clear();
      await Promise.all(ending);
    },
  };
}
