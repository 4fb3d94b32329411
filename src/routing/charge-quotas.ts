/**
 * Quotas per namespace, charged oldest function first: who is above gets nothing. Only namespaces in which something that
 * counts has changed are charged again.
 */
import { compareTexts } from '../function/compare-texts.ts';
import { quotaOf, type InstallationPolicy } from '../policy/installation-policy.ts';
import type { BuiltFunction } from './build-function.ts';
import { LayeredMap } from './layered-map.ts';
import { notAccepted } from './problem.ts';
import type { Problem } from './types.ts';

type Counted = 'functions' | 'routes' | 'watches';
const counted: readonly Counted[] = ['functions', 'routes', 'watches'];

/** What a function takes of the quotas of its namespace. */
interface Charge {
  readonly namespace: string;
  readonly seniority: string;
  readonly wanted: Readonly<Record<Counted, number>>;
}

export interface Charges {
  /** By uid: why a function is not programmed. */
  readonly denied: ReadonlyMap<string, Problem>;
  /** Functions for which that is another reason now, or none. */
  readonly moved: readonly string[];
  /** By namespace, then uid. */
  readonly namespaces: LayeredMap<LayeredMap<Charge>>;
  /** By uid. */
  readonly charges: LayeredMap<Charge>;
}

export const noCharges: Charges = {
  denied: new Map(),
  moved: [],
  namespaces: LayeredMap.of<LayeredMap<Charge>>(),
  charges: LayeredMap.of<Charge>(),
};

/** Whether any quota of the table is set. */
export function countsQuotas(policy: InstallationPolicy): boolean {
  const limited = [policy.quotas, ...Object.values(policy.quotas.namespaces)];
  return limited.some((quota) => counted.some((name) => quota[name] !== undefined));
}

/** Takes over the functions that changed; `current` answers undefined for one that is gone. */
export function chargeQuotas(
  before: Charges,
  policy: InstallationPolicy,
  touched: Iterable<string>,
  current: (uid: string) => BuiltFunction | undefined,
): Charges {
  const changed: [string, Charge | undefined][] = [];
  const members = new Map<string, [string, Charge | undefined][]>();
  const move = (namespace: string, uid: string, charge: Charge | undefined): void => {
    const moves = members.get(namespace);
    if (moves === undefined) members.set(namespace, [[uid, charge]]);
    else moves.push([uid, charge]);
  };
  for (const uid of touched) {
    const old = before.charges.get(uid);
    const function_ = current(uid);
    const charge = function_ && chargeOf(function_);
    if (sameCharge(old, charge)) continue;
    changed.push([uid, charge]);
    if (old !== undefined) move(old.namespace, uid, undefined);
    if (charge !== undefined) move(charge.namespace, uid, charge);
  }
  if (changed.length === 0) return before.moved.length === 0 ? before : { ...before, moved: [] };

  const denied = new Map(before.denied);
  const moved: string[] = [];
  const namespaces: [string, LayeredMap<Charge> | undefined][] = [];
  for (const [namespace, moves] of members) {
    const old = before.namespaces.get(namespace) ?? LayeredMap.of<Charge>();
    const now = old.with(moves);
    namespaces.push([namespace, now.size === 0 ? undefined : now]);
    const problems = chargeNamespace(policy, namespace, now);
    for (const uid of new Set([...old.keys(), ...now.keys()])) {
      const problem = problems.get(uid);
      if (denied.get(uid)?.message === problem?.message) continue;
      moved.push(uid);
      if (problem === undefined) denied.delete(uid);
      else denied.set(uid, problem);
    }
  }
  return {
    denied,
    moved,
    namespaces: before.namespaces.with(namespaces),
    charges: before.charges.with(changed),
  };
}

function chargeNamespace(
  policy: InstallationPolicy,
  namespace: string,
  charges: ReadonlyMap<string, Charge>,
): ReadonlyMap<string, Problem> {
  const quota = quotaOf(policy, namespace);
  const counts: Record<Counted, number> = { functions: 0, routes: 0, watches: 0 };
  const denied = new Map<string, Problem>();
  const oldestFirst = [...charges].sort(([, a], [, b]) => compareTexts(a.seniority, b.seniority));
  for (const [uid, { wanted }] of oldestFirst) {
    const above = counted.find((name) => wanted[name] > 0 && counts[name] + wanted[name] > (quota[name] ?? Infinity));
    if (above === undefined) {
      for (const name of counted) counts[name] += wanted[name];
      continue;
    }
    const message = `namespace ${namespace} may have ${quota[above]} ${above}, and older functions have ${counts[above]} of them`;
    denied.set(uid, notAccepted('PolicyDenied', 'spec', message));
  }
  return denied;
}

function chargeOf({ entry: { namespace, triggers }, seniority, claims }: BuiltFunction): Charge {
  const watches = triggers.filter(({ kind }) => kind === 'kubernetes').length;
  return { namespace, seniority, wanted: { functions: 1, routes: claims.length, watches } };
}

function sameCharge(one: Charge | undefined, other: Charge | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const sameWishes = counted.every((name) => one.wanted[name] === other.wanted[name]);
  return one.namespace === other.namespace && one.seniority === other.seniority && sameWishes;
}
