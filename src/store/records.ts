/**
 * Records of calls, beside the store of events: written in batches, never synced, off every answer's path. What a power cut
 * takes of them is lost; nothing else depends on them. A record is bytes to the store, found by a few columns.
 */

export interface StoredRecord {
  /** Empty: the request met no namespace. */
  readonly namespaceUid: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly namespace: string;
  readonly functionName: string;
  readonly subscription: string;
  readonly trigger: string;
  readonly outcome: string;
  /** Whether it has a log or an error. */
  readonly logged: boolean;
  /** Whatever it may be asked for by. */
  readonly ids: readonly string[];
  /** Of records with the same shelf only the newest `room` are kept; without one they are kept by age. */
  readonly shelf?: string;
  readonly room?: number;
  readonly content: Uint8Array;
}

export interface RecordQuery {
  /** Only records of this namespace; absent: of the whole installation, for whoever owns all of it. */
  readonly namespaceUid?: string;
  readonly namespace?: string;
  readonly functionName?: string;
  readonly subscription?: string;
  readonly trigger?: string;
  readonly outcomes?: readonly string[];
  readonly logged?: boolean;
  readonly id?: string;
  /** Not newer than this; milliseconds since the epoch. */
  readonly until?: number;
  readonly limit: number;
}

export interface RecordBounds {
  /** All records together; above, the oldest of the namespace that has most go. */
  readonly maxBytes: number;
  /** Records without a shelf. */
  readonly keepMs: number;
}

export interface RecordStore {
  add(records: readonly StoredRecord[]): Promise<void>;
  /** Contents, newest first. */
  find(query: RecordQuery): Promise<readonly Uint8Array[]>;
  /** How many there are. */
  count(): Promise<number>;
  /** Forgets what is too old, or too much; `now`: wall time. */
  trim(now: number): Promise<void>;
  /** Forgets those of a namespace that is gone. */
  purge(namespaceUid: string): Promise<void>;
  close(): Promise<void>;
}

/** Columns and indexes of a record. */
export const recordRowBytes = 300;
