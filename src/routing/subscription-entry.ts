/** A WebhookSubscription in the route table: plain data, JSON all through. */
import type { OutgoingFormat } from '../function/subscription-types.ts';
import type { Unresolved } from './types.ts';

export interface OutgoingHeaderEntry {
  readonly name: string;
  readonly value: string;
  /** True: from a Secret, never printed by the dump. */
  readonly secret: boolean;
}

export interface SubscriptionEntry {
  readonly uid: string;
  readonly namespace: string;
  readonly namespaceUid: string;
  readonly name: string;
  /** Runtime group that serves it. */
  readonly group: string;
  /** Groups that still run what it left in their stores; only in the controller's own table. */
  readonly leaving?: readonly string[];
  readonly generation: number;
  /** Hash of spec, configuration, secret versions and effective policy. */
  readonly revision: string;
  /** Empty while it does not resolve. */
  readonly url: string;
  /** True: the URL came from a Secret and is never printed. */
  readonly urlSecret: boolean;
  /** Types and patterns of types. */
  readonly events: readonly string[];
  readonly channels?: readonly string[];
  readonly filter?: string;
  readonly transform?: string;
  /** Resolved secrets, base64; never printed by the dump. */
  readonly secrets: readonly string[];
  readonly format: OutgoingFormat;
  readonly headers: readonly OutgoingHeaderEntry[];
  /** Waits between attempts, milliseconds. */
  readonly retryScheduleMs: readonly number[];
  readonly timeoutMs: number;
  readonly rate?: { readonly requests: number; readonly perMs: number };
  readonly concurrency: number;
  /** Set: the receiver is asked for permission, in this name. */
  readonly handshake?: { readonly origin: string };
  /** Present: in order, by the value of `key` (absent: all together). */
  readonly ordered?: { readonly key?: string };
  readonly suspended: boolean;
  /** Set: nothing can be sent now, events wait. */
  readonly unresolved?: Unresolved;
}
