/** One replica of the controller: watches, builds, leads or waits. What links it to runtimes reads its table and tells it what they said. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { Logger } from '../telemetry/logger.ts';
import { countLinked } from './count-linked.ts';
import { createAdmittedResources } from './admitted-resources.ts';
import { chooseStatuses } from './choose-statuses.ts';
import type { Clock } from './clock.ts';
import { countWatch } from './counted-watch.ts';
import { createEventWriter } from './event-writer.ts';
import { followResources, type FollowedResource } from './follow-resources.ts';
import type { KubeClient } from './kube-client.ts';
import { startLeaderElection, type LeaseTiming } from './leader-election.ts';
import { createNamespaceUids } from './namespace-uids.ts';
import type { ControllerStats } from './controller-stats.ts';
import type { ControllerRights } from './read-reference.ts';
import { createReferencePoll, type ReferenceTiming } from './reference-poll.ts';
import type { ReflectorTiming } from './reflector.ts';
import { watchRuntimeEndpoints } from './runtime-endpoints.ts';
import { createStandingJudge, type Standing } from './judge-standing.ts';
import { createStatusWriter } from './status-writer.ts';
import { createTableLoop } from './table-loop.ts';
import { createProgrammingTimes } from './time-programming.ts';
import { transitionsBetween, type JudgeStatus } from './transition-events.ts';
import type { Acknowledgements, Leadership, RuntimeEndpoints, TableSource, TriggerReports } from './types.ts';
import { createResourceReader } from './watched-resources.ts';

export interface ControllerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The namespace it runs in: nothing of it is ever given to functions. */
  readonly namespace: string;
  /** Name of the Lease. */
  readonly lease: string;
  /** Of this process. */
  readonly identity: string;
  /** Service of the runtimes of the default group. */
  readonly runtimeService: string;
  readonly rights: ControllerRights;
  /** In force now; the same object until it changes. */
  policy(): InstallationPolicy;
  readonly timing?: {
    readonly reflector?: ReflectorTiming;
    readonly references?: ReferenceTiming;
    readonly lease?: LeaseTiming;
  };
}

export interface Controller {
  readonly table: TableSource;
  readonly leadership: Leadership;
  readonly endpoints: RuntimeEndpoints;
  /** What the links know; until it is given, nobody has said anything. */
  listenTo(acknowledgements: Acknowledgements): void;
  /** What follows kubernetes triggers; until it is given, nobody does. */
  listenToTriggers(reports: TriggerReports): void;
  /** Writes a Kubernetes Event about a function or subscription, if its status is worth one. */
  tell(uid: string, judge: JudgeStatus): void;
  /** The policy is another one now. */
  policyChanged(): void;
  /** All functions and subscriptions as they stand. */
  standings(): Iterable<Standing>;
  /** Reads what a function or subscription refers to again, at once; false: no such. */
  refresh(uid: string): boolean;
  stats(): ControllerStats;
  stop(): Promise<void>;
}

/** A new form of a resource waits so long for what it refers to, as a read may take; at the start, when nothing serves yet, longer. */
const holdMs = 10_000;
const firstHoldMs = 30_000;
/** Of the cluster itself. */
export const clusterNamespaces: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];

export function startController(options: ControllerOptions): Controller {
  const { client, clock, log, namespace, identity, policy, timing = {} } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const fingerprintKey = randomBytes(32);
  const reflectors: FollowedResource[] = [];
  let acknowledgements: Acknowledgements | undefined;
  let triggers: TriggerReports | undefined;
  const times = createProgrammingTimes();

  const namespaces = createNamespaceUids({
    client,
    clock,
    signal,
    onKnown: () => loop.touch(),
    onFailure: (name, message) => log.warn('a namespace could not be read', { namespace: name, error: message }),
  });
  const references = createReferencePoll({
    client,
    clock,
    signal,
    refusedNamespaces: new Set([namespace, ...clusterNamespaces]),
    rights: options.rights,
    ...(timing.references === undefined ? {} : { timing: timing.references }),
    onChange: () => loop.touch(),
  });
  const resources = createAdmittedResources({
    read: createResourceReader(),
    namespaces,
    references,
    fingerprintKey,
    holdMs: () => (loop.current() === undefined ? firstHoldMs : holdMs),
    now: clock.now,
  });
  const loop = createTableLoop({
    resources,
    namespaces,
    references,
    fingerprintKey,
    policy,
    synced: () => reflectors.every(({ reflector }) => reflector.synced),
    clock,
    signal,
    onFault: (error) => log.error('the table could not be built', { error: describe(error) }),
  });

  const leadership = startLeaderElection({
    client,
    clock,
    namespace,
    name: options.lease,
    identity,
    ...(timing.lease === undefined ? {} : { timing: timing.lease }),
    onFailure: (message) => log.warn('the election has trouble', { error: message }),
  });
  const events = createEventWriter({
    client,
    clock,
    identity,
    uniqueId: () => randomUUID().slice(0, 8),
    onFailure: (message) => log.warn('an Event was not written', { error: message }),
  });
  const countedEndpoints = countWatch('endpointslices', log);
  const endpoints = watchRuntimeEndpoints({
    client,
    clock,
    namespace,
    service: options.runtimeService,
    groups: () => policy().runtimeGroups,
    report: countedEndpoints.report,
  });
  const judge = createStandingJudge({
    resources,
    loop,
    endpoints,
    clock,
    policy,
    acknowledgements: () => acknowledgements,
    triggers: (uid) => triggers?.triggerStates(uid),
  });
  const status = createStatusWriter({
    client,
    clock,
    signal,
    leadership,
    soon: (callback) => void setImmediate(callback),
    object: (uid) => resources.object(uid),
    desired: judge.desired,
    onWritten: (kind, object, before) => {
      for (const transition of transitionsBetween(before, object.status ?? {})) events.write(kind, object, transition);
    },
    onFailure: (message) => log.warn('a status was not written', { error: message }),
  });

  const refresh = (uid: string): boolean => {
    if (resources.object(uid) === undefined) return false;
    references.refresh(loop.referencesOf(uid));
    return true;
  };
  reflectors.push(
    ...followResources({ client, clock, log, timing: timing.reflector, resources, times, loop, status, refresh }),
  );

  const listen = chooseStatuses({
    resources,
    loop,
    endpoints,
    leadership,
    times,
    clock,
    log,
    touch: (uids) => status.touch(uids),
  });

  return {
    table: loop,
    leadership,
    endpoints,
    listenTo: (given) => {
      acknowledgements = given;
      listen(given);
    },
    listenToTriggers: (given) => {
      triggers = given;
      given.subscribe((uids) => status.touch(uids));
    },
    tell: (uid, judge) => {
      const known = resources.object(uid);
      const transition = judge(known?.object.status);
      if (known !== undefined && transition !== undefined) events.write(known.kind, known.object, transition);
    },
    policyChanged: () => loop.touch(),
    standings: judge.standings,
    refresh,
    stats: () => ({
      ready: loop.current() !== undefined && endpoints.current() !== undefined,
      functions: loop.current()?.functions.size ?? 0,
      subscriptions: loop.current()?.subscriptions?.size ?? 0,
      waiting: resources.waiting,
      linkedRuntimes: countLinked(policy().runtimeGroups, acknowledgements?.runtimes() ?? []),
      references: references.size,
      referenceLagMs: references.lagMs(),
      ...loop.stats,
      watches: [
        ...reflectors.map(({ reflector, counted }) => counted.stats(reflector, clock)),
        countedEndpoints.stats(endpoints.reflector, clock),
      ],
      statusWrites: status.writes,
      statusFailures: status.failures,
      statusWaiting: status.waiting,
      eventsDropped: events.dropped,
      applyToProgrammed: times.histogram,
      triggers: triggers?.stats(),
    }),
    stop: async () => {
      // The lease first: the next leader need not wait for it to run out.
      await leadership.stop();
      stopping.abort();
      await Promise.all([...reflectors.map(({ reflector }) => reflector.stop()), endpoints.reflector.stop()]);
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
