/** Reads one object that functions refer to, by its name, and says in the user's words why it cannot be had. */
import { resourcePath, type KubeFailure, wholeObject } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import type { ReferenceKind } from '../routing/read-references.ts';
import type { ReferencedObject } from '../routing/types.ts';

export interface ReferenceName {
  readonly kind: ReferenceKind;
  readonly namespace: string;
  readonly name: string;
}

export type ReferenceReading =
  /** `object` undefined: it does not exist. */
  | { readonly known: true; readonly object: ReferencedObject | undefined }
  /** Nothing was learned; what was known stays. */
  | { readonly known: false; readonly failure: KubeFailure };

interface ReferenceBody extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

const resources: Readonly<Record<ReferenceKind, string>> = {
  Secret: 'secrets',
  ConfigMap: 'configmaps',
  ServiceAccount: 'serviceaccounts',
};

/** Takes a key of `referenceKey` apart; undefined: a local file. */
export function parseReferenceKey(key: string): ReferenceName | undefined {
  const [kind = '', namespace, name] = key.split('/');
  if (!Object.hasOwn(resources, kind) || namespace === undefined || name === undefined) return undefined;
  return { kind: kind as ReferenceKind, namespace, name };
}

/** Who the controller is to the API server, for what users are told to do. */
export interface ControllerRights {
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  readonly account: string;
  /** ClusterRole that is bound in each namespace whose references it may get. */
  readonly tenantRole: string;
}

/** Asks the API server. */
export async function readReference(
  client: KubeClient,
  { kind, namespace, name }: ReferenceName,
  { account, tenantRole }: ControllerRights,
  signal: AbortSignal,
): Promise<ReferenceReading> {
  const resource = resources[kind];
  const path = resourcePath({ apiVersion: 'v1', resource, namespace, name });
  const answer = wholeObject(await client.request<ReferenceBody>({ path, timeoutMs: 10_000, signal }));
  if (answer.ok) return { known: true, object: objectOf(kind, answer.body) };
  if (answer.status === 404) return { known: true, object: undefined };
  if (answer.status !== 403) return { known: false, failure: answer };
  const command = `kubectl auth can-i get ${resource}/${name} -n ${namespace} --as=${account}`;
  const message = `the controller may not get ${resource} in namespace ${namespace}: bind the ClusterRole ${tenantRole} to it there; to see whether it may: ${command}`;
  return { known: true, object: { state: 'problem', reason: 'Forbidden', message } };
}

function objectOf(kind: ReferenceKind, body: ReferenceBody): ReferencedObject {
  const data = new Map<string, Uint8Array>();
  const encoding = kind === 'Secret' ? 'base64' : 'utf8';
  if (kind !== 'ServiceAccount') {
    for (const [key, value] of Object.entries(body.data ?? {})) data.set(key, Buffer.from(value, encoding));
    for (const [key, value] of Object.entries(body.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'));
  }
  return {
    state: 'found',
    resourceVersion: body.metadata.resourceVersion,
    labels: body.metadata.labels ?? {},
    data,
    ...(body.type === undefined ? {} : { type: body.type }),
  };
}
