/** The route table: what the source of resources (files, cluster) tells every runtime. Plain data, JSON all through. */
import type { Condition, KeyReference } from '../function/types.ts';

/** Limits with every default and ceiling applied. */
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
}

export interface KeyedLimit {
  readonly key?: string;
  readonly limit: number;
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
  readonly dedup?: { readonly key?: string; readonly windowMs: number };
  readonly concurrency?: KeyedLimit;
  readonly debounce?: { readonly key?: string; readonly waitMs: number; readonly maxWaitMs?: number };
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
}

/** Run by the controller's watch; a local run without a cluster reports it as not available. */
export interface KubernetesTriggerEntry extends TriggerBase {
  readonly kind: 'kubernetes';
  readonly spec: Readonly<Record<string, unknown>>;
  readonly changed?: string;
}

export type TriggerEntry = HttpTriggerEntry | ScheduleTriggerEntry | EventTriggerEntry | KubernetesTriggerEntry;

/** The code part of an entry: the only part that last-good rules keep. */
export interface CodeEntry {
  /** Hash of code and modules. */
  readonly codeRevision: string;
  readonly code: string;
  /** Where the code stands, for errors: file and the line before its first. Local mode. */
  readonly origin?: { readonly file: string; readonly lineOffset: number; readonly columnOffset: number };
  readonly modules: Readonly<Record<string, string>>;
}

export interface FunctionEntry {
  readonly uid: string;
  readonly namespace: string;
  readonly namespaceUid: string;
  readonly name: string;
  /** Runtime group; always `default` until groups are configurable. */
  readonly group: string;
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
  readonly retryScheduleMs: readonly number[];
  readonly suspended: boolean;
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

/** What the build says about one function, before any runtime has judged its Lua. */
export interface FunctionVerdict {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: string;
  readonly conditions: readonly Condition[];
  readonly warnings: readonly string[];
  readonly urls: readonly { readonly trigger: string; readonly url: string }[];
}

/** A function with its references already looked up: the input of the build. */
export interface ResolvedReference {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly reference: KeyReference;
  readonly value?: Uint8Array;
  readonly resourceVersion?: string;
  readonly problem?: Unresolved;
}
