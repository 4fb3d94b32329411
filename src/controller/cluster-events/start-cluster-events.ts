/** Cluster events as a part of a controller replica: while it leads, every kubernetes trigger of the table is followed. */
import { triggerSince } from '../desired-status.ts';
import { createKindBook } from '../host-calls/discover-kinds.ts';
import type { ReflectorTiming } from '../reflector.ts';
import type { PartContext } from '../run-controller.ts';
import type { Controller } from '../start-controller.ts';
import type { Acknowledgements, TriggerReports } from '../types.ts';
import { createAskRuntimes, type RuntimeLinks } from './ask-runtimes.ts';
import { followTrigger, type TriggerFollower } from './follow-trigger.ts';
import { createTriggerPlanner, planKey, type TriggerPlan } from './plan-triggers.ts';
import { createSharedWatches } from './shared-watches.ts';
import type { TriggerState } from './trigger-state.ts';

export interface ClusterEvents extends TriggerReports {
  close(): Promise<void>;
}

export interface ClusterEventsTiming {
  readonly reflector?: ReflectorTiming;
  /** Rights of open watches are asked for so often. */
  readonly recheckMs?: number;
  /** Text of objects that the accounts of one namespace may have copied. */
  readonly bytesPerNamespace?: number;
}

export interface ClusterEventsContext extends Pick<PartContext, 'client' | 'clock' | 'log'> {
  readonly controller: Pick<Controller, 'table' | 'leadership' | 'listenToTriggers' | 'tell'>;
}

/** A part of `runController`, to be started after the links. */
export function startClusterEvents(
  { controller, client, clock, log }: ClusterEventsContext,
  links: RuntimeLinks & Pick<Acknowledgements, 'subscribe'>,
  timing: ClusterEventsTiming = {},
): ClusterEvents {
  const { table, leadership } = controller;
  const plan = createTriggerPlanner();
  const kinds = createKindBook(client, clock.now);
  const ask = createAskRuntimes(links);
  const watches = createSharedWatches({
    client,
    clock,
    log,
    ...(timing.reflector === undefined ? {} : { timing: timing.reflector }),
    ...(timing.recheckMs === undefined ? {} : { recheckMs: timing.recheckMs }),
    ...(timing.bytesPerNamespace === undefined ? {} : { bytesPerNamespace: timing.bytesPerNamespace }),
  });
  const followers = new Map<string, TriggerFollower>();
  const byFunction = new Map<string, Map<string, TriggerState>>();
  const listeners = new Set<(uids: readonly string[]) => void>();
  const ending = new Set<Promise<void>>();
  let stored = 0;
  let followed = noPlans;

  function report({ functionUid, trigger }: TriggerPlan, state: TriggerState | undefined): void {
    let states = byFunction.get(functionUid);
    if (states === undefined) byFunction.set(functionUid, (states = new Map()));
    if (state === undefined) states.delete(trigger);
    else states.set(trigger, state);
    if (states.size === 0) byFunction.delete(functionUid);
    for (const listener of listeners) listener([functionUid]);
  }

  function end(follower: TriggerFollower): void {
    const ended = follower.stop().finally(() => ending.delete(ended));
    ending.add(ended);
  }

  function start(wanted: TriggerPlan): TriggerFollower {
    const { functionUid, trigger, namespace, functionName } = wanted;
    return followTrigger({
      plan: wanted,
      client,
      clock,
      watches,
      kinds,
      ask,
      epoch: () => leadership.epoch,
      onState: (state) => report(wanted, state),
      onFresh() {
        controller.tell(functionUid, (status) => {
          if (triggerSince(status, trigger) === undefined) return undefined;
          log.warn('a store has lost the place of a trigger', { namespace, function: functionName, trigger });
          const message = `the store has lost the place of trigger ${trigger}: it begins anew, and deletions in between were not seen`;
          return { type: 'Warning', reason: 'CheckpointLost', message };
        });
      },
      onStored: (events) => (stored += events),
      onFault: (error) =>
        log.error('a trigger is followed no more', {
          namespace,
          function: functionName,
          trigger,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
    });
  }

  function follow(): void {
    const current = table.current();
    const wanted = leadership.leading && current !== undefined ? plan(current) : noPlans;
    if (wanted === followed) return;
    followed = wanted;
    for (const [key, each] of wanted) {
      const old = followers.get(key);
      if (old !== undefined && (old.plan === each || JSON.stringify(old.plan) === JSON.stringify(each))) continue;
      // The new one first: what both watch is not listed again. Its opening refuses what the old one still sends.
      followers.set(key, start(each));
      report(each, followers.get(key)?.state);
      if (old !== undefined) end(old);
    }
    for (const [key, old] of followers) {
      if (wanted.has(key)) continue;
      followers.delete(key);
      report(old.plan, undefined);
      end(old);
      if (leadership.leading && current !== undefined) void forget(old.plan);
    }
  }

  /** What the store knows goes with the trigger; suspended ones, and those that miss their account, keep their place. */
  async function forget({ functionUid, trigger, namespaceUid, group }: TriggerPlan): Promise<void> {
    const entry = table.current()?.functions.get(functionUid);
    if (entry?.triggers.some(({ name, kind }) => name === trigger && kind === 'kubernetes') === true) return;
    const question = { op: 'forget', function: functionUid, trigger, namespaceUid, group } as const;
    await ask(question, AbortSignal.timeout(forgetMs));
  }

  const stopTable = table.subscribe(follow);
  const stopLeadership = leadership.subscribe(follow);
  const stopRuntimes = links.subscribe((change) => {
    if (change.kind === 'reported') return;
    if (change.kind === 'runtimes') for (const follower of followers.values()) follower.runtimesChanged();
    else {
      for (const uid of change.uids) {
        const triggers = byFunction.get(uid)?.keys() ?? [];
        for (const trigger of triggers) followers.get(planKey({ functionUid: uid, trigger }))?.runtimesChanged();
      }
    }
  });
  follow();

  const reports: ClusterEvents = {
    triggerStates: (uid) => byFunction.get(uid),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stats: () => ({
      ...watches.stats,
      triggers: followers.size,
      ready: [...followers.values()].filter(({ state }) => state.ready).length,
      stored,
    }),
    async close() {
      stopTable();
      stopLeadership();
      stopRuntimes();
      for (const follower of followers.values()) end(follower);
      followers.clear();
      await Promise.all(ending);
      await watches.close();
    },
  };
  controller.listenToTriggers(reports);
  return reports;
}

const forgetMs = 60_000;
const noPlans: ReadonlyMap<string, TriggerPlan> = new Map();
