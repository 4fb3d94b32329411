/** Messages between the main thread and a worker: plain data, structured-cloned. */
import type { MessagePort } from 'node:worker_threads';
import type { BreakerReport, OpenBreaker } from '../delivery/breakers.ts';
import type { KubernetesAnswer } from '../host/kubernetes-types.ts';
import type { AppendAnswer, AppendQuestion } from '../link/append-messages.ts';
import type { ProgramImage } from '../lua/engine-contract.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import type { Acknowledgement, FunctionEntry } from '../routing/types.ts';
import type { RuntimeSettings } from '../settings/runtime-settings.ts';
import type { CallRecord } from './call-record.ts';
import type { CaughtEvent } from './catch-in-worker.ts';
import type { NotReady } from './tell-not-ready.ts';
import type { FunctionKubernetesCall } from './kubernetes-desk.ts';
import type { ReviewQuestion, ReviewVerdict } from './review-caller.ts';
import type { Resting } from './why-resting.ts';

/** Where a function's numbers live in the shared arrays; the main thread hands them out. */
export interface FunctionPlaces {
  /** Position in the in-flight counts; also what the watchdog names it by. */
  readonly index: number;
  /** Counter row of calls without a trigger, and of each trigger. */
  readonly callRow: number;
  readonly triggerRows: Readonly<Record<string, number>>;
}

/** One change of the table for a worker. `lastGood` comes with a first load, when an older code was serving elsewhere. */
export type WorkerChange =
  | {
      readonly op: 'set';
      readonly entry: FunctionEntry;
      readonly places: FunctionPlaces;
      readonly lastGood?: { readonly code: FunctionEntry['code']; readonly revision: string };
    }
  | { readonly op: 'delete'; readonly uid: string }
  | { readonly op: 'setSubscription'; readonly subscription: SubscriptionEntry }
  | { readonly op: 'deleteSubscription'; readonly uid: string };

/** Given to a worker at its start. */
export interface WorkerStart {
  readonly index: number;
  readonly workers: number;
  readonly bootPrefix: string;
  readonly settings: RuntimeSettings;
  readonly reusePort: boolean;
  /** The metered binary, compiled once per process. */
  readonly module: WebAssembly.Module;
  readonly signals: SharedArrayBuffer;
  /** Shared by all engines: functions that outlived the plain entry once. */
  readonly longMarks: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly inflight: SharedArrayBuffer;
  readonly keys: SharedArrayBuffer;
  readonly storePort: MessagePort;
  readonly storeDurable: boolean;
  /** As `OpenStore.loneRunPath`. */
  readonly loneRunPath?: string;
}

export type ToWorker =
  /** `version`: with these the table is whole. */
  | {
      readonly kind: 'apply';
      readonly id: number;
      readonly version?: number;
      readonly changes: readonly WorkerChange[];
      /** What another thread has compiled of them. */
      readonly images: readonly ProgramImage[];
    }
  | { readonly kind: 'images'; readonly id: number; readonly uids: readonly string[] }
  | { readonly kind: 'listen'; readonly publicPort: number; readonly callsPort: number }
  | { readonly kind: 'quarantine'; readonly uid: string; readonly until: number }
  | { readonly kind: 'flush'; readonly id: number; readonly quiet: number | undefined }
  | { readonly kind: 'urgentTaken' }
  | { readonly kind: 'follow'; readonly on: boolean }
  /** Functions whose events are wanted: replaces those of before. */
  | { readonly kind: 'catch'; readonly uids: readonly string[] }
  | { readonly kind: 'breaker'; readonly told: BreakerReport }
  | { readonly kind: 'notReady'; readonly notices: readonly NotReady[] }
  | { readonly kind: 'stats'; readonly id: number }
  /** Why nothing of these destinations starts. */
  | { readonly kind: 'resting'; readonly id: number; readonly destinations: readonly string[] }
  | { readonly kind: 'policy'; readonly policy: InstallationPolicy }
  | { readonly kind: 'kubernetesAnswered'; readonly id: number; readonly answer: KubernetesAnswer }
  | { readonly kind: 'append'; readonly id: number; readonly question: AppendQuestion }
  | { readonly kind: 'reviewed'; readonly id: number; readonly verdict: ReviewVerdict }
  | { readonly kind: 'drain'; readonly graceMs: number };

/** Figures of one thread. */
export interface WorkerStats {
  readonly imageRestores: number;
  readonly functionImageBytes: number;
  readonly parkedCalls: number;
  readonly parkedBytes: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly breakers: readonly OpenBreaker[];
  readonly running: readonly RunningCall[];
}

/** A call that has not ended. */
export interface RunningCall {
  readonly callId: string;
  /** Since when; milliseconds since the epoch. */
  readonly time: number;
  readonly namespaceUid: string;
  readonly namespace: string;
  readonly functionUid: string;
  readonly functionName: string;
  readonly handler: string;
}

/** Rare counts since the last batch: `metric` + labels joined by a NUL. */
export interface RareCount {
  readonly metric:
    | 'receiver_rejections_total'
    | 'http_requests_refused_total'
    | 'delivery_attempts_total'
    | 'webhook_attempts_total'
    | 'delivery_id_reuse_total'
    | 'kubernetes_states_skipped_total';
  readonly labels: readonly string[];
  readonly count: number;
}

export interface Batch {
  readonly records: readonly CallRecord[];
  readonly dropped: number;
  readonly rare: readonly RareCount[];
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'review'; readonly id: number; readonly question: ReviewQuestion }
  | { readonly kind: 'kubernetes'; readonly id: number; readonly call: FunctionKubernetesCall }
  /** Nobody waits for the answer any more. */
  | { readonly kind: 'kubernetesGivenUp'; readonly id: number }
  | { readonly kind: 'listening'; readonly publicPort: number; readonly callsPort: number }
  | { readonly kind: 'applied'; readonly id: number; readonly acknowledgements: readonly Acknowledgement[] }
  | { readonly kind: 'images'; readonly id: number; readonly images: readonly ProgramImage[] }
  | { readonly kind: 'appended'; readonly id: number; readonly answer: AppendAnswer | { readonly failed: string } }
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** The next one is sent when this one is taken. */
  | { readonly kind: 'urgent'; readonly batch: Batch }
  | { readonly kind: 'flushed'; readonly id: number; readonly batch: Batch }
  | { readonly kind: 'stats'; readonly id: number; readonly stats: WorkerStats }
  | { readonly kind: 'resting'; readonly id: number; readonly resting: Resting }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'breaker'; readonly told: BreakerReport }
  | { readonly kind: 'caught'; readonly event: CaughtEvent }
  | { readonly kind: 'drained' };
