/**
 * The store: one event log with delivery rows, key-value rows and cursors, in one transaction. Every operation takes a
 * batch and is durable when it resolves (as far as `durable` says). Everything is scoped by the namespace's UID; an id
 * alone never opens a row. The store never matches: whoever appends names the destinations. What would take a namespace
 * above its quota rejects with `StoreOverQuota`, what would grow the store on a full disk with `StoreDiskLow`.
 */
import type { Counts } from './counts.ts';
import type { StoreMeasures } from './measures.ts';
import type { StoreQuotas, StoreUsage } from './quotas.ts';
import type { Retention } from './retention.ts';
import type { KeyValueScope, OwnerClaim, Versioned } from './types.ts';

/** An event as it is kept: once, however many destinations it has. */
export interface StoredEvent {
  readonly id: string;
  readonly namespaceUid: string;
  /** CloudEvents type and source. */
  readonly type: string;
  readonly source: string;
  /** Milliseconds since the epoch, store clock; filled by the store when absent. */
  readonly time?: number;
  /** Everything else that is known of it, JSON: name, subject, sender, request, delivery id, hops, traceparent. */
  readonly attributes: string;
  readonly body: Uint8Array;
}

/** Where an event goes: one delivery row. */
export interface NewDelivery {
  /** `FUNCTION-UID/TRIGGER`, `FUNCTION-UID//HANDLER` or `subscription/UID`; opaque to the store. */
  readonly destination: string;
  /** Not before so many milliseconds from now; default 0. */
  readonly delayMs?: number;
  /** Deliveries of one destination and order key run one at a time, oldest first. */
  readonly orderKey?: string;
  /** With `orderKey`: waiting deliveries of that key end as `superseded`, this one takes their place. */
  readonly supersede?: boolean;
  /** Raised by a replay; (event, destination, generation) is unique, a repeat is harmless. */
  readonly generation?: number;
  /** Fresh events before replays and fan-out. */
  readonly background?: boolean;
  /** Stored as leased to the caller for so long, whatever waits: `ackAfter`. */
  readonly leaseMs?: number;
  /** The same where it may start now; if others wait for the destination, the first of them is leased in its place. */
  readonly eagerMs?: number;
}

/** Only the unique index inside the append transaction judges duplicates. */
export interface DuplicateKey {
  /** Whose key it is: trigger of a function. */
  readonly endpoint: string;
  /** The sender's id, with a hash of the body where the id is not signed. */
  readonly key: string;
  readonly windowMs: number;
  /** The sender never repeats by itself: a repeat is a person's wish and runs again. */
  readonly rerun?: boolean;
  /** Under the key there is one body: another one is answered as `otherBody`, and runs nothing. What was trimmed fits any. */
  readonly oneBody?: boolean;
}

export interface AppendItem {
  readonly event: StoredEvent;
  /** The event may be stored already: the deliveries it does not have yet are added (fan-out in pieces). */
  readonly known?: true;
  readonly deliveries: readonly NewDelivery[];
  readonly duplicate?: DuplicateKey;
  /** The host owes it (a callback, the slot of a schedule): counted, but no quota refuses it. */
  readonly owed?: true;
}

/** Events and writes that land together, or, where an expectation fails, not at all. */
export interface ConditionalAppend {
  readonly append: readonly AppendItem[];
  readonly writes: readonly KeyValueWrite[];
  readonly expectations: readonly KeyValueExpectation[];
}

export interface Appended {
  /** The stored event's id; of a duplicate the first one's. */
  readonly id: string;
  readonly duplicateOf?: string;
  /** A duplicate that runs again, as this generation. */
  readonly generation?: number;
  /** Its key belongs to an event with another body (`oneBody`). */
  readonly otherBody?: true;
  /** Deliveries stored as leased, or leased in place of an eager one. */
  readonly leased: readonly Lease[];
}

/** Proof of a lease: only the current one settles. */
export interface Receipt {
  readonly delivery: number;
  readonly epoch: number;
}

export interface Lease {
  readonly receipt: Receipt;
  readonly event: StoredEvent;
  readonly destination: string;
  readonly orderKey?: string;
  readonly generation: number;
  /** Counted at lease: 1 for the first. */
  readonly attempt: number;
  /** What counts against it of the deaths of its processes. At `crashLimit` the row is to be ended, not run. */
  readonly crashes: number;
}

/** From here on a row is lost: two deaths in company, then two alone in the middle of its Lua, or four where it waited. */
export const crashLimit = 6;

export interface Head {
  readonly destination: string;
  readonly dueInMs: number;
}

export interface LeaseWish {
  readonly destination: string;
  readonly max: number;
  /** Rows of the destination leased at once, in all processes that share the store; absent: any number. */
  readonly limit?: number;
}

export interface KeyValueWrite {
  readonly scope: KeyValueScope;
  readonly key: string;
  /** Undefined deletes; a delta is added to an integer. */
  readonly change:
    | { readonly kind: 'set'; readonly value: Uint8Array; readonly ttlMs?: number }
    | { readonly kind: 'delete' }
    | { readonly kind: 'increment'; readonly delta: number; readonly ttlMs?: number };
  /** A note of the host itself: counted, but no quota refuses it. */
  readonly owed?: true;
}

export interface Claim {
  readonly scope: KeyValueScope;
  readonly key: string;
  readonly value: Uint8Array;
  readonly ttlMs?: number;
  readonly owner?: number;
}

/** A value the call read and relied on; another value at settle is a conflict. */
export interface KeyValueExpectation {
  readonly scope: KeyValueScope;
  readonly key: string;
  /** 0: absent. */
  readonly version: number;
}

export type Ending =
  | { readonly kind: 'done' | 'filtered' | 'cancelled' | 'superseded' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: string }
  | { readonly kind: 'dead'; readonly reason: string; readonly error: string };

export interface SettleItem {
  readonly receipt: Receipt;
  readonly ending: Ending;
  /** Published events, `later`, callbacks: appended in the same transaction. */
  readonly append?: readonly AppendItem[];
  readonly writes?: readonly KeyValueWrite[];
  readonly expectations?: readonly KeyValueExpectation[];
}

/**
 * `stale`: the lease is no longer the caller's, nothing was written. `conflict`: an expectation failed, or what was to be
 * incremented is no integer any more; the lease stays. `overQuota`: the effects go beyond a quota, and why; the lease stays.
 */
export type Settled = 'ok' | 'stale' | 'conflict' | { readonly overQuota: string };

export const deliveryStates = [
  'waiting',
  'held',
  'leased',
  'done',
  'dead',
  'filtered',
  'cancelled',
  'superseded',
] as const;

export type DeliveryState = (typeof deliveryStates)[number];

/** Whether a delivery in this state moves no more. */
export function isEnded(state: DeliveryState): boolean {
  return state !== 'waiting' && state !== 'held' && state !== 'leased';
}

export interface DeliveryRow {
  readonly delivery: number;
  readonly eventId: string;
  readonly namespaceUid: string;
  readonly destination: string;
  readonly state: DeliveryState;
  readonly generation: number;
  readonly attempts: number;
  readonly crashes: number;
  /** Milliseconds since the epoch, store clock. */
  readonly due: number;
  readonly orderKey?: string;
  readonly reason?: string;
  readonly error?: string;
  /** Of the event: its type and time. */
  readonly type: string;
  readonly time: number;
  /** When it reached a final state; milliseconds since the epoch, store clock. */
  readonly ended?: number;
}

export interface DeliveryFilter {
  /** Always first: rows of another namespace are not there. */
  readonly namespaceUid: string;
  readonly eventId?: string;
  readonly destination?: string;
  readonly destinationPrefix?: string;
  readonly orderKey?: string;
  readonly states?: readonly DeliveryState[];
  /** By number; at most 1,000. */
  readonly deliveries?: readonly number[];
  readonly generation?: number;
  /** Of the event's time, milliseconds since the epoch: from here on, and before here. */
  readonly since?: number;
  readonly until?: number;
  /** Only those that no newer generation of the same event and destination follows. */
  readonly latest?: boolean;
}

export interface Page {
  /** At most 1,000. */
  readonly limit: number;
  /** The last delivery of the page before. */
  readonly after?: number;
  /** Numbers fall instead of rising. */
  readonly newestFirst?: boolean;
}

/** `numbers`: for each write in order, the new value of an increment, else undefined. */
export type Written =
  | { readonly kind: 'ok'; readonly numbers: readonly (number | undefined)[] }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'notInteger'; readonly key: string };

export interface Store {
  readonly durable: boolean;
  /** Whose store it is now, in words of whoever took it; undefined: nobody's. */
  owner(claim?: OwnerClaim): Promise<string | undefined>;
  append(items: readonly AppendItem[]): Promise<readonly Appended[]>;
  /** In one transaction of its own; `conflict`: an expectation failed, nothing was stored. */
  appendIf(conditional: ConditionalAppend): Promise<'ok' | 'conflict'>;
  /** Heads of the wished destinations that are due, fresh before background, fair between destinations. */
  lease(wishes: readonly LeaseWish[], leaseMs: number): Promise<readonly Lease[]>;
  /** Gives the attempt back: drain, open breaker, no slot. */
  release(receipts: readonly Receipt[], delayMs: number): Promise<void>;
  /** Who held these has died: given back at once, and counted as when a lease lapses. What is not current is left alone. */
  abandon(receipts: readonly Receipt[]): Promise<void>;
  /** Answers those that were lost; their calls must be ended. */
  extend(receipts: readonly Receipt[], leaseMs: number): Promise<readonly Receipt[]>;
  /** Repeated with the same receipt it gives its first answer. */
  settle(items: readonly SettleItem[]): Promise<readonly Settled[]>;
  read(filter: DeliveryFilter, page: Page): Promise<readonly DeliveryRow[]>;
  event(namespaceUid: string, id: string): Promise<StoredEvent | undefined>;
  /**
   * Sends ended deliveries (dead and cancelled ones, unless the filter names states) to their destination again, as
   * `generation`, or to another destination; answers how many are new. What a newer generation followed is left alone.
   */
  replay(filter: DeliveryFilter, generation: number, to?: string): Promise<number>;
  /** Ends waiting and held deliveries, or discards dead ones if the filter names that state (`cancelled`); answers how many. */
  cancel(filter: DeliveryFilter): Promise<number>;
  counts(): Promise<Counts>;
  get(scope: KeyValueScope, key: string): Promise<Versioned | undefined>;
  /** In one transaction of its own; nothing is written when an expectation fails or a value cannot be incremented. */
  write(writes: readonly KeyValueWrite[], expectations: readonly KeyValueExpectation[]): Promise<Written>;
  list(scope: KeyValueScope, prefix: string, limit: number, after?: string): Promise<readonly string[]>;
  /**
   * Sets an absent key at once and answers true; false: it is taken. With `owner` (the delivery that runs) its retries own
   * it too, its end as `dead` gives it back, any other end makes it an ordinary key.
   */
  claim(claim: Claim): Promise<boolean>;
  /** Whether an append with this key would find an event: what it says is what was so a moment ago, only an append judges. */
  isKnown(namespaceUid: string, duplicate: DuplicateKey): Promise<boolean>;
  /** Called when something may have become due: a hint only. Answers the function that stops it. */
  wake(callback: () => void): () => void;
  /** What holds from now on; before, defaults. Rejects nothing that is stored already. */
  setQuotas(quotas: StoreQuotas): Promise<void>;
  /** How long ended deliveries and delivery ids are kept from now on. */
  setRetention(retention: Retention): Promise<void>;
  usage(namespaceUid: string): Promise<StoreUsage>;
  /** Deliveries that wait for a destination, counted up to `enough`. */
  backlog(destination: string, enough: number): Promise<number>;
  /** Forgets everything of a namespace that is gone, bit by bit: what waits is cancelled, everything is deleted. */
  purge(namespaceUid: string): Promise<void>;
  measures(): Promise<StoreMeasures>;
  /**
   * Destinations with waiting rows that may be due (0), of a namespace with very many some at a time, and of the others the
   * one that is next, with the milliseconds until it is, or until it is worth asking again.
   */
  heads(): Promise<readonly Head[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
