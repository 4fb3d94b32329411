/**
 * The route table, built by one pure function from checked functions and what they refer to. It also yields each
 * function's verdict. Given the result before, it looks only at what changed: an edit among ten thousand functions costs
 * what it costs among ten.
 */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';
import { assignRoutes, noRoutes, type AssignedRoutes } from './assign-routes.ts';
import type { FunctionInput } from './build-context.ts';
import { buildFunction, type BuiltFunction } from './build-function.ts';
import { buildSubscriptions, type SubscriptionsResult } from './build-subscriptions.ts';
import type { SubscriptionInput } from './build-subscription.ts';
import { canonicalJson } from './canonical-json.ts';
import { chargeQuotas, countsQuotas, noCharges, type Charges } from './charge-quotas.ts';
import { findChanges, type FunctionInputs } from './find-changes.ts';
import { finishFunction, type FinishedFunction, type GoodConditions } from './finish-function.ts';
import { LayeredMap } from './layered-map.ts';
import type { References } from './read-references.ts';
import type { FunctionEntry, FunctionVerdict } from './types.ts';

export interface BuildInput {
  readonly functions: FunctionInputs;
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
  /** Uids of the functions that looked up a key in the result before; absent: all are asked when references change. */
  usersOf?(key: string): Iterable<string>;
}

export interface BuildResult {
  /** By uid. */
  readonly entries: LayeredMap<FunctionEntry>;
  /** By uid; functions of another installation's class are not ours to judge. */
  readonly verdicts: LayeredMap<FunctionVerdict>;
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
  readonly functions: FunctionInputs;
  /** By uid. */
  readonly remembered: LayeredMap<Remembered>;
  readonly charges: Charges;
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
  if (previous !== undefined && memory !== undefined && changes.built.size + changes.gone.size === 0) {
    // Nothing of ours moved; functions of other classes may have.
    const { functions, references } = input;
    return { ...previous, subscriptions, memory: { ...memory, functions, references } };
  }

  const built = new Map<string, BuiltFunction>();
  for (const [uid, item] of changes.built) {
    built.set(uid, keepEqualParts(memory?.remembered.get(uid)?.built, buildFunction(item, input)));
  }
  const current = (uid: string): BuiltFunction | undefined =>
    changes.gone.has(uid) ? undefined : (built.get(uid) ?? memory?.remembered.get(uid)?.built);
  const before = memory?.charges ?? noCharges;
  const moved = [...built.keys(), ...changes.gone];
  const charges = countsQuotas(policy) ? chargeQuotas(before, policy, moved, current) : before;
  const touched = new Set([...moved, ...charges.moved]);
  const routes = assignRoutes(memory?.routes ?? noRoutes, touched, (uid) =>
    charges.denied.has(uid) ? undefined : current(uid),
  );

  const entries = new Map<string, FunctionEntry | undefined>();
  const verdicts = new Map<string, FunctionVerdict | undefined>();
  const remembered = new Map<string, Remembered | undefined>();
  const good: GoodConditions = new Map();
  for (const uid of new Set([...touched, ...routes.moved])) {
    const function_ = current(uid);
    const source = changes.built.get(uid) ?? memory?.remembered.get(uid)?.input;
    if (function_ === undefined || source === undefined) {
      for (const map of [entries, verdicts, remembered]) map.set(uid, undefined);
      continue;
    }
    const findings = { denied: charges.denied.get(uid), lost: routes.lost.get(uid) };
    const finished = finishFunction(function_, findings, good);
    entries.set(uid, finished.entry);
    verdicts.set(uid, finished.verdict);
    remembered.set(uid, { input: source, built: function_, finished });
  }
  const { functions, references, receivers, mode, fingerprintKey } = input;
  const old = memory === undefined ? undefined : previous;
  return {
    entries: (old?.entries ?? LayeredMap.of<FunctionEntry>()).with(entries),
    verdicts: (old?.verdicts ?? LayeredMap.of<FunctionVerdict>()).with(verdicts),
    subscriptions,
    memory: {
      policy,
      receivers,
      mode,
      fingerprintKey,
      references,
      functions,
      remembered: (memory?.remembered ?? LayeredMap.of<Remembered>()).with(remembered),
      charges,
      routes,
    },
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
