/** One kubernetes trigger under the leader: finds its kind, watches, and tells a store until it knows what the cluster has. */
import { createBackOff } from '../back-off.ts';
import type { KindBook } from '../host-calls/discover-kinds.ts';
import type { KindResource } from '../host-calls/plan-request.ts';
import type { KubeClient } from '../kube-client.ts';
import { createBell } from './bell.ts';
import { createFates, type Fates } from './fates.ts';
import { openObjectView, type ObjectView } from './object-view.ts';
import { createPendingChanges, type PendingChanges } from './pending-changes.ts';
import type { TriggerPlan } from './plan-triggers.ts';
import type { SharedWatches } from './shared-watches.ts';
import { createStoreTerm, type TermOptions } from './store-term.ts';
import { failedWatch, misplacedNamespaces, pendingState, readyState, undiscovered } from './trigger-state.ts';
import type { TriggerState } from './trigger-state.ts';

export interface TriggerFollower {
  readonly plan: TriggerPlan;
  readonly state: TriggerState;
  /** Runtimes came, went, or serve something else. */
  runtimesChanged(): void;
  stop(): Promise<void>;
}

export interface FollowOptions extends Omit<TermOptions, 'signal'> {
  readonly client: KubeClient;
  readonly watches: SharedWatches;
  readonly kinds: KindBook;
  onState(state: TriggerState): void;
  /** A mistake of ours. */
  onFault(error: unknown): void;
}

const retryTiming = { leastMs: 200, mostMs: 10_000 };
const kindTiming = { leastMs: 2_500, mostMs: 15_000 };

export function followTrigger(options: FollowOptions): TriggerFollower {
  const { plan, client, clock, watches, kinds } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const bell = createBell();
  const backOff = createBackOff(retryTiming, clock.random);
  const term = createStoreTerm({
    ...options,
    signal,
    onStored(events) {
      backOff.reset();
      options.onStored(events);
    },
  });
  let state: TriggerState = pendingState('the trigger is being started');

  function stand(next: TriggerState): void {
    const { ready: same, reason, message, since: began } = state;
    if (next.ready === same && next.reason === reason && next.message === message && next.since === began) return;
    state = next;
    if (!signal.aborted) options.onState(next);
  }

  async function findKind(): Promise<KindResource | undefined> {
    const wait = createBackOff(kindTiming, clock.random);
    while (!signal.aborted) {
      const discovery = await kinds.find(plan.apiVersion, plan.kind);
      if (discovery.ok && (discovery.found.namespaced || plan.namespaces.from === 'Same')) return discovery.found;
      stand(discovery.ok ? misplacedNamespaces(plan) : undiscovered(plan, discovery.failure));
      await clock.sleep(wait.next(), signal);
    }
    return undefined;
  }

  /** Where a step could not be taken: waits for something to happen, or as long as failures in a row have it. */
  async function pauseOn(trouble: TriggerState | undefined): Promise<void> {
    if (trouble === undefined) return;
    stand(trouble);
    await bell.wait(clock, signal, backOff.next());
  }

  /** How it does while nothing waits to be told. */
  function restingState(view: ObjectView, fates: Fates): TriggerState {
    if (view.trouble !== undefined) return view.trouble;
    const { failure } = fates;
    if (failure !== undefined) return failedWatch(plan, failure, { resource: plan.kind, namespace: plan.namespace });
    return { ...readyState, ...(term.since === undefined ? {} : { since: term.since }) };
  }

  async function follow(found: KindResource): Promise<void> {
    let compareAll = false;
    const fates = createFates({
      look: (object) => view.look(object),
      clock,
      signal,
      onNews(uid) {
        pending.learned(uid);
        bell.ring();
      },
      onFault: options.onFault,
    });
    const pending: PendingChanges = createPendingChanges(() => view, fates, plan.expressions);
    const view = openObjectView({
      plan,
      found,
      watches,
      client,
      clock,
      signal,
      listener: {
        onChanges(changes) {
          for (const change of changes) {
            const { uid } = change.object.metadata;
            const seen = change.kind === 'delete' && change.missing !== true;
            pending.touch(uid, seen ? change.object : undefined);
          }
          bell.ring();
        },
        onState() {
          compareAll = true;
          bell.ring();
        },
        // Versions of this term can be compared no more.
        onHistory() {
          term.lose();
          bell.ring();
        },
      },
    });
    try {
      while (!signal.aborted) {
        if (!view.whole) {
          stand(view.trouble ?? pendingState('the objects are being listed'));
          await bell.wait(clock, signal);
        } else if (!term.opened) {
          await pauseOn(await term.open(view, pending));
        } else if (term.doubted) {
          await term.check();
        } else {
          if (compareAll) pending.compare();
          compareAll = false;
          if (pending.size > 0) await pauseOn(await term.tell(pending));
          else if (!term.ready) await pauseOn(await term.commit());
          else {
            stand(restingState(view, fates));
            await bell.wait(clock, signal);
          }
        }
      }
    } finally {
      view.close();
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const found = await findKind();
        if (found !== undefined) await follow(found);
      } catch (error) {
        options.onFault(error);
        term.lose();
        stand(pendingState('the controller has made a mistake: see its log', 'Fault'));
        await clock.sleep(backOff.next(), signal);
      }
    }
  }

  const running = run();
  return {
    plan,
    get state() {
      return state;
    },
    runtimesChanged() {
      term.doubt();
      bell.ring();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
