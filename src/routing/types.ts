/** The route table: what the source of resources (files, cluster) tells every runtime. Plain data, JSON all through. */
import type { Condition, ResolvedLimits } from '../function/types.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';

export type { ResolvedLimits } from '../function/types.ts';

/** Why a part of a function cannot run: answers 503 (or holds accepted events), never an older gate. */
export interface Unresolved {
  /** Stable: `SecretNotFound`, `SecretTooWeak`, `NotConsented`, `ConfigMapNotFound` … */
  readonly reason: string;
  readonly message: string;
}

export interface RouteEntry {
  /** Canonical pattern: `/team-a/items/:id`. */
  readonly path: string;
  readonly host?: string;
  /** Upper case; empty: all. */
  readonly methods: readonly string[];
  /** Set where it differs from the trigger's own: a route on another host. */
  readonly publicUrl?: string;
  /** True: the whole host belongs to the function's namespace (it may set cookies there). */
  readonly ownsHost?: boolean;
}

/** Where `X-Callback-Url` may point to, and what signs the callback (the first secret). */
export interface CallbackEntry {
  /** Host patterns. */
  readonly urls: readonly string[];
  /** Resolved secrets, base64; never printed by the dump. */
  readonly secrets: readonly string[];
}

export interface KeyedLimit {
  readonly key?: string;
  readonly limit: number;
}

export interface DebounceEntry {
  readonly key?: string;
  readonly waitMs: number;
  readonly maxWaitMs?: number;
}

export interface DedupEntry {
  readonly key?: string;
  readonly windowMs: number;
}

interface TriggerBase {
  readonly name: string;
  /** Handler names to try in order: `deploy_on_push`, `default`. */
  readonly handlers: readonly string[];
  /** Source of the filter expression; compiled with the function under this trigger's name. */
  readonly filter?: string;
  readonly limits: ResolvedLimits;
  /** Waits between attempts, milliseconds. */
  readonly retryScheduleMs: readonly number[];
  /** Set: this trigger cannot serve now. */
  readonly unresolved?: Unresolved;
}

export interface HttpTriggerEntry extends TriggerBase {
  readonly kind: 'http';
  readonly routes: readonly RouteEntry[];
  /** Public URL of the mount, without trailing slash and path: `https://hooks.example.com`. */
  readonly publicUrl: string;
  readonly receiver: {
    readonly name: string;
    readonly fields: Readonly<Record<string, unknown>>;
    /** Resolved secrets, base64; never printed by the dump. */
    readonly secrets: readonly string[];
    /** Resolved secrets of the receiver's own reference fields by their path, base64; never printed by the dump. */
    readonly namedSecrets?: Readonly<Record<string, string>>;
    readonly events?: readonly string[];
  };
  readonly mode: 'sync' | 'async';
  readonly ackAfterMs?: number;
  readonly publish: boolean;
  readonly cors?: {
    readonly origins: readonly string[];
    readonly methods: readonly string[];
    readonly headers: readonly string[];
    readonly credentials: boolean;
    readonly maxAgeSeconds?: number;
  };
  readonly rate?: { readonly requests: number; readonly perMs: number; readonly key?: string };
  readonly dedup?: DedupEntry;
  readonly concurrency?: KeyedLimit;
  readonly debounce?: DebounceEntry;
  /** The trigger's own, else the function's. */
  readonly callback?: CallbackEntry;
}

export interface ScheduleTriggerEntry extends TriggerBase {
  readonly kind: 'schedule';
  readonly cron: string;
  readonly timeZone: string;
  readonly missed: 'RunOnce' | 'Skip';
  readonly concurrencyPolicy: 'Forbid' | 'Allow' | 'Replace';
  readonly data?: unknown;
}

export interface EventTriggerEntry extends TriggerBase {
  readonly kind: 'event';
  readonly type: string;
  readonly source?: string;
  readonly dedup?: DedupEntry;
  readonly concurrency?: KeyedLimit;
  readonly debounce?: DebounceEntry;
}

/** Run by the controller's watch; a local run without a cluster reports it as not available. */
export interface KubernetesTriggerEntry extends TriggerBase {
  readonly kind: 'kubernetes';
  readonly spec: Readonly<Record<string, unknown>>;
  readonly changed?: string;
  /** Per object. */
  readonly debounce?: DebounceEntry;
}

export type TriggerEntry = HttpTriggerEntry | ScheduleTriggerEntry | EventTriggerEntry | KubernetesTriggerEntry;

/** Line n of the Lua is line `lineOffset` + n of the file. */
export interface CodeOrigin {
  readonly file: string;
  readonly lineOffset: number;
  readonly columnOffset: number;
}

/** The code part of an entry: the only part that last-good rules keep. */
export interface CodeEntry {
  /** Hash of code and modules. */
  readonly codeRevision: string;
  readonly code: string;
  /** Where the code stands, for errors. Local mode. */
  readonly origin?: CodeOrigin;
  readonly modules: Readonly<Record<string, string>>;
  /** Where modules stand, by name; those of ConfigMaps are absent. Local mode. */
  readonly moduleOrigins?: Readonly<Record<string, CodeOrigin>>;
}

export interface FunctionEntry {
  readonly uid: string;
  readonly namespace: string;
  readonly namespaceUid: string;
  readonly name: string;
  /** Runtime group that serves it. */
  readonly group: string;
  /** Groups that still run what it left in their stores; only in the controller's own table. */
  readonly leaving?: readonly string[];
  readonly generation: number;
  /** Hash of spec, code, modules, configuration, secret versions and effective policy. */
  readonly revision: string;
  readonly code: CodeEntry;
  readonly env: Readonly<Record<string, string>>;
  /** Names in `env` whose values are secret: never dumped. */
  readonly secretEnv: readonly string[];
  readonly limits: ResolvedLimits;
  readonly egress: {
    /** Present: exclusive list of host patterns. */
    readonly allow?: readonly string[];
  };
  /** For active calls that carry `X-Callback-Url`. */
  readonly callback?: CallbackEntry;
  readonly retryScheduleMs: readonly number[];
  readonly suspended: boolean;
  /** It has moved to another group: what waits here is run, schedules plan nothing new. */
  readonly draining?: true;
  readonly serviceAccountName?: string;
  readonly triggers: readonly TriggerEntry[];
  /** Set: the whole function cannot run (its env lacks a secret …). */
  readonly unresolved?: Unresolved;
}

export interface RouteTable {
  /** Grows by one with each build that changed anything. */
  readonly version: number;
  /** By uid. */
  readonly functions: ReadonlyMap<string, FunctionEntry>;
  /** By uid; absent: none. */
  readonly subscriptions?: ReadonlyMap<string, SubscriptionEntry>;
}

/** What one runtime says about one revision. */
export interface Acknowledgement {
  readonly uid: string;
  readonly revision: string;
  readonly accepted: boolean;
  /** Revision whose code is serving: the last good one when this was rejected. */
  readonly servingRevision?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly line?: number;
  readonly column?: number;
  readonly file?: string;
  readonly suggestion?: string;
}

/** One finding of the build. `Accepted`: the resource itself is at fault; `ResolvedRefs`: something it refers to. */
export interface Problem {
  readonly condition: 'Accepted' | 'ResolvedRefs';
  /** Stable. */
  readonly reason: string;
  /** Inside the resource: `spec.triggers[0].http.path`. */
  readonly path?: string;
  /** What is wrong and what to do. */
  readonly message: string;
  /** Uid of the resource of the same namespace that is in the way. */
  readonly other?: string;
}

/** What the build says about one function or subscription, before any runtime has judged its Lua. */
export interface FunctionVerdict {
  /** Absent: a function. */
  readonly kind?: 'WebhookSubscription';
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Runtimes that serve it; absent: those of the default group. */
  readonly group?: string;
  readonly generation: number;
  readonly revision: string;
  readonly suspended: boolean;
  /** `Accepted` and `ResolvedRefs`; the rest is derived from the runtimes' acknowledgements. */
  readonly conditions: readonly Condition[];
  /** Each finding behind the conditions. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly urls: readonly { readonly trigger: string; readonly url: string }[];
  /** False: nothing of this function is in the table (invalid resource, quota). */
  readonly programmable: boolean;
}

/** A Secret, ConfigMap, ServiceAccount or local file that functions refer to, as its source last read it. */
export type ReferencedObject =
  | {
      readonly state: 'found';
      /** The source's version of the object; absent: the build takes a keyed fingerprint of the value. */
      readonly resourceVersion?: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Of a Secret: `Opaque`, `kubernetes.io/service-account-token` … */
      readonly type?: string;
      /** Key → bytes; of a file: one entry, the empty key. */
      readonly data: ReadonlyMap<string, Uint8Array>;
    }
  /** Cannot be read: `Pending`, `Forbidden`, `FileUnreadable` …; the message says what to do. */
  | { readonly state: 'problem'; readonly reason: string; readonly message: string };
