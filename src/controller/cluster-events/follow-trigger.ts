/** One kubernetes trigger under the leader: finds its kind, watches, and tells a store until it knows what the cluster has. */
import type { KnownObject } from '../../link/append-messages.ts';
import { createBackOff } from '../back-off.ts';
import type { Clock } from '../clock.ts';
import type { KindBook } from '../host-calls/discover-kinds.ts';
import type { KindResource } from '../host-calls/plan-request.ts';
import type { KubeClient } from '../kube-client.ts';
import type { AskRuntimes } from './ask-runtimes.ts';
import { createBell } from './bell.ts';
import { createFates, type Fates } from './fates.ts';
import { createKnownRows } from './known-rows.ts';
import { openObjectView, type ObjectView } from './object-view.ts';
import { createPendingChanges, type PendingChanges } from './pending-changes.ts';
import type { TriggerPlan } from './plan-triggers.ts';
import type { SharedWatches } from './shared-watches.ts';
import {
  failedWatch,
  misplacedNamespaces,
  pendingState,
  readyState,
  unknownKind,
  type TriggerState,
} from './trigger-state.ts';

export interface TriggerFollower {
  readonly plan: TriggerPlan;
  readonly state: TriggerState;
  /** Runtimes came, went, or serve something else. */
  runtimesChanged(): void;
  stop(): Promise<void>;
}

export interface FollowOptions {
  readonly plan: TriggerPlan;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly watches: SharedWatches;
  readonly kinds: KindBook;
  readonly ask: AskRuntimes;
  /** Of the leader. */
  epoch(): number;
  onState(state: TriggerState): void;
  /** The store has nothing of a trigger that it had been ready for. */
  onFresh(): void;
  onStored(events: number): void;
  /** A mistake of ours. */
  onFault(error: unknown): void;
}

const retryTiming = { leastMs: 200, mostMs: 10_000 };
const kindTiming = { leastMs: 2_500, mostMs: 15_000 };
/** A leader that is outranked for longer than any lease is the real one: the count of elections began anew. */
const outrankedMs = 30_000;

export function followTrigger(options: FollowOptions): TriggerFollower {
  const { plan, client, clock, watches, kinds, ask } = options;
  const key = { function: plan.functionUid, trigger: plan.trigger };
  const stopping = new AbortController();
  const { signal } = stopping;
  const bell = createBell();
  const backOff = createBackOff(retryTiming, clock.random);
  let state: TriggerState = pendingState('the trigger is being started');
  /** Of the last opening; undefined: it must be opened. */
  let term: number | undefined;
  let ready = false;
  let mayBeAnother = false;
  /** When it began, if that was now. */
  let since: string | undefined;
  let outrankedSince: number | undefined;

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
      if (discovery.ok) {
        const { found } = discovery;
        if (found.namespaced || plan.namespaces.from === 'Same') return found;
        stand(misplacedNamespaces(plan));
      } else {
        const { failure } = discovery;
        const missing = failure.status === 404;
        stand(
          missing
            ? unknownKind(plan, failure.message)
            : pendingState(`the kinds of the cluster could not be read: ${failure.message}`, 'ApiServerFails'),
        );
      }
      await clock.sleep(wait.next(), signal);
    }
    return undefined;
  }

  /** Waits for something to happen, or as long as failures in a row have it. */
  async function pause(why: TriggerState): Promise<void> {
    stand(why);
    await bell.wait(clock, signal, backOff.next());
  }

  async function open(view: ObjectView, pending: PendingChanges): Promise<void> {
    const force = outrankedSince !== undefined && clock.now() - outrankedSince >= outrankedMs;
    const said = await ask({ op: 'open', ...key, epoch: options.epoch(), force, selection: plan.selection }, signal);
    if (said.kind !== 'answered') return pause(pendingState(said.message, 'NoRuntime'));
    const { answer } = said;
    if (answer.kind === 'outranked') {
      outrankedSince ??= clock.now();
      return pause(pendingState(`a leader of a later election (${answer.epoch}) has the trigger`, 'Outranked'));
    }
    if (answer.kind !== 'opened') return pause(pendingState(refusalOf(answer), 'StoreRefuses'));
    outrankedSince = undefined;
    const rows = await readRows(answer.term);
    if (rows === undefined) return pause(pendingState('what the store knows could not be read', 'StoreRefuses'));
    // The account may have lost its rights meanwhile: an empty copy says nothing.
    if (!view.whole) return undefined;
    ({ term } = answer);
    ready = answer.state === 'resumed';
    if (answer.state === 'fresh') options.onFresh();
    pending.begin(rows, !ready);
    return undefined;
  }

  async function readRows(opened: number): Promise<readonly KnownObject[] | undefined> {
    const rows = createKnownRows();
    while (rows.after !== undefined) {
      const said = await ask({ op: 'rows', ...key, term: opened, after: rows.after }, signal);
      if (said.kind !== 'answered' || said.answer.kind !== 'rows' || !rows.take(said.answer)) return undefined;
    }
    return rows.all;
  }

  async function tell(pending: PendingChanges, opened: number): Promise<void> {
    const batch = pending.take();
    if (batch.puts.length === 0) return undefined;
    const { expressions } = plan;
    const said = await ask({ op: 'put', ...key, term: opened, expressions, changes: batch.puts }, signal);
    if (said.kind !== 'answered' || said.answer.kind !== 'done') {
      pending.giveBack(batch);
      // What may have arrived late must not be taken after what follows: only a new term rules that out.
      if (said.kind === 'uncertain' || (said.kind === 'answered' && said.answer.kind === 'fenced')) term = undefined;
      return pause(pendingState(said.kind === 'answered' ? refusalOf(said.answer) : said.message, 'StoreRefuses'));
    }
    pending.told(batch);
    options.onStored(said.answer.events);
    backOff.reset();
    return undefined;
  }

  /** How it does while nothing waits to be told. */
  function restingState(view: ObjectView, fates: Fates): TriggerState {
    if (view.trouble !== undefined) return view.trouble;
    const { failure } = fates;
    if (failure !== undefined) return failedWatch(plan, failure, { resource: plan.kind, namespace: plan.namespace });
    return { ...readyState, ...(since === undefined ? {} : { since }) };
  }

  /** After runtimes came or went it may be another store, which knows nothing. Without a runtime there is nothing to do. */
  async function check(opened: number): Promise<void> {
    mayBeAnother = false;
    const said = await ask({ op: 'check', ...key, term: opened }, signal);
    if (said.kind === 'answered' && said.answer.kind === 'fenced') term = undefined;
    if (said.kind === 'uncertain') mayBeAnother = true;
  }

  async function commit(opened: number): Promise<void> {
    const said = await ask({ op: 'commit', ...key, term: opened }, signal);
    if (said.kind === 'answered' && said.answer.kind === 'done') {
      ready = true;
      since = new Date(clock.wallNow()).toISOString().replace(/\.\d+Z$/, 'Z');
      return;
    }
    term = undefined;
    await pause(pendingState(said.kind === 'answered' ? refusalOf(said.answer) : said.message, 'StoreRefuses'));
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
          term = undefined;
          bell.ring();
        },
      },
    });
    try {
      while (!signal.aborted) {
        if (!view.whole) {
          stand(view.trouble ?? pendingState('the objects are being listed'));
          await bell.wait(clock, signal);
        } else if (term === undefined) {
          await open(view, pending);
        } else if (mayBeAnother) {
          await check(term);
        } else {
          if (compareAll) pending.compare();
          compareAll = false;
          if (pending.size > 0) await tell(pending, term);
          else if (!ready) await commit(term);
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
        term = undefined;
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
      mayBeAnother = true;
      bell.ring();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function refusalOf(answer: { readonly kind: string; readonly message?: string }): string {
  return answer.message ?? `the store answered ${answer.kind}`;
}
