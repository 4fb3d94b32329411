/** Which collections a trigger watches, and where a single object of it is found. Pure. */
import type { KindResource } from '../host-calls/plan-request.ts';
import { resourcePath } from '../kube-answer.ts';
import type { Collection } from '../list-pages.ts';
import { accountOf, type TriggerPlan } from './plan-triggers.ts';
import { isMetadataOnly } from './watched-object.ts';

/** A collection and the namespace it is of; undefined: of all, or the kind has none. */
export interface PlacedCollection {
  readonly namespace: string | undefined;
  readonly collection: Collection;
}

/** `selected`: namespaces that the trigger's selector chooses now. */
export function chooseCollections(
  plan: TriggerPlan,
  { resource, namespaced }: KindResource,
  selected: Iterable<string>,
): readonly PlacedCollection[] {
  const { apiVersion, labelSelector, fieldSelector } = plan;
  return namespacesOf(plan, namespaced, selected).map((namespace) => ({
    namespace,
    collection: {
      path: resourcePath({ apiVersion, resource, namespace }),
      impersonate: accountOf(plan),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(isMetadataOnly(plan) ? { metadataOnly: true } : {}),
    },
  }));
}

function namespacesOf(
  { namespaces, namespace }: TriggerPlan,
  namespaced: boolean,
  selected: Iterable<string>,
): readonly (string | undefined)[] {
  if (!namespaced || namespaces.from === 'All') return [undefined];
  if (namespaces.from === 'Names') return namespaces.names;
  return namespaces.from === 'Selector' ? [...selected].toSorted() : [namespace];
}

/** Namespaces that the trigger's own account sees under that selector; undefined: it has none. */
export function namespaceCollection(plan: TriggerPlan): Collection | undefined {
  if (plan.namespaces.from !== 'Selector') return undefined;
  return {
    path: resourcePath({ apiVersion: 'v1', resource: 'namespaces' }),
    impersonate: accountOf(plan),
    labelSelector: plan.namespaces.selector,
  };
}

/** One object by name, with the right to list alone. */
export function singleObject(
  plan: TriggerPlan,
  { resource }: KindResource,
  { namespace, name }: { readonly namespace?: string; readonly name: string },
): Collection {
  return {
    path: resourcePath({ apiVersion: plan.apiVersion, resource, namespace }),
    impersonate: accountOf(plan),
    fieldSelector: `metadata.name=${name}`,
    ...(isMetadataOnly(plan) ? { metadataOnly: true } : {}),
  };
}
