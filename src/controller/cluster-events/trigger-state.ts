/** How a kubernetes trigger does, in words for status and conditions. */
import type { KubeFailure } from '../kube-answer.ts';
import type { TriggerReport } from '../types.ts';
import { accountOf, type TriggerPlan } from './plan-triggers.ts';

export type TriggerState = TriggerReport;

export const readyState: TriggerState = { ready: true };

/** What passes by itself. */
export function pendingState(message: string, reason = 'Pending'): TriggerState {
  return { ready: false, reason, message };
}

/** Why the kind of a trigger could not be found. */
export function undiscovered(
  plan: TriggerPlan,
  { status, message }: Pick<KubeFailure, 'status' | 'message'>,
): TriggerState {
  if (status === 404) return unknownKind(plan, message);
  return pendingState(`the kinds of the cluster could not be read: ${message}`, 'ApiServerFails');
}

function unknownKind({ apiVersion, kind }: TriggerPlan, message: string): TriggerState {
  return {
    ready: false,
    reason: 'KindNotFound',
    message: `${message}: install its definition, or correct ${kind} and ${apiVersion}; the trigger starts when it is there`,
    condition: 'ResolvedRefs',
  };
}

export function misplacedNamespaces({ kind }: TriggerPlan): TriggerState {
  const message = `${kind} has no namespaces: remove \`namespaces\` of the trigger`;
  return { ready: false, reason: 'Invalid', message, condition: 'Accepted' };
}

/** Why a list or watch fails. `resource`: as `kubectl` takes it; `namespace` absent: all. */
export function failedWatch(
  plan: TriggerPlan,
  failure: KubeFailure,
  at: { readonly resource: string; readonly namespace: string | undefined },
): TriggerState {
  const { status, message } = failure;
  if (status === 403 || status === 401) {
    const where = at.namespace === undefined ? '-A' : `-n ${at.namespace}`;
    const ask = (verb: string): string => `kubectl auth can-i ${verb} ${at.resource} ${where} --as=${accountOf(plan)}`;
    const told = `the API server refuses ${accountOf(plan)} to list and watch ${at.resource} ${where}; see \`${ask('list')}\` and \`${ask('watch')}\` (${message})`;
    return { ready: false, reason: 'Forbidden', message: told, condition: 'ResolvedRefs' };
  }
  if (status === 413) return { ready: false, reason: 'PolicyDenied', message, condition: 'Accepted' };
  if (status === 404) return unknownKind(plan, `the API server does not serve ${at.resource}`);
  if (status === 400) {
    const told = `the API server does not take the selectors of the trigger: ${message}`;
    return { ready: false, reason: 'Invalid', message: told, condition: 'Accepted' };
  }
  if (status === 405) {
    return {
      ready: false,
      reason: 'Invalid',
      message: `${plan.kind} cannot be watched: ${message}`,
      condition: 'Accepted',
    };
  }
  return pendingState(`the API server does not answer the watch: ${message}`, 'ApiServerFails');
}
