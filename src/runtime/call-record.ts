/** What is kept of every request or event that reached a route or trigger: plain data, sent between threads in batches. */
import type { CallError, HostCallRecord, LogLine } from '../lua/types.ts';
import type { FailureCode } from '../failures/catalogue.ts';
import type { Step } from '../receivers/types.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';

/** How the request came in; credentials are masked before this exists. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query, credentials masked. */
  readonly target: string;
  readonly host?: string;
  readonly ip: string;
  readonly route?: string;
  readonly bodyBytes: number;
}

/** A refused request in full, for replaying it on a desk: headers with credentials masked. */
export interface CapturedRequest {
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBase64: string;
  readonly bodyCut: boolean;
}

export interface CallRecord {
  readonly callId: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly kind: 'http' | 'call' | 'event' | 'schedule' | 'later' | 'webhook' | 'callback';
  readonly namespaceUid?: string;
  readonly namespace?: string;
  readonly functionUid?: string;
  readonly functionName?: string;
  /** Name of the subscription that sends; `functionUid` is its uid then. */
  readonly subscription?: string;
  /** Of webhooks and callbacks: where to, what was answered there, and the `webhook-id` where it is not that of the event. */
  readonly outgoing?: { readonly target: string; readonly status?: number; readonly id?: string };
  readonly revision?: string;
  readonly trigger?: string;
  readonly handler?: string;
  readonly outcome: Outcome;
  /** What was answered over HTTP. */
  readonly status?: number;
  readonly code?: FailureCode;
  /** For people who may see the function: why, in one sentence. */
  readonly detail?: string;
  readonly durationMs: number;
  readonly cpuMs?: number;
  readonly memoryPeakBytes?: number;
  readonly request?: RecordedRequest;
  readonly captured?: CapturedRequest;
  readonly receiver?: string;
  /** Steps of match, limits and verification, in order; a step that holds for every call is left out. */
  readonly steps?: readonly Step[];
  readonly eventId?: string;
  readonly eventName?: string;
  /** What the publisher of the event added to it. */
  readonly eventAttributes?: Readonly<Record<string, string | number | boolean>>;
  readonly deliveryId?: string;
  readonly duplicateOf?: string;
  readonly attempt?: number;
  /** When the next attempt is due, milliseconds since the epoch. */
  readonly nextAttempt?: number;
  readonly error?: CallError;
  readonly log?: readonly LogLine[];
  readonly logTruncated?: boolean;
  readonly hostCalls?: readonly HostCallRecord[];
  /** The caller's own correlation id. */
  readonly correlation?: string;
  readonly traceparent?: string;
  readonly worker?: number;
}

/** Calls that ended as their owner wished; everything else is kept longer. */
export function isQuiet(outcome: Outcome): boolean {
  return outcome === 'ok' || outcome === 'accepted' || outcome === 'filtered';
}
