/** Our own resources as the API server last gave them, and what of each the table is built from. */
import { createFunctionCheck } from '../function/check-function.ts';
import { createSubscriptionCheck } from '../function/check-subscription.ts';
import type { Mistake } from '../function/mistakes.ts';
import type { Condition, WebhookFunction } from '../function/types.ts';
import type { WebhookSubscription } from '../function/subscription-types.ts';
import { receivers } from '../receivers/catalogue.ts';
import type { FunctionInput } from '../routing/build-context.ts';
import { hashOf } from '../routing/build-function.ts';
import type { SubscriptionInput } from '../routing/build-subscription.ts';
import type { FunctionVerdict } from '../routing/types.ts';
import type { KubeObject } from './kube-object.ts';

export type ResourceKind = 'WebhookFunction' | 'WebhookSubscription';

/** One of our resources, without what nobody here reads. */
export interface WatchedObject extends KubeObject {
  readonly spec?: { readonly class?: string } & Readonly<Record<string, unknown>>;
  readonly status?: ResourceStatus;
}

/** As it is written, and as others may have changed it. */
export interface ResourceStatus {
  readonly observedGeneration?: number;
  readonly revision?: string;
  readonly conditions?: readonly (Omit<Condition, 'type'> & { readonly type: string })[];
  readonly [field: string]: unknown;
}

export type ResourceInput =
  | { readonly kind: 'WebhookFunction'; readonly input: FunctionInput }
  | { readonly kind: 'WebhookSubscription'; readonly input: SubscriptionInput };

/** What a resource is for the build. */
export type ReadResource =
  | { readonly ok: true; readonly resource: ResourceInput }
  /** The API server of an older or newer CRD let it through. */
  | { readonly ok: false; readonly verdict: FunctionVerdict };

/** Checks again what the API server has checked: objects outlive the CRD they were made under. */
export type ResourceReader = (kind: ResourceKind, object: WatchedObject, namespaceUid: string) => ReadResource;

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Keeps of an object what is needed: neither the history of its fields nor the copy that kubectl makes of it. */
export function keepResource(object: KubeObject): WatchedObject {
  const {
    managedFields: _history,
    annotations,
    ...metadata
  } = object.metadata as KubeObject['metadata'] & {
    readonly managedFields?: unknown;
  };
  const kept = Object.entries(annotations ?? {}).filter(([name]) => name !== lastApplied);
  return {
    ...object,
    metadata: { ...metadata, ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }) },
  };
}

/** Somebody has asked, through whatever replica, to read again what it refers to. */
export function asksForRefresh(before: ResourceStatus | undefined, now: ResourceStatus | undefined): boolean {
  return before !== undefined && now !== undefined && before['refreshRequested'] !== now['refreshRequested'];
}

export function createResourceReader(): ResourceReader {
  const checkFunction = createFunctionCheck(receivers);
  const checkSubscription = createSubscriptionCheck();
  return (kind, object, namespaceUid) => {
    const { apiVersion, metadata, spec } = object;
    const document = { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace }, spec };
    const whole = { apiVersion, kind, metadata, spec };
    if (kind === 'WebhookFunction') {
      const checked = checkFunction(document);
      if (!checked.ok) return { ok: false, verdict: invalid(kind, object, checked.mistakes) };
      return { ok: true, resource: { kind, input: { resource: whole as unknown as WebhookFunction, namespaceUid } } };
    }
    const mistakes = checkSubscription(document);
    if (mistakes.length > 0) return { ok: false, verdict: invalid(kind, object, mistakes) };
    return { ok: true, resource: { kind, input: { resource: whole as unknown as WebhookSubscription, namespaceUid } } };
  };
}

function invalid(kind: ResourceKind, { metadata }: WatchedObject, mistakes: readonly Mistake[]): FunctionVerdict {
  const { uid, name, namespace = 'default', generation = 1 } = metadata;
  const lines = mistakes.map(
    ({ path, message, hint }) => `${path}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
  const message = lines.join('; ').slice(0, 2000);
  return {
    ...(kind === 'WebhookFunction' ? {} : { kind }),
    uid,
    namespace,
    name,
    generation,
    revision: hashOf(`invalid ${uid} ${generation}`),
    suspended: false,
    conditions: [
      { type: 'Accepted', status: 'False', reason: 'Invalid', message, observedGeneration: generation },
      {
        type: 'ResolvedRefs',
        status: 'Unknown',
        reason: 'Pending',
        message: 'references are read once the resource is valid',
        observedGeneration: generation,
      },
    ],
    problems: mistakes.map(({ path, message }) => ({ condition: 'Accepted', reason: 'Invalid', path, message })),
    warnings: [],
    urls: [],
    programmable: false,
  };
}
