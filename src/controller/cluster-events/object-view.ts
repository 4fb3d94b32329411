/** The objects that a trigger selects now, over all namespaces it looks at; whether the view is whole, and why not. */
import type { Clock } from '../clock.ts';
import type { KindResource } from '../host-calls/plan-request.ts';
import { listPages } from '../list-pages.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeFailure } from '../kube-answer.ts';
import type { ObjectChange } from '../kube-object.ts';
import { chooseCollections, namespaceCollection, singleObject } from './choose-collections.ts';
import type { TriggerPlan } from './plan-triggers.ts';
import type { SharedWatches, WatchUse } from './shared-watches.ts';
import type { WatchListener } from './watch-collection.ts';
import { failedWatch, pendingState, type TriggerState } from './trigger-state.ts';
import { keepText, type WatchedText } from './watched-object.ts';

export interface ObjectView {
  /** Every collection was listed, and may be read. */
  readonly whole: boolean;
  /** What somebody should know; a view that is whole may have some, too. */
  readonly trouble: TriggerState | undefined;
  find(uid: string): WatchedText | undefined;
  uids(): Iterable<string>;
  /** Whether an object that is not in the view any more may live: under selectors leaving looks like a deletion. */
  mayLive(object: { readonly namespace?: string }): boolean;
  /** Looks for one object as the trigger's account, selected or not. */
  look(object: { readonly uid: string; readonly namespace?: string; readonly name: string }): Promise<Look>;
  close(): void;
}

export type Look =
  | { readonly kind: 'lives'; readonly text: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown'; readonly failure: KubeFailure };

export interface ViewListener {
  onChanges(changes: readonly ObjectChange<WatchedText>[]): void;
  /** Namespaces came or went, or the state is another one: everything may differ. */
  onState(): void;
  onHistory(): void;
}

export function openObjectView(options: {
  readonly plan: TriggerPlan;
  readonly found: KindResource;
  readonly watches: SharedWatches;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly listener: ViewListener;
}): ObjectView {
  const { plan, found, watches, client, signal, listener } = options;
  const keep = keepText(plan);
  const resource = resourceName(plan.apiVersion, found.resource);
  /** By namespace; the empty text: of all. */
  const uses = new Map<string, WatchUse>();
  const selective = plan.labelSelector !== undefined || plan.fieldSelector !== undefined;

  const watchListener: WatchListener = {
    onChanges: (changes) => listener.onChanges(changes),
    onState: () => listener.onState(),
    onHistory: () => listener.onHistory(),
  };

  function follow(selected: Iterable<string>): void {
    const wanted = new Map(
      chooseCollections(plan, found, selected).map((each) => [each.namespace ?? '', each.collection]),
    );
    for (const [namespace, collection] of wanted) {
      if (!uses.has(namespace)) uses.set(namespace, watches.use(collection, keep, watchListener));
    }
    for (const [namespace, use] of uses) {
      if (wanted.has(namespace)) continue;
      use.release();
      uses.delete(namespace);
    }
  }

  const chosen = namespaceCollection(plan);
  const chooser =
    chosen === undefined
      ? undefined
      : watches.use(chosen, keepText({ apiVersion: 'v1', kind: 'Namespace' }), {
          onChanges: chooseAgain,
          onState: chooseAgain,
          onHistory: () => undefined,
        });
  chooseAgain();

  function chooseAgain(): void {
    if (chooser !== undefined && !chooser.usable) return listener.onState();
    follow(chooser === undefined ? [] : [...chooser.objects.values()].map(({ metadata }) => metadata.name));
    return listener.onState();
  }

  function troubleOf(): TriggerState | undefined {
    if (chooser !== undefined && !chooser.usable) {
      if (chooser.failure === undefined) return pendingState('the namespaces are being listed');
      return failedWatch(plan, chooser.failure, { resource: 'namespaces', namespace: undefined });
    }
    for (const [namespace, { usable, failure }] of uses) {
      const at = { resource, namespace: namespace === '' ? undefined : namespace };
      // What is whole goes on while the API server is away.
      if (usable && failure?.status !== 404) continue;
      return failure === undefined ? pendingState('the objects are being listed') : failedWatch(plan, failure, at);
    }
    return undefined;
  }

  return {
    get whole() {
      return chooser?.usable !== false && [...uses.values()].every(({ usable }) => usable);
    },
    get trouble() {
      return troubleOf();
    },
    find(uid) {
      for (const { objects } of uses.values()) {
        const object = objects.get(uid);
        if (object !== undefined) return object;
      }
      return undefined;
    },
    *uids() {
      for (const { objects } of uses.values()) yield* objects.keys();
    },
    mayLive: ({ namespace }) => selective || !(uses.has('') || uses.has(namespace ?? '')),
    async look({ uid, namespace, name }) {
      const single = singleObject(plan, found, { name, ...(namespace === undefined ? {} : { namespace }) });
      const listed = await listPages(client, single, { keep, signal });
      if (!listed.ok) {
        // The kind went, and its objects with it.
        return listed.status === 404 ? { kind: 'gone' } : { kind: 'unknown', failure: listed };
      }
      const object = listed.objects.get(uid);
      return object === undefined ? { kind: 'gone' } : { kind: 'lives', text: object.text };
    },
    close() {
      chooser?.release();
      for (const use of uses.values()) use.release();
      uses.clear();
    },
  };
}

/** `deployments.apps`, as kubectl takes it. */
function resourceName(apiVersion: string, resource: string): string {
  const at = apiVersion.indexOf('/');
  return at === -1 ? resource : `${resource}.${apiVersion.slice(0, at)}`;
}
