/** All subscriptions of the table with their verdicts; what did not change is taken from the result before. */
import { compareTexts } from '../function/compare-texts.ts';
import { quotaOf, servesClass, type InstallationPolicy } from '../policy/installation-policy.ts';
import { defaultGroup } from '../policy/runtime-groups.ts';
import {
  buildSubscription,
  type BuildSubscriptionOptions,
  type BuiltSubscription,
  type SubscriptionInput,
} from './build-subscription.ts';
import { conditionsOf } from './finish-function.ts';
import { notAccepted } from './problem.ts';
import type { References } from './read-references.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';
import type { FunctionVerdict, Problem } from './types.ts';

export interface SubscriptionsResult {
  /** By uid. */
  readonly entries: ReadonlyMap<string, SubscriptionEntry>;
  /** By uid. */
  readonly verdicts: ReadonlyMap<string, FunctionVerdict>;
  /** Of another installation's class: not ours to judge. */
  readonly skipped: readonly SubscriptionInput[];
  readonly memory: SubscriptionsMemory;
}

interface Remembered {
  readonly input: SubscriptionInput;
  readonly built: BuiltSubscription;
  readonly denied: Problem | undefined;
  readonly verdict: FunctionVerdict;
}

export interface SubscriptionsMemory extends BuildSubscriptionOptions {
  readonly remembered: ReadonlyMap<string, Remembered>;
}

export interface SubscriptionsInput extends BuildSubscriptionOptions {
  /** Each with a uid of its own. */
  readonly subscriptions: readonly SubscriptionInput[];
  readonly previous?: SubscriptionsResult | undefined;
}

export function buildSubscriptions(input: SubscriptionsInput): SubscriptionsResult {
  const { subscriptions, references, policy, mode, fingerprintKey, previous } = input;
  const memory = usable(input);
  const builds: { readonly input: SubscriptionInput; readonly built: BuiltSubscription }[] = [];
  const skipped: SubscriptionInput[] = [];
  for (const each of subscriptions) {
    if (!servesClass(policy, each.resource.spec.class)) {
      skipped.push(each);
      continue;
    }
    const known = memory?.remembered.get(uidOf(each));
    const same = known?.input === each && sameSeen(known.built, references, memory?.references);
    builds.push({ input: each, built: same ? known.built : keepEqual(known?.built, buildSubscription(each, input)) });
  }
  const denied = chargeQuota(policy, builds);
  const entries = new Map<string, SubscriptionEntry>();
  const verdicts = new Map<string, FunctionVerdict>();
  const remembered = new Map<string, Remembered>();
  for (const { input: source, built } of builds) {
    const { uid } = built.entry;
    const problem = denied.get(uid);
    const known = memory?.remembered.get(uid);
    const verdict =
      known?.built === built && known.denied?.message === problem?.message ? known.verdict : verdictOf(built, problem);
    if (problem === undefined) entries.set(uid, built.entry);
    verdicts.set(uid, verdict);
    remembered.set(uid, { input: source, built, denied: problem, verdict });
  }
  const result = { entries, verdicts, skipped, memory: { references, policy, mode, fingerprintKey, remembered } };
  if (previous === undefined || memory === undefined) return result;
  // The same maps where nothing moved: whoever compares sees it at once.
  return sameValues(previous.entries, entries) && sameValues(previous.verdicts, verdicts)
    ? { ...result, entries: previous.entries, verdicts: previous.verdicts }
    : result;
}

const uidOf = ({ resource: { metadata } }: SubscriptionInput): string =>
  metadata.uid ?? `${metadata.namespace ?? 'default'}/${metadata.name}`;

function usable({ previous, policy, mode, fingerprintKey }: SubscriptionsInput): SubscriptionsMemory | undefined {
  const memory = previous?.memory;
  const same = memory?.policy === policy && memory.mode === mode && memory.fingerprintKey === fingerprintKey;
  return same ? memory : undefined;
}

function sameSeen({ seen }: BuiltSubscription, references: References, before: References | undefined): boolean {
  if (references === before) return true;
  for (const [key, object] of seen) if (references.get(key) !== object) return false;
  return true;
}

function keepEqual(old: BuiltSubscription | undefined, built: BuiltSubscription): BuiltSubscription {
  const same = old?.entry.revision === built.entry.revision && old.entry.generation === built.entry.generation;
  return same ? { ...built, entry: old.entry } : built;
}

/** Oldest first: who is above the quota of the namespace is not programmed. */
function chargeQuota(
  policy: InstallationPolicy,
  builds: readonly { readonly built: BuiltSubscription }[],
): ReadonlyMap<string, Problem> {
  const denied = new Map<string, Problem>();
  const limited = [policy.quotas, ...Object.values(policy.quotas.namespaces)];
  if (!limited.some(({ subscriptions }) => subscriptions !== undefined)) return denied;
  const counts = new Map<string, number>();
  for (const { built } of builds.toSorted((a, b) => compareTexts(a.built.seniority, b.built.seniority))) {
    const { namespace, uid } = built.entry;
    const most = quotaOf(policy, namespace).subscriptions ?? Infinity;
    const count = counts.get(namespace) ?? 0;
    if (count >= most) {
      const message = `namespace ${namespace} may have ${most} subscriptions, and older ones are that many`;
      denied.set(uid, notAccepted('PolicyDenied', 'spec', message));
    } else counts.set(namespace, count + 1);
  }
  return denied;
}

function verdictOf(built: BuiltSubscription, denied: Problem | undefined): FunctionVerdict {
  const { uid, namespace, name, group, generation, revision, suspended } = built.entry;
  const problems = denied === undefined ? built.problems : [denied, ...built.problems];
  return {
    kind: 'WebhookSubscription',
    uid,
    namespace,
    name,
    ...(group === defaultGroup ? {} : { group }),
    generation,
    revision,
    suspended,
    conditions: conditionsOf(problems, generation),
    problems,
    warnings: built.warnings,
    urls: [],
    programmable: denied === undefined,
  };
}

function sameValues<Value>(before: ReadonlyMap<string, Value>, after: ReadonlyMap<string, Value>): boolean {
  if (before.size !== after.size) return false;
  for (const [key, value] of after) if (before.get(key) !== value) return false;
  return true;
}
