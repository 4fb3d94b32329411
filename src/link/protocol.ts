/** What controller and runtime say to each other over the link: JSON text in WebSocket messages, one per line of this file. */
import type { Acknowledgement } from '../routing/types.ts';

/** Grows when a peer of the previous version could misunderstand a message. Unknown kinds and members are left alone. */
export const protocolVersion = 1;

/** Each side speaks this many versions: its own and the one before. */
const spokenVersions = 2;

/** Path of the upgrade request. */
export const linkPath = '/link';

const prefix = 'moonhook-link.v';

/** WebSocket subprotocols of a program of this version, the newest first (RFC 6455 §1.9: the server picks one). */
export function subprotocolsOf(newest: number): readonly string[] {
  return Array.from({ length: spokenVersions }, (_, index) => newest - index)
    .filter((version) => version >= 1)
    .map((version) => `${prefix}${version}`);
}

/** The newest version both speak; undefined: none. */
export function chooseSubprotocol(offered: Iterable<string>, newest: number): string | undefined {
  const theirs = new Set(offered);
  return subprotocolsOf(newest).find((name) => theirs.has(name));
}

/** The version of a chosen subprotocol. */
export function versionOf(subprotocol: string): number {
  return Number(subprotocol.slice(prefix.length));
}

/** Why a link was closed (RFC 6455 §7.4.2: 4000–4999 are ours). Never renumbered. */
export const closeCodes = {
  /** The program ends; dial another replica, or this one again later. */
  goingAway: 1001,
  tooLarge: 1009,
  /** A message that is none of this protocol. */
  malformed: 4000,
  /** No hello, or no answer to pings, in time. */
  silent: 4001,
  /** The hello does not fit the token: another pod, another group. */
  notYours: 4002,
  /** The token ended and no new one was sent, or it is not valid any more (the pod is gone). */
  unproved: 4003,
  /** A newer link of the same pod took its place. */
  replaced: 4004,
  /** More messages or bytes a second than a runtime has to say. */
  flood: 4005,
} as const;

/** Bounds of both sides. */
export interface LinkLimits {
  /** Bytes of one message from a runtime: the largest object a host call may carry, and its frame. */
  readonly upBytes: number;
  /** Bytes of one message to a runtime: the largest function with its modules. */
  readonly downBytes: number;
  /** Messages a second from a runtime, on average, and at once. */
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  readonly bytesPerSecond: number;
  readonly byteBurst: number;
  /** Questions of one peer under way at once. */
  readonly asksInFlight: number;
  /** The hello must have come after so long. */
  readonly helloMs: number;
  /** A ping goes out so often; a peer that was not heard for `deadMs` is gone. */
  readonly pingMs: number;
  readonly deadMs: number;
}

const mebi = 1024 * 1024;

export const linkLimits: LinkLimits = {
  upBytes: 4 * mebi,
  downBytes: 16 * mebi,
  messagesPerSecond: 2_000,
  messageBurst: 10_000,
  bytesPerSecond: 32 * mebi,
  byteBurst: 64 * mebi,
  asksInFlight: 256,
  helloMs: 10_000,
  pingMs: 5_000,
  deadMs: 15_000,
};

/** What a runtime holds of one function or subscription: its uid, and the digest its entry came with. */
export type Held = readonly [uid: string, digest: string];

/** Asked of the controller. */
export type UpTopic =
  /** May the bearer of a token call a function or publish an event? */
  | 'review'
  /** A Kubernetes call of a function: {function uid, revision, call id, operation, arguments}, never an identity. */
  | 'kubernetes'
  /** Which of the namespaces with these UIDs are gone? What they have stored is forgotten then. */
  | 'namespaces'
  /** Which installation of which cluster is this? A store that belongs to another one is not worked with. */
  | 'installation'
  /** Which addresses of Services may functions of each namespace reach now, and for how long? */
  | 'services';

/** Asked of a runtime. */
export type DownTopic =
  /** Cluster events to be stored: evaluated, appended, answered when they are durable. */
  | 'append'
  /** Live data for the aggregated API: calls, deliveries, records, routes. */
  | 'query'
  /** What the aggregated API does: invoke, replay, cancel, ping, key-value. */
  | 'act';

/** A question carries an id of the asker's own; the answer or a cancellation names it. */
export type Exchange<Topic extends string> =
  | { readonly kind: 'ask'; readonly id: number; readonly topic: Topic; readonly body: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'answer'; readonly id: number; readonly ok: true; readonly body: unknown }
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly ok: false;
      readonly code: AskFailure;
      readonly message: string;
    };

/** Why a question has no answer. */
export type AskFailure =
  /** The other side does not know the topic (an older program). */
  | 'Unsupported'
  /** Too many under way. */
  | 'Busy'
  /** No link, or it broke before the answer came: it is not known whether anything was done. */
  | 'Away'
  | 'TimedOut'
  | 'Refused'
  | 'Failed';

/** Of one schedule trigger; times are milliseconds since the epoch. */
export interface ScheduleReport {
  readonly uid: string;
  readonly trigger: string;
  readonly last?: number;
  readonly next?: number;
}

/** Of one subscription, as the runtime read it from the store; times are milliseconds since the epoch. */
export interface HealthReport {
  readonly uid: string;
  readonly breaker: 'Closed' | 'Open' | 'HalfOpen';
  readonly lastSuccess?: number;
  readonly failing?: { readonly since: number; readonly at: number; readonly error: string };
  readonly switchedOff?: {
    readonly at: number;
    readonly reason: 'Gone' | 'OnlyFailures';
    readonly error: string;
    readonly identity: string;
  };
}

export type FromRuntime =
  | {
      readonly kind: 'hello';
      /** Of this process: differs after a restart in the same pod. */
      readonly runtime: string;
      readonly podName: string;
      readonly podUid: string;
      readonly group: string;
      /** Epoch of the table it serves; absent: none. */
      readonly epoch?: number;
    }
  /** From now on, or no more: tables of this controller. `holds` comes in pieces; the last one has `more: false`. */
  | { readonly kind: 'follow'; readonly on: boolean; readonly holds: readonly Held[]; readonly more: boolean }
  /** What it says of revisions; after a new link, of all it holds. */
  | { readonly kind: 'judged'; readonly acknowledgements: readonly Acknowledgement[] }
  /** Everything up to this version of that epoch has been applied and judged. */
  | { readonly kind: 'applied'; readonly epoch: number; readonly version: number }
  /** A newer token of the same pod. */
  | { readonly kind: 'proof'; readonly token: string }
  /** When schedules run, how receivers of subscriptions do: for statuses. */
  | { readonly kind: 'report'; readonly schedules: readonly ScheduleReport[]; readonly health: readonly HealthReport[] }
  | Exchange<UpTopic>;

/** One difference; entries as `routing/wire-format.ts` writes them. */
export type WireChange =
  | { readonly op: 'set'; readonly digest: string; readonly entry: unknown }
  /** `moved`: it serves in another group, and what waits of it here stays. */
  | { readonly op: 'delete'; readonly uid: string; readonly moved?: true }
  | { readonly op: 'setSubscription'; readonly digest: string; readonly subscription: unknown }
  | { readonly op: 'deleteSubscription'; readonly uid: string; readonly moved?: true };

export interface TableMessage {
  readonly kind: 'table';
  readonly epoch: number;
  readonly version: number;
  /** True: with this piece the runtime holds the whole table of that version. */
  readonly whole: boolean;
  readonly changes: readonly WireChange[];
}

/** Where a controller stands: sent first, and whenever it changes. */
export interface StandMessage {
  readonly kind: 'stand';
  readonly controller: string;
  /** Of the leader, growing with each election; 0: not the leader. */
  readonly epoch: number;
  /** It has read everything its table is built of. */
  readonly synced: boolean;
}

export type FromController =
  | StandMessage
  | TableMessage
  /** What the installation allows; before the table it holds for, and whenever it changes. */
  | { readonly kind: 'policy'; readonly policy: Readonly<Record<string, unknown>> }
  /** The token ends soon: send a new one. */
  | { readonly kind: 'prove' }
  | Exchange<DownTopic>;
