/** Which kubernetes triggers the table holds, and what each of them is to watch, as whom. Pure. */
import { createHash } from 'node:crypto';
import type { KubernetesTrigger } from '../../function/types.ts';
import { expressionsHash } from '../../link/append-messages.ts';
import { differingKeys } from '../../routing/layered-map.ts';
import type { FunctionEntry, KubernetesTriggerEntry, RouteTable } from '../../routing/types.ts';
import { checkFieldSelector, writeLabelSelector } from '../../triggers/kubernetes-selector.ts';

/** Where objects are looked for. */
export type NamespaceChoice =
  | { readonly from: 'Same' | 'All' }
  | { readonly from: 'Names'; readonly names: readonly string[] }
  /** As the API server takes it. */
  | { readonly from: 'Selector'; readonly selector: string };

export interface TriggerPlan {
  readonly functionUid: string;
  readonly functionName: string;
  readonly namespace: string;
  readonly namespaceUid: string;
  readonly trigger: string;
  readonly group: string;
  /** Of the function's own namespace. */
  readonly serviceAccount: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaces: NamespaceChoice;
  /** As the API server takes them. */
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Hash of what decides about an object in the runtime. */
  readonly expressions: string;
  /** Hash of what is watched: an edit of it begins anew. */
  readonly selection: string;
}

/** User name of the account that a trigger reads as. */
export function accountOf({ namespace, serviceAccount }: TriggerPlan): string {
  return `system:serviceaccount:${namespace}:${serviceAccount}`;
}

/** Key of a trigger in maps. */
export function planKey({ functionUid, trigger }: Pick<TriggerPlan, 'functionUid' | 'trigger'>): string {
  return `${functionUid}/${trigger}`;
}

const nothing: readonly TriggerPlan[] = [];

/**
 * Entries that did not change are the same objects, so are their plans; where no function with a plan changed, the whole map
 * is. Most edits are of functions without such a trigger.
 */
export function createTriggerPlanner(): (table: RouteTable) => ReadonlyMap<string, TriggerPlan> {
  const known = new WeakMap<FunctionEntry, readonly TriggerPlan[]>();
  let functions: RouteTable['functions'] = new Map();
  let plans: ReadonlyMap<string, TriggerPlan> = new Map();

  function plansOf(entry: FunctionEntry | undefined): readonly TriggerPlan[] {
    if (entry === undefined) return nothing;
    let own = known.get(entry);
    if (own === undefined) known.set(entry, (own = planFunction(entry)));
    return own;
  }

  return (table) => {
    const before = functions;
    functions = table.functions;
    const moved = differingKeys(before, functions).some(
      (uid) => plansOf(before.get(uid)).length + plansOf(functions.get(uid)).length > 0,
    );
    if (!moved) return plans;
    const next = new Map<string, TriggerPlan>();
    for (const entry of functions.values()) for (const plan of plansOf(entry)) next.set(planKey(plan), plan);
    plans = next;
    return plans;
  };
}

/** A suspended function keeps its place and watches nothing. */
function planFunction(entry: FunctionEntry): readonly TriggerPlan[] {
  const { serviceAccountName, suspended } = entry;
  if (suspended || serviceAccountName === undefined) return nothing;
  const plans = entry.triggers.flatMap((trigger) =>
    trigger.kind === 'kubernetes' && trigger.unresolved === undefined
      ? [planTrigger(entry, serviceAccountName, trigger)]
      : [],
  );
  return plans.length === 0 ? nothing : plans;
}

function planTrigger(entry: FunctionEntry, serviceAccount: string, trigger: KubernetesTriggerEntry): TriggerPlan {
  // The build has checked it, and written it as it is.
  const spec = trigger.spec as unknown as KubernetesTrigger;
  const labels = writeLabelSelector(spec.labelSelector ?? {});
  const fields = spec.fieldSelector === undefined ? undefined : checkFieldSelector(spec.fieldSelector);
  const watched = {
    apiVersion: spec.apiVersion,
    kind: spec.kind,
    namespaces: chooseNamespaces(spec),
    ...(labels.ok && labels.text !== '' ? { labelSelector: labels.text } : {}),
    ...(fields?.ok === true ? { fieldSelector: fields.text } : {}),
    namespace: entry.namespace,
    serviceAccount,
  };
  const { filter, changed } = trigger;
  return {
    ...watched,
    functionUid: entry.uid,
    functionName: entry.name,
    namespaceUid: entry.namespaceUid,
    trigger: trigger.name,
    group: entry.group,
    expressions: expressionsHash({
      ...(filter === undefined ? {} : { filter }),
      ...(changed === undefined ? {} : { changed }),
    }),
    selection: createHash('sha256').update(JSON.stringify(watched)).digest('base64url').slice(0, 24),
  };
}

function chooseNamespaces({ namespaces }: KubernetesTrigger): NamespaceChoice {
  if (namespaces === undefined || namespaces.from === 'Same') return { from: 'Same' };
  if (namespaces.from === 'All') return { from: 'All' };
  if (namespaces.from === 'Names') return { from: 'Names', names: (namespaces.names ?? []).toSorted() };
  const selector = writeLabelSelector(namespaces.selector ?? {});
  return { from: 'Selector', selector: selector.ok ? selector.text : '' };
}
