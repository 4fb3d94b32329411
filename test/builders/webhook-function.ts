/** Builds resources as users write them and their sources hand them over, and what they refer to. */
import type { FunctionSpec, ObjectMeta, Trigger, WebhookFunction } from '../../src/function/types.ts';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { receivers } from '../../src/receivers/catalogue.ts';
import type { FunctionInput } from '../../src/routing/build-context.ts';
import type { BuildInput } from '../../src/routing/build-route-table.ts';
import { byUid } from '../../src/routing/find-changes.ts';
import { referenceKey, type ReferenceKind } from '../../src/routing/read-references.ts';
import type { ReferencedObject } from '../../src/routing/types.ts';

/** The resource `hook` in `team-a`, with one open trigger `web` at the relative path `hook`. */
export function webhookFunction(metadata: Partial<ObjectMeta> = {}, spec: Partial<FunctionSpec> = {}): WebhookFunction {
  const name = metadata.name ?? 'hook';
  const namespace = metadata.namespace ?? 'team-a';
  return {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookFunction',
    metadata: {
      name,
      namespace,
      uid: `uid-${namespace}-${name}`,
      generation: 1,
      creationTimestamp: '2025-01-01T00:00:00Z',
      ...metadata,
    },
    spec: {
      ...(spec.codeFrom === undefined ? { code: 'return function() return "hi" end' } : {}),
      triggers: [openTrigger(name)],
      ...spec,
    },
  };
}

/** An HTTP trigger that anyone may call. */
export function openTrigger(path: string, parts: Partial<Trigger['http']> = {}, name = 'web'): Trigger {
  return { name, http: { path, receiver: { open: {} }, ...parts } };
}

/** The same as its source gives it. */
export function functionInput(metadata: Partial<ObjectMeta> = {}, spec: Partial<FunctionSpec> = {}): FunctionInput {
  const resource = webhookFunction(metadata, spec);
  return { resource, namespaceUid: `uid-${resource.metadata.namespace ?? 'default'}` };
}

/** A labelled object of `team-a` with these values, as an entry of `References`. */
export function reference(
  kind: ReferenceKind,
  name: string,
  data: Readonly<Record<string, string | Uint8Array>> = {},
  parts: Partial<Extract<ReferencedObject, { state: 'found' }>> & { readonly namespace?: string } = {},
): [string, ReferencedObject] {
  const { namespace = 'team-a', ...rest } = parts;
  const bytes = Object.entries(data).map(([key, value]): [string, Uint8Array] => [
    key,
    typeof value === 'string' ? Buffer.from(value) : value,
  ]);
  return [
    referenceKey(kind, namespace, name),
    {
      state: 'found',
      resourceVersion: '1',
      labels: { 'moonhook.dev/functions': 'true', 'moonhook.dev/code': 'true' },
      data: new Map(bytes),
      ...rest,
    },
  ];
}

/** The input of a build in a cluster where every host and path is granted. */
export function buildInput(functions: readonly FunctionInput[], parts: Partial<BuildInput> = {}): BuildInput {
  return {
    functions: byUid(functions),
    references: new Map(),
    policy: defaultTestPolicy,
    receivers,
    mode: 'cluster',
    fingerprintKey: testFingerprintKey,
    ...parts,
  };
}

const testFingerprintKey = new Uint8Array(32).fill(7);
const defaultTestPolicy = localPolicy('https://hooks.example.com');
