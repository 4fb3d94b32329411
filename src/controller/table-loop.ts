/** Builds the table again whenever something it is made of has changed, and tells what became different. */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { receivers } from '../receivers/catalogue.ts';
import { buildRouteTable, type BuildResult } from '../routing/build-route-table.ts';
import { diffTables, emptyTable } from '../routing/diff-tables.ts';
import { differingKeys } from '../routing/layered-map.ts';
import type { FunctionVerdict, RouteTable } from '../routing/types.ts';
import type { AdmittedResources } from './admitted-resources.ts';
import type { Clock } from './clock.ts';
import { createGatherer } from './gather.ts';
import type { NamespaceUids } from './namespace-uids.ts';
import { ReferenceDemand } from './reference-demand.ts';
import type { ReferencePoll } from './reference-poll.ts';
import type { TableSource } from './types.ts';

export interface TableLoop extends TableSource {
  /** Something a build is made of may have changed. */
  touch(): void;
  verdict(uid: string): FunctionVerdict | undefined;
  /** Called with the uids whose verdict is another one, or gone. */
  onVerdicts(listener: (uids: readonly string[]) => void): void;
  /** References that a function or subscription was built from. */
  referencesOf(uid: string): readonly string[];
  readonly stats: { readonly builds: number; readonly lastBuildMs: number };
}

export interface TableLoopOptions {
  readonly resources: AdmittedResources;
  readonly namespaces: NamespaceUids;
  readonly references: ReferencePoll;
  readonly fingerprintKey: Uint8Array;
  policy(): InstallationPolicy;
  /** Whether everything of ours was listed. */
  synced(): boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A build failed: a mistake of ours. */
  onFault(error: unknown): void;
}

/** An edit alone waits for nothing; those that follow closely are built together. */
const restMs = 20;
const quietMs = 5;
const mostMs = 50;
/** While something waits, it is looked at again so often. */
const waitingMs = 100;

export function createTableLoop(options: TableLoopOptions): TableLoop {
  const { resources, namespaces, references, fingerprintKey, clock, signal } = options;
  let previous: BuildResult | undefined;
  let table: RouteTable | undefined;
  let verdicts: ReadonlyMap<string, FunctionVerdict> = new Map();
  let subscriptionVerdicts: ReadonlyMap<string, FunctionVerdict> = new Map();
  let invalid = new Map<string, FunctionVerdict>();
  const tableListeners = new Set<(table: RouteTable) => void>();
  const verdictListeners = new Set<(uids: readonly string[]) => void>();
  const demand = new ReferenceDemand();
  let builds = 0;
  let lastBuildMs = 0;
  let lookingAgain = false;

  const gatherer = createGatherer({
    restMs,
    quietMs,
    mostMs,
    clock,
    signal,
    soon: (callback) => void setImmediate(callback),
    run: () => {
      try {
        rebuild();
      } catch (error) {
        options.onFault(error);
      }
    },
  });

  function rebuild(): void {
    const started = clock.now();
    const policy = options.policy();
    // What is admitted now still names its references, though no build has seen it yet.
    const named = [...resources.wanted()];
    resources.settle(policy);
    named.push(...resources.wanted());
    demand.name(named);
    references.want(named);
    if (resources.waiting > 0) lookAgain();
    if (!options.synced()) return;
    // Runtimes are given nothing before everything is there that was there when we started.
    if (table === undefined && (resources.waiting > 0 || namespaces.waiting > 0)) return;
    const result = buildRouteTable({
      functions: resources.functions(),
      subscriptions: resources.subscriptions(),
      references: references.current(),
      policy,
      receivers,
      mode: 'cluster',
      fingerprintKey,
      previous,
      usersOf: (key) => demand.usersOf(key),
    });
    previous = result;
    builds += 1;
    references.want(demand.follow(result));
    references.forget(demand.leave(resources.wanted()));
    lastBuildMs = clock.now() - started;
    publish(result);
  }

  function lookAgain(): void {
    if (lookingAgain) return;
    lookingAgain = true;
    void clock.sleep(waitingMs, signal).then(() => {
      lookingAgain = false;
      gatherer.touch();
    });
  }

  function publish(result: BuildResult): void {
    const { entries: functions, subscriptions } = result;
    const next = { version: (table?.version ?? 0) + 1, functions, subscriptions: subscriptions.entries };
    const moved = table === undefined || diffTables(table ?? emptyTable, next).length > 0;
    const uids = [
      ...differingKeys(verdicts, result.verdicts),
      ...differingKeys(subscriptionVerdicts, subscriptions.verdicts),
      ...differingKeys(invalid, resources.invalid),
    ];
    verdicts = result.verdicts;
    subscriptionVerdicts = subscriptions.verdicts;
    invalid = new Map(resources.invalid);
    if (moved) {
      table = next;
      for (const listener of tableListeners) listener(next);
    }
    if (uids.length > 0) for (const listener of verdictListeners) listener(uids);
  }

  return {
    current: () => table,
    subscribe: (listener) => {
      tableListeners.add(listener);
      return () => void tableListeners.delete(listener);
    },
    touch: () => gatherer.touch(),
    verdict: (uid) => invalid.get(uid) ?? verdicts.get(uid) ?? subscriptionVerdicts.get(uid),
    onVerdicts: (listener) => void verdictListeners.add(listener),
    referencesOf: (uid) => demand.seenBy(uid),
    get stats() {
      return { builds, lastBuildMs };
    },
  };
}
