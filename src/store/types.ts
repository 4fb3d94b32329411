/** The store as functions and the runtime see it: key-value, later, events. Everything is scoped by the namespace's UID. */

/** JSON-like bytes: the store keeps what it is given. */
export type StoredValue = Uint8Array;

export interface KeyValueScope {
  readonly namespaceUid: string;
  /** Function name, or `shared:NAME`. */
  readonly space: string;
}

export interface Versioned {
  readonly value: Uint8Array;
  /** Grows with each write of the key; never 0. */
  readonly version: number;
  /** Milliseconds since the epoch, store clock; absent: never. */
  readonly expires?: number;
}

export type KeyValueOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Each operation is its own durable transaction for a synchronous call. */
export interface KeyValueStore {
  get(scope: KeyValueScope, key: string): Promise<StoredValue | undefined>;
  set(scope: KeyValueScope, key: string, value: StoredValue, ttlMs?: number): Promise<KeyValueOutcome>;
  /** Answers whether the key existed. */
  delete(scope: KeyValueScope, key: string): Promise<boolean>;
  /** Keys with the prefix in byte order, at most `limit`, after `cursor`. */
  list(
    scope: KeyValueScope,
    prefix: string,
    limit: number,
    cursor?: string,
  ): Promise<{ readonly keys: readonly string[]; readonly cursor?: string }>;
  /** A claim: true when the key was not there. */
  add(scope: KeyValueScope, key: string, value: StoredValue, ttlMs?: number): Promise<boolean>;
  /** Adds to an integer (absent: 0) and answers the new value; undefined: the key holds something else. */
  increment(scope: KeyValueScope, key: string, delta: number, ttlMs?: number): Promise<number | undefined>;
  /** Sets if the present value equals `expected` (undefined: absent). */
  compareAndSet(
    scope: KeyValueScope,
    key: string,
    expected: StoredValue | undefined,
    value: StoredValue,
    ttlMs?: number,
  ): Promise<boolean>;
}

export interface LaterItem {
  readonly namespaceUid: string;
  readonly namespace: string;
  readonly functionName: string;
  /** Of the call that puts it off. */
  readonly callId: string;
  readonly handler: string;
  readonly data: StoredValue;
  readonly delayMs: number;
  /** A waiting item of the same function and key is replaced. */
  readonly key?: string;
  readonly hops: number;
  /** How many events may descend from it: `src/triggers/event-budget.ts`. */
  readonly budget: number;
}

export interface LaterQueue {
  /** Answers the id. Durable when it resolves, if `durable`. */
  enqueue(item: LaterItem): Promise<string>;
  /** By id or key, within the function. */
  cancel(namespaceUid: string, functionName: string, idOrKey: string): Promise<boolean>;
  /** False: in memory, lost when the process ends. */
  readonly durable: boolean;
}

export interface PublishedEvent {
  readonly namespaceUid: string;
  readonly namespace: string;
  /** Of the call that publishes it. */
  readonly callId: string;
  readonly type: string;
  readonly source: string;
  readonly subject?: string;
  readonly id?: string;
  readonly channel?: string;
  /** Added by the publisher, checked. */
  readonly extra?: Readonly<Record<string, string | number | boolean>>;
  readonly delayMs?: number;
  readonly data: StoredValue;
  readonly hops: number;
  /** How many events may descend from it, over all who want it. */
  readonly budget: number;
  readonly traceparent?: string;
}

export interface EventBus {
  /** Answers the event's id. */
  publish(event: PublishedEvent): Promise<string>;
  readonly durable: boolean;
}

/** Takes a store that nobody has; `from`: or that is theirs. */
export interface OwnerClaim {
  readonly owner: string;
  readonly from?: string;
}
