/** The resources as users write them, after defaults nowhere: `WebhookFunction` of group `moonhook.dev`, version `v1alpha1`. */

export const apiVersion = 'moonhook.dev/v1alpha1';

/** `name` and `key` of a Secret of the function's own namespace. */
export interface KeyReference {
  readonly name: string;
  readonly key: string;
}

export interface NameReference {
  readonly name: string;
}

export interface ObjectMeta {
  readonly name: string;
  /** Files without one are in `default`. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface WebhookFunction {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'WebhookFunction';
  readonly metadata: ObjectMeta;
  readonly spec: FunctionSpec;
}

export interface CodeSource {
  readonly configMapKeyRef?: KeyReference;
  /** Local files only, relative to the YAML file. */
  readonly file?: string;
}

export interface ModuleSource extends CodeSource {
  readonly name: string;
  readonly code?: string;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: KeyReference; readonly configMapKeyRef?: KeyReference };
}

export interface EnvFrom {
  readonly prefix?: string;
  readonly configMapRef?: NameReference;
  readonly secretRef?: NameReference;
}

/** Durations as `10s`, sizes as Kubernetes quantities. */
export interface Limits {
  readonly timeout?: string;
  readonly cpuTime?: string;
  readonly memory?: string | number;
  readonly concurrency?: number;
  readonly requestBody?: string | number;
  readonly responseBody?: string | number;
  readonly log?: string | number;
  readonly hostCalls?: number;
}

/** Limits of one call, complete, in the units the product computes with. */
export interface ResolvedLimits {
  readonly timeoutMs: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly concurrency: number;
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
  readonly logBytes: number;
  readonly logLines: number;
  readonly hostCalls: number;
  readonly parallelHostCalls: number;
}

export interface Retry {
  readonly schedule?: readonly string[];
}

export interface FunctionSpec {
  readonly class?: string;
  readonly suspend?: boolean;
  readonly code?: string;
  readonly codeFrom?: CodeSource;
  readonly modules?: readonly ModuleSource[];
  readonly modulesFrom?: readonly { readonly configMapRef: NameReference }[];
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly EnvFrom[];
  readonly serviceAccountName?: string;
  readonly limits?: Limits;
  readonly egress?: { readonly allow: readonly string[] };
  readonly retry?: Retry;
  readonly callback?: { readonly secretRefs: readonly KeyReference[]; readonly urls: readonly string[] };
  readonly triggers?: readonly Trigger[];
}

/** Exactly one of `http`, `kubernetes`, `schedule`, `event`. */
export interface Trigger {
  readonly name: string;
  readonly filter?: string;
  readonly limits?: Limits;
  readonly retry?: Retry;
  readonly http?: HttpTrigger;
  readonly kubernetes?: KubernetesTrigger;
  readonly schedule?: ScheduleTrigger;
  readonly event?: EventTrigger;
}

export interface HttpRoute {
  readonly path: string;
  readonly methods?: readonly string[];
  readonly host?: string;
}

export interface Cors {
  readonly origins: readonly string[];
  readonly methods?: readonly string[];
  readonly headers?: readonly string[];
  readonly credentials?: boolean;
  readonly maxAge?: string;
}

export interface HttpTrigger {
  readonly path?: string;
  readonly host?: string;
  readonly methods?: readonly string[];
  readonly routes?: readonly HttpRoute[];
  readonly receiver: Receiver;
  readonly mode?: 'sync' | 'async';
  readonly ackAfter?: string;
  readonly publish?: boolean;
  readonly cors?: Cors;
  /** `key` is a Lua expression over the event; absent: one key for all; nil: not limited. */
  readonly rate?: { readonly requests: number; readonly per: string; readonly key?: string };
  readonly dedup?: { readonly key?: string; readonly window?: string };
  readonly concurrency?: { readonly key?: string; readonly limit: number };
  readonly debounce?: Debounce;
  readonly callback?: { readonly secretRefs: readonly KeyReference[]; readonly urls: readonly string[] };
}

export interface Debounce {
  readonly key?: string;
  readonly wait: string;
  readonly maxWait?: string;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface KubernetesTrigger {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaces?: {
    readonly from: 'Same' | 'All' | 'Names' | 'Selector';
    readonly names?: readonly string[];
    readonly selector?: LabelSelector;
  };
  readonly labelSelector?: LabelSelector;
  readonly fieldSelector?: string;
  readonly events?: readonly ('Added' | 'Modified' | 'Deleted' | 'Left')[];
  readonly changed?: string;
  readonly initial?: 'Skip' | 'Each';
  readonly debounce?: Debounce;
}

export interface ScheduleTrigger {
  readonly cron: string;
  readonly timeZone?: string;
  readonly missed?: 'RunOnce' | 'Skip';
  readonly concurrencyPolicy?: 'Forbid' | 'Allow' | 'Replace';
  readonly data?: unknown;
}

export interface EventTrigger {
  readonly type: string;
  readonly source?: string;
  readonly dedup?: { readonly key?: string; readonly window?: string };
  readonly concurrency?: { readonly key?: string; readonly limit: number };
  readonly debounce?: Debounce;
}

/** Exactly one key: the receiver's name in camel case; the value holds that receiver's own fields. */
export type Receiver = Readonly<Record<string, ReceiverFields>>;

/** Fields every receiver may have; the rest is checked by the schema the receiver itself declares. */
export interface ReceiverFields {
  readonly secretRefs?: readonly KeyReference[];
  readonly events?: readonly string[];
  readonly [field: string]: unknown;
}

/** Condition types of a function's status, in the order `describe` shows them. */
export type ConditionType = 'Accepted' | 'ResolvedRefs' | 'Programmed' | 'Ready' | 'Stalled';

export interface Condition {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
}
