/** Quotas per namespace, charged oldest function first: who is above gets nothing. */
import { quotaOf, type InstallationPolicy, type Quota } from '../policy/installation-policy.ts';
import type { BuiltFunction } from './build-function.ts';
import { notAccepted } from './problem.ts';
import type { Problem } from './types.ts';

type Counted = 'functions' | 'routes' | 'watches';
const counted: readonly Counted[] = ['functions', 'routes', 'watches'];

/** Whether any quota of the table is set. */
export function countsQuotas(policy: InstallationPolicy): boolean {
  const limited = [policy.quotas, ...Object.values(policy.quotas.namespaces)];
  return limited.some((quota) => counted.some((name) => quota[name] !== undefined));
}

/** By uid: why a function is not programmed. */
export function chargeQuotas(
  policy: InstallationPolicy,
  functions: readonly BuiltFunction[],
): ReadonlyMap<string, Problem> {
  const denied = new Map<string, Problem>();
  const used = new Map<string, { readonly quota: Quota; readonly counts: Record<Counted, number> }>();
  const oldestFirst = [...functions].sort((a, b) => (a.seniority < b.seniority ? -1 : 1));
  for (const function_ of oldestFirst) {
    const { namespace, uid } = function_.entry;
    let account = used.get(namespace);
    if (account === undefined) {
      account = { quota: quotaOf(policy, namespace), counts: { functions: 0, routes: 0, watches: 0 } };
      used.set(namespace, account);
    }
    const { quota, counts } = account;
    const wanted: Record<Counted, number> = {
      functions: 1,
      routes: function_.claims.length,
      watches: function_.entry.triggers.filter(({ kind }) => kind === 'kubernetes').length,
    };
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
