/** Builds the table again whenever something it is made of has changed, and tells what became different. */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { receivers } from '../receivers/catalogue.ts';
import { buildRouteTable, type BuildResult } from '../routing/build-route-table.ts';
import { diffTables, emptyTable } from '../routing/diff-tables.ts';
import type { FunctionVerdict, ReferencedObject, RouteTable } from '../routing/types.ts';
import type { AdmittedResources } from './admitted-resources.ts';
import type { Clock } from './clock.ts';
import { createGatherer } from './gather.ts';
import type { NamespaceUids } from './namespace-uids.ts';
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

const quietMs = 5;
const mostMs = 50;
/** While something waits, it is looked at again so often. */
const waitingMs = 100;

type Seen = ReadonlyMap<string, ReferencedObject | undefined>;

export function createTableLoop(options: TableLoopOptions): TableLoop {
  const { resources, namespaces, references, fingerprintKey, clock, signal } = options;
  let previous: BuildResult | undefined;
  let table: RouteTable | undefined;
  let verdicts: ReadonlyMap<string, FunctionVerdict> = new Map();
  let subscriptionVerdicts: ReadonlyMap<string, FunctionVerdict> = new Map();
  let invalid = new Map<string, FunctionVerdict>();
  const tableListeners = new Set<(table: RouteTable) => void>();
  const verdictListeners = new Set<(uids: readonly string[]) => void>();
  const demand = new Demand();
  let builds = 0;
  let lastBuildMs = 0;
  let lookingAgain = false;

  const gatherer = createGatherer({
    quietMs,
    mostMs,
    clock,
    signal,
    run: () => {
      try {
        rebuild();
      } catch (error) {
        options.onFault(error);
      }
    },
  });

  function rebuild(): void {
    const policy = options.policy();
    // What is admitted now still names its references, though no build has seen it yet.
    const named = [...resources.wanted()];
    resources.settle(policy);
    references.want(demand.with([...named, ...resources.wanted()]));
    if (resources.waiting > 0) lookAgain();
    if (!options.synced()) return;
    // Runtimes are given nothing before everything is there that was there when we started.
    if (table === undefined && (resources.waiting > 0 || namespaces.waiting > 0)) return;
    const started = clock.now();
    const result = buildRouteTable({
      functions: resources.functions(),
      subscriptions: resources.subscriptions(),
      references: references.current(),
      policy,
      receivers,
      mode: 'cluster',
      fingerprintKey,
      previous,
    });
    previous = result;
    builds += 1;
    demand.follow(result);
    references.want(demand.with(resources.wanted()));
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
      ...differing(verdicts, result.verdicts),
      ...differing(subscriptionVerdicts, subscriptions.verdicts),
      ...differing(invalid, resources.invalid),
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
    referencesOf: (uid) => [...(demand.seenBy(uid)?.keys() ?? [])],
    get stats() {
      return { builds, lastBuildMs };
    },
  };
}

/** Which references the built resources name: counted, so that one edit among ten thousand costs its own references. */
class Demand {
  readonly #seen = new Map<string, Seen>();
  readonly #counts = new Map<string, number>();
  #keys: ReadonlySet<string> | undefined;

  seenBy(uid: string): Seen | undefined {
    return this.#seen.get(uid);
  }

  follow({ memory, subscriptions }: BuildResult): void {
    const present = memory.remembered.size + subscriptions.memory.remembered.size;
    for (const remembered of [memory.remembered, subscriptions.memory.remembered]) {
      for (const [uid, { built }] of remembered) this.#set(uid, built.seen);
    }
    if (this.#seen.size === present) return;
    for (const uid of this.#seen.keys()) {
      if (!memory.remembered.has(uid) && !subscriptions.memory.remembered.has(uid)) this.#set(uid, undefined);
    }
  }

  /** The keys of all, and these. */
  with(more: Iterable<string>): ReadonlySet<string> {
    const own = (this.#keys ??= new Set(this.#counts.keys()));
    const all = new Set(own);
    for (const key of more) all.add(key);
    return all.size === own.size ? own : all;
  }

  #set(uid: string, seen: Seen | undefined): void {
    const before = this.#seen.get(uid);
    if (before === seen) return;
    for (const key of seen?.keys() ?? []) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    for (const key of before?.keys() ?? []) {
      const count = (this.#counts.get(key) ?? 1) - 1;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
    }
    if (seen === undefined) this.#seen.delete(uid);
    else this.#seen.set(uid, seen);
    this.#keys = undefined;
  }
}

function differing(
  before: ReadonlyMap<string, FunctionVerdict>,
  after: ReadonlyMap<string, FunctionVerdict>,
): readonly string[] {
  if (before === after) return [];
  const uids: string[] = [];
  for (const [uid, verdict] of after) if (before.get(uid) !== verdict) uids.push(uid);
  for (const uid of before.keys()) if (!after.has(uid)) uids.push(uid);
  return uids;
}
