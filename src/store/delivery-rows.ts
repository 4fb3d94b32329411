/** What is done to delivery rows of SQLite, inside the caller's transaction. */
import type { DeliveryState, Ending, Head, Lease, LeaseWish, NewDelivery, Receipt, StoredEvent } from './store.ts';

export interface DeliveryRows {
  /** `owed`: counted, but never refused by a quota. */
  add(event: number, stored: StoredEvent, delivery: NewDelivery, owed: boolean, generation?: number): Lease | undefined;
  /** Whether `gather` may have it: nothing of the table must be known for it. */
  isPlain(delivery: NewDelivery): boolean;
  /** As `add` of a plain delivery of a new event; the table has it from `write` on. */
  gather(event: number, stored: StoredEvent, delivery: NewDelivery, owed: boolean): Lease | undefined;
  /** What was gathered; before anything reads the table. */
  write(): void;
  /** Runs a known event again where its deliveries died or were cancelled (or always); answers the generation. */
  rerun(event: number, always: boolean, namespaceUid: string): number | undefined;
  /** Sends an ended row's event to a destination again, in its order if that is kept; false when that generation is there. */
  replay(delivery: number, destination: string, generation: number, keepOrder: boolean): boolean;
  lease(wishes: readonly LeaseWish[], leaseMs: number): Lease[];
  release(receipts: readonly Receipt[], delayMs: number): void;
  /** As `Store.abandon`. */
  abandon(receipts: readonly Receipt[]): void;
  extend(receipts: readonly Receipt[], leaseMs: number): Receipt[];
  /** The row, if the receipt may settle it; `repeated` if it has before. */
  claim(receipt: Receipt): Row | 'repeated' | 'stale';
  /** What `claim` has just given. */
  end(row: Row, ending: Ending): void;
  cancel(rows: readonly number[]): void;
  /** Ends rows as cancelled whatever they do now: their namespace is gone. */
  endAll(rows: readonly number[]): void;
  /** Gives back what a dead process or a lapsed lease held. */
  reclaim(all: boolean): void;
  heads(): readonly Head[];
  /** Whether something waits that did not when it was asked last, or is due still. */
  hasNews(): boolean;
  /** Rows that wait for a destination, counted up to `enough`. */
  backlog(destination: string, enough: number): number;
  /** Forgets at most `limit` destinations of a namespace of which no row is left; answers how many. */
  forgetDestinations(namespaceUid: string, limit: number): number;
}

export interface Row {
  readonly seq: number;
  readonly destination: number;
  readonly order_key: string | null;
  readonly state: DeliveryState;
  readonly epoch: number;
  readonly crashes: number;
  readonly attempts: number;
  readonly scope: number;
  readonly bytes: number;
}
