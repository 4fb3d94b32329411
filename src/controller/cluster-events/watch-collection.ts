/** One watch of a collection as somebody: its copy within what the namespace may hold, its rights looked at while it is open. */
import type { Logger } from '../../telemetry/logger.ts';
import type { Clock } from '../clock.ts';
import type { KubeFailure } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject, ObjectChange } from '../kube-object.ts';
import { requestOf, selectorsOf, type Collection } from '../list-pages.ts';
import { startReflector, type Reflector, type ReflectorTiming } from '../reflector.ts';
import { pageSize, type CopyBudget } from './copy-budget.ts';
import type { WatchedText } from './watched-object.ts';

export interface WatchListener {
  /** The copy holds them already. */
  onChanges(changes: readonly ObjectChange<WatchedText>[]): void;
  /** Synced, failed or well again. */
  onState(): void;
  /** Versions do not go forward any more: history was taken back, or the copy was wrong. */
  onHistory(): void;
}

export interface CollectionWatch {
  readonly listeners: Set<WatchListener>;
  readonly reflector: Reflector<WatchedText>;
  /** Set by the check of rights, until the reflector that was started then says something. */
  readonly refusal: KubeFailure | undefined;
  /** Gives back what its copy held; the reflector ends soon after. */
  close(): void;
}

export interface CollectionWatchOptions {
  readonly collection: Collection;
  readonly keep: (object: KubeObject) => WatchedText;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing?: ReflectorTiming;
  readonly recheckMs?: number;
  readonly budget: CopyBudget;
  onRestart(reason: string): void;
  /** A reflector of it is stopping. */
  onEnding(ended: Promise<void>): void;
}

/** An open watch lives on when the right to it is taken away (kubernetes/kubernetes#51130): it is asked for again so often. */
export const recheckMs = 60_000;

/** In place of a copy that there may not be. */
const refused = (failure: KubeFailure): Reflector<WatchedText> => ({
  objects: new Map(),
  synced: false,
  lastHeardAt: undefined,
  failure,
  stop: () => Promise.resolve(),
});

export function watchCollection(options: CollectionWatchOptions): CollectionWatch {
  const { collection, keep, client, clock, log, timing, budget } = options;
  const account = collection.impersonate;
  const listeners = new Set<WatchListener>();
  const over = new AbortController();
  /** Text of the objects in the copy, and of the list that is being read. */
  let [bytes, listing] = [0, 0];
  let refusal: KubeFailure | undefined;

  /** Lists take turns, and end where the copy would be too large. */
  const bounded: KubeClient = {
    ...client,
    request: (request) => {
      if (request.query?.['continue'] === undefined) listing = 0;
      return budget.inTurn(async () => {
        const limit = Math.min(pageSize, Number(request.query?.['limit'] ?? pageSize));
        return (
          budget.refuse(account, listing - bytes) ?? client.request({ ...request, query: { ...request.query, limit } })
        );
      });
    },
  };

  /** Keeps count of the copy; a watch whose copy has become too large begins again, with a list that is refused. */
  function count(changes: readonly ObjectChange<WatchedText>[]): void {
    let grown = 0;
    for (const change of changes) {
      grown += change.kind === 'set' ? change.object.text.length : 0;
      grown -= (change.kind === 'set' ? change.previous : change.object)?.text.length ?? 0;
    }
    bytes += grown;
    budget.change(account, grown);
  }

  function forget(): void {
    budget.change(account, -bytes);
    [bytes, listing] = [0, 0];
  }

  const tell = (say: (listener: WatchListener) => void): void => {
    for (const listener of listeners) say(listener);
  };

  const reflect = (): Reflector<WatchedText> =>
    startReflector<WatchedText>({
      client: bounded,
      clock,
      collection,
      keep: (object) => {
        const kept = keep(object);
        listing += kept.text.length;
        return kept;
      },
      ...(timing === undefined ? {} : { timing }),
      listener: {
        onChanges: (changes) => {
          count(changes);
          tell((listener) => listener.onChanges(changes));
          const tooLarge = budget.refuse(account, 0);
          if (tooLarge !== undefined) startAgain(tooLarge);
        },
        onSynced: () => tell((listener) => listener.onState()),
        onFailure: ({ status, message }) => {
          log.debug('a watch for functions failed', { path: collection.path, as: account, status, error: message });
          tell((listener) => listener.onState());
        },
        onRestart: (reason) => {
          options.onRestart(reason);
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

  /** Ends a watch with its copy; one that was too large is tried again when rights are looked at. */
  function startAgain(failure: KubeFailure): void {
    const old = reflector;
    refusal = failure;
    forget();
    reflector = failure.status === 413 ? refused(failure) : reflect();
    tell((listener) => listener.onState());
    options.onEnding(old.stop());
  }

  /** Rights are looked at while the watch is open; without them it ends, and its copy with it. */
  async function lookAtRights(): Promise<void> {
    const { signal } = over;
    for (;;) {
      await clock.sleep((options.recheckMs ?? recheckMs) * (0.8 + 0.4 * clock.random()), signal);
      if (signal.aborted) return;
      if (reflector.failure?.status === 413) {
        const old = reflector;
        reflector = reflect();
        options.onEnding(old.stop());
        continue;
      }
      if (reflector.failure !== undefined) continue;
      const answer = await client.request({
        ...requestOf(collection, signal),
        query: { ...selectorsOf(collection), limit: 1 },
      });
      if (answer.ok || (answer.status !== 403 && answer.status !== 401) || signal.aborted) continue;
      startAgain(answer);
    }
  }

  let reflector = reflect();
  void lookAtRights();
  return {
    listeners,
    get reflector() {
      return reflector;
    },
    get refusal() {
      return refusal;
    },
    close() {
      over.abort();
      forget();
      options.onEnding(reflector.stop());
    },
  };
}
