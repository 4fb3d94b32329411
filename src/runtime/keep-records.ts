/** The records of a runtime as others read them: questions, and a stream of what comes in. */
import type { CallRecord } from './call-record.ts';
import { matchesRecord, RecordBook, type RecordFilter, type RecordLimits } from './record-book.ts';

export interface RecordSource {
  /** Newest first; asks the workers for what they still hold. */
  query(filter: RecordFilter): Promise<readonly CallRecord[]>;
  /** Every record from now on that the filter covers; answers what stops it. */
  follow(filter: RecordFilter, listener: (record: CallRecord) => void): () => void;
}

export interface RecordKeeper extends RecordSource {
  add(records: readonly CallRecord[]): void;
  readonly size: number;
  /** Somebody follows: workers that start now have to be told. */
  readonly followed: boolean;
}

export function createRecordKeeper(
  limits: RecordLimits,
  workers: {
    now(): number;
    /** The workers send everything they hold, which arrives through `add`. */
    flush(): Promise<unknown>;
    follow(on: boolean): void;
  },
): RecordKeeper {
  const book = new RecordBook(limits);
  const followers = new Map<
    symbol,
    { readonly filter: RecordFilter; readonly listener: (record: CallRecord) => void }
  >();
  return {
    get size() {
      return book.size;
    },
    get followed() {
      return followers.size > 0;
    },
    add(records) {
      for (const record of records) {
        book.add(record, workers.now());
        for (const { filter, listener } of followers.values()) if (matchesRecord(record, filter)) listener(record);
      }
    },
    async query(filter) {
      await workers.flush();
      return book.find(filter, workers.now());
    },
    follow(filter, listener) {
      const key = Symbol('follower');
      followers.set(key, { filter, listener });
      if (followers.size === 1) workers.follow(true);
      return () => {
        if (followers.delete(key) && followers.size === 0) workers.follow(false);
      };
    },
  };
}
