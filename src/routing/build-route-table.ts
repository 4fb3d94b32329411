/**
 * The route table, built by one pure function from checked functions and what they refer to. It also yields each
 * function's verdict. Given the result before, it looks only at what changed: an edit among ten thousand functions costs
 * the copy of three maps.
 */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';
import { assignRoutes, noRoutes, type AssignedRoutes } from './assign-routes.ts';
import type { FunctionInput } from './build-context.ts';
import { buildFunction, type BuiltFunction } from './build-function.ts';
import { buildSubscriptions, type SubscriptionsResult } from './build-subscriptions.ts';
import type { SubscriptionInput } from './build-subscription.ts';
import { canonicalJson } from './canonical-json.ts';
import { chargeQuotas, countsQuotas } from './charge-quotas.ts';
import { findChanges } from './find-changes.ts';
import { finishFunction, type FinishedFunction, type GoodConditions } from './finish-function.ts';
import type { References } from './read-references.ts';
import type { FunctionEntry, FunctionVerdict, Problem } from './types.ts';

export interface BuildInput {
  /** Each with a uid of its own. */
  readonly functions: readonly FunctionInput[];
  /** Each with a uid of its own; absent: none. */
  readonly subscriptions?: readonly SubscriptionInput[];
  readonly references: References;
  readonly policy: InstallationPolicy;
  readonly receivers: ReadonlyMap<string, ReceiverDefinition>;
  /** `local`: missing consent is a warning, there are files and no ServiceAccounts. */
  readonly mode: 'cluster' | 'local';
  /** `local`: kubernetes triggers are followed on a cluster beside it. The same for all builds that share memory. */
  readonly followsCluster?: boolean;
  /** Random bytes of this installation or process: keys the fingerprint of secrets that come without versions. */
  readonly fingerprintKey: Uint8Array;
  /** The result before this one: what did not change is taken from it. */
  readonly previous?: BuildResult | undefined;
}

export interface BuildResult {
  /** By uid. */
  readonly entries: ReadonlyMap<string, FunctionEntry>;
  /** By uid. */
  readonly verdicts: ReadonlyMap<string, FunctionVerdict>;
  /** Functions of another installation's class: not ours to judge. */
  readonly skipped: readonly FunctionInput[];
  readonly subscriptions: SubscriptionsResult;
  readonly memory: BuildMemory;
}

/** What a build keeps for the next one. */
export interface BuildMemory {
  readonly policy: InstallationPolicy;
  readonly receivers: ReadonlyMap<string, ReceiverDefinition>;
  readonly mode: 'cluster' | 'local';
  readonly fingerprintKey: Uint8Array;
  readonly references: References;
  /** As they were given. */
  readonly functions: readonly FunctionInput[];
  /** By uid. */
  readonly remembered: ReadonlyMap<string, Remembered>;
  readonly denied: ReadonlyMap<string, Problem>;
  readonly routes: AssignedRoutes;
}

export interface Remembered {
  readonly input: FunctionInput;
  readonly built: BuiltFunction;
  readonly finished: FinishedFunction;
}

/** Builds the table and the verdicts. */
export function buildRouteTable(input: BuildInput): BuildResult {
  const { previous, policy } = input;
  const subscriptions = buildSubscriptions({
    ...input,
    subscriptions: input.subscriptions ?? [],
    previous: previous?.subscriptions,
  });
  const memory = usableMemory(input);
  const changes = findChanges(input, memory);
  if (previous !== undefined && memory !== undefined && changes.built.length + changes.gone.length === 0) {
    // Nothing of ours moved; functions of other classes may have.
    const { functions, references } = input;
    return { ...previous, skipped: changes.skipped, subscriptions, memory: { ...memory, functions, references } };
  }

  const built = new Map<string, BuiltFunction>();
  for (const item of changes.built) {
    const old = memory?.remembered.get(item.uid)?.built;
    built.set(item.uid, keepEqualParts(old, buildFunction(item.input, input)));
  }
  const current = (uid: string): BuiltFunction | undefined => built.get(uid) ?? memory?.remembered.get(uid)?.built;
  const denied = countsQuotas(policy)
    ? chargeQuotas(policy, allOf(memory, built, changes.gone))
    : (memory?.denied ?? new Map<string, Problem>());
  const touched = new Set([...built.keys(), ...changes.gone, ...differing(memory?.denied, denied)]);
  const routes = assignRoutes(memory?.routes ?? noRoutes, touched, (uid) =>
    denied.has(uid) || changes.goneSet.has(uid) ? undefined : current(uid),
  );

  const entries = new Map(memory === undefined ? [] : previous?.entries);
  const verdicts = new Map(memory === undefined ? [] : previous?.verdicts);
  const remembered = new Map(memory?.remembered);
  for (const uid of changes.gone) {
    entries.delete(uid);
    verdicts.delete(uid);
    remembered.delete(uid);
  }
  const good: GoodConditions = new Map();
  const inputs = new Map(changes.built.map((item) => [item.uid, item.input]));
  for (const uid of new Set([...touched, ...routes.moved])) {
    const function_ = changes.goneSet.has(uid) ? undefined : current(uid);
    const source = inputs.get(uid) ?? memory?.remembered.get(uid)?.input;
    if (function_ === undefined || source === undefined) continue;
    const finished = finishFunction(function_, { denied: denied.get(uid), lost: routes.lost.get(uid) }, good);
    if (finished.entry === undefined) entries.delete(uid);
    else entries.set(uid, finished.entry);
    verdicts.set(uid, finished.verdict);
    remembered.set(uid, { input: source, built: function_, finished });
  }
  const { functions, references, receivers, mode, fingerprintKey } = input;
  return {
    entries,
    verdicts,
    skipped: changes.skipped,
    subscriptions,
    memory: { policy, receivers, mode, fingerprintKey, references, functions, remembered, denied, routes },
  };
}

function usableMemory(input: BuildInput): BuildMemory | undefined {
  const memory = input.previous?.memory;
  if (memory === undefined) return undefined;
  const same =
    memory.policy === input.policy &&
    memory.receivers === input.receivers &&
    memory.mode === input.mode &&
    memory.fingerprintKey === input.fingerprintKey;
  return same ? memory : undefined;
}

/**
 * Keeps the objects of parts that came out as they were: a function touched without effect stays the same entry, and one
 * whose routes stay the same moves nobody else's.
 */
function keepEqualParts(old: BuiltFunction | undefined, built: BuiltFunction): BuiltFunction {
  if (old === undefined) return built;
  const sameEntry = old.entry.revision === built.entry.revision && old.entry.generation === built.entry.generation;
  const sameClaims = old.seniority === built.seniority && canonicalJson(old.claims) === canonicalJson(built.claims);
  return { ...built, entry: sameEntry ? old.entry : built.entry, claims: sameClaims ? old.claims : built.claims };
}

function allOf(
  memory: BuildMemory | undefined,
  built: ReadonlyMap<string, BuiltFunction>,
  gone: readonly string[],
): readonly BuiltFunction[] {
  const all = new Map<string, BuiltFunction>();
  for (const [uid, { built: old }] of memory?.remembered ?? []) all.set(uid, old);
  for (const [uid, own] of built) all.set(uid, own);
  for (const uid of gone) all.delete(uid);
  return [...all.values()];
}

/** Functions whose quota was decided otherwise. */
function differing(
  before: ReadonlyMap<string, Problem> | undefined,
  after: ReadonlyMap<string, Problem>,
): readonly string[] {
  if (before === after) return [];
  const uids = new Set([...(before?.keys() ?? []), ...after.keys()]);
  return [...uids].filter((uid) => before?.get(uid)?.message !== after.get(uid)?.message);
}
