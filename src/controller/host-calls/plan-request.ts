/** Makes of a function's call the one request it stands for, or says why there is none. Pure. */
import type { KubernetesArguments, KubernetesOperation } from '../../host/kubernetes-types.ts';
import { resourcePath, type KubeRequest } from '../kube-answer.ts';

/** What the API server calls the objects of a kind. */
export interface KindResource {
  /** Plural: `deployments`. */
  readonly resource: string;
  readonly namespaced: boolean;
}

/** On whose behalf: from the controller's own table, never from the runtime. */
export interface CallOwner {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccountName: string;
}

export type RequestPlan =
  | { readonly ok: true; readonly request: KubeRequest }
  | { readonly ok: false; readonly message: string };

/** Everything else (`token`, `exec`, `attach`, `portforward`, `proxy`, `binding`, `finalize` …) is never asked for. */
const subresources: Readonly<Record<string, readonly KubernetesOperation[]>> = {
  scale: ['get', 'update', 'patch', 'apply'],
  status: ['get', 'update', 'patch', 'apply'],
  eviction: ['create'],
};
/** Questions about who may do what, which mint or probe identities, and our own API: an event published there would begin a new chain, past the budget against loops. */
const refusedGroups: ReadonlySet<string> = new Set([
  'authentication.k8s.io',
  'authorization.k8s.io',
  'run.moonhook.dev',
]);

const methods = {
  get: 'GET',
  list: 'GET',
  logs: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  apply: 'PATCH',
  delete: 'DELETE',
} as const;

const patchTypes: Readonly<Record<string, string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

/** Longest name of a field manager (meta/v1 `ApplyOptions`). */
const longestManager = 128;

/** Why this can never be asked, whatever the roles say; undefined: it can. Needs no knowledge of the cluster. */
export function refuseCall(
  operation: KubernetesOperation,
  { apiVersion, kind, name, subresource, body, type }: KubernetesArguments,
): string | undefined {
  if (refusedGroups.has(groupOf(apiVersion)) || /review$/i.test(kind)) return `${kind} is not available to functions`;
  if (subresource !== undefined) {
    const allowed = Object.hasOwn(subresources, subresource) ? subresources[subresource] : undefined;
    if (allowed === undefined) return `the subresource ${subresource} is not available to functions`;
    if (!allowed.includes(operation)) return `${operation} is not possible for the subresource ${subresource}`;
  }
  const isPod = apiVersion === 'v1' && kind === 'Pod';
  if ((subresource === 'eviction' || operation === 'logs') && !isPod) {
    return `only pods have ${operation === 'logs' ? 'logs' : subresource}: apiVersion "v1", kind "Pod"`;
  }
  if (operation === 'list') {
    if (name !== undefined) return 'a list has no name';
  } else if (name === undefined && (operation !== 'create' || subresource !== undefined)) {
    return 'the name is missing';
  }
  const sends = operation !== 'get' && operation !== 'list' && operation !== 'logs' && operation !== 'delete';
  if (sends !== (body !== undefined)) return sends ? 'the object is missing' : `${operation} sends no object`;
  if (type !== undefined && (operation !== 'patch' || !Object.hasOwn(patchTypes, type))) {
    return `the type of a patch is one of ${Object.keys(patchTypes).join(', ')}`;
  }
  return undefined;
}

/** Of a call that `refuseCall` lets pass. */
export function planRequest(
  operation: KubernetesOperation,
  wanted: KubernetesArguments,
  { resource, namespaced }: KindResource,
  owner: CallOwner,
): RequestPlan {
  const { apiVersion, name, namespace = owner.namespace, body, metadataOnly } = wanted;
  if (resource.endsWith('reviews')) return { ok: false, message: `${resource} are not available to functions` };
  if (!namespaced && wanted.namespace !== undefined) {
    return { ok: false, message: `${wanted.kind} has no namespace: leave it out` };
  }
  const subresource = operation === 'logs' ? 'log' : wanted.subresource;
  // A plain create goes to the collection; the name stands in the object.
  const inPath = name !== undefined && (operation !== 'create' || subresource !== undefined);
  return {
    ok: true,
    request: {
      method: methods[operation],
      path: resourcePath({
        apiVersion,
        resource,
        ...(namespaced ? { namespace } : {}),
        ...(inPath ? { name } : {}),
        ...(subresource === undefined ? {} : { subresource }),
      }),
      query: queryOf(operation, wanted, owner),
      impersonate: `system:serviceaccount:${owner.namespace}:${owner.serviceAccountName}`,
      ...(body === undefined ? {} : { bodyText: body }),
      ...contentOf(operation, wanted),
      ...(metadataOnly === true && (operation === 'get' || operation === 'list')
        ? { accept: metadataAccept(operation) }
        : {}),
      // The text of a log, but errors as JSON.
      ...(operation === 'logs' ? { accept: 'application/json, */*' } : {}),
    },
  };
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] as string) : '';
}

function queryOf(
  operation: KubernetesOperation,
  wanted: KubernetesArguments,
  { name }: CallOwner,
): NonNullable<KubeRequest['query']> {
  const fieldManager = `moonhook-${name}`.slice(0, longestManager);
  if (operation === 'list') {
    return { labelSelector: wanted.labelSelector, limit: wanted.limit, continue: wanted.continue };
  }
  if (operation === 'logs') {
    return { container: wanted.container, previous: wanted.previous, tailLines: wanted.tail };
  }
  if (operation === 'get') return {};
  if (operation === 'delete') return { propagationPolicy: 'Background' };
  return operation === 'apply' ? { fieldManager, force: true } : { fieldManager };
}

function contentOf(operation: KubernetesOperation, { type = 'merge' }: KubernetesArguments): { contentType?: string } {
  if (operation === 'apply') return { contentType: 'application/apply-patch+yaml' };
  const contentType = operation === 'patch' ? patchTypes[type] : undefined;
  return contentType === undefined ? {} : { contentType };
}

function metadataAccept(operation: 'get' | 'list'): string {
  const kind = operation === 'get' ? 'PartialObjectMetadata' : 'PartialObjectMetadataList';
  return `application/json;as=${kind};g=meta.k8s.io;v=v1`;
}
