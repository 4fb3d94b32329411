/** The records of a runtime as others read them: written to the store in batches, questions, and a stream of what comes in. */
import type { RecordStore } from '../store/records.ts';
import type { CallRecord } from './call-record.ts';
import { matchesRecord, type RecordFilter } from './record-filter.ts';
import { heavyBytes, lightRecord, RecordRoom } from './record-room.ts';
import { fromRow, toRow, type RecordRooms } from './record-rows.ts';

export interface RecordSource {
  /** Newest first; asks the workers for what they still hold. */
  query(filter: RecordFilter): Promise<readonly CallRecord[]>;
  /** Every record from now on that the filter covers; answers what stops it. */
  follow(filter: RecordFilter, listener: (record: CallRecord) => void): () => void;
}

export interface RecordKeeper extends RecordSource {
  add(records: readonly CallRecord[]): void;
  size(): Promise<number>;
  /** Somebody follows: workers that start now have to be told. */
  readonly followed: boolean;
  /** Writes what is left. */
  close(): Promise<void>;
}

export interface RecordKeeperSettings {
  readonly store: RecordStore;
  readonly rooms: RecordRooms;
  /** Wall time. */
  now(): number;
  /** Calls back again and again; answers what stops it. */
  every(milliseconds: number, callback: () => void): () => void;
  /** The workers send everything they hold, which arrives through `add`; of quiet ones each so many. */
  flush(quiet?: number): Promise<unknown>;
  follow(on: boolean): void;
  /** So many records were given up: more came than could be written. */
  onDropped(count: number): void;
  onError(error: Error): void;
}

/** Quiet records wait in the workers for so long: a process that is killed loses no more of them. */
const collectMs = 5_000;
/** And longer where thousands of functions are called all the time: to send and write a record takes as long as to answer calls. */
const quietAtOnce = 2_000;
const writeMs = 100;
const writtenAtOnce = 500;
/** Logs and bodies of one batch: making bytes of them holds the thread. */
const bytesAtOnce = 2 * 1024 * 1024;
const mostWaiting = 20_000;
/** Logs and bodies of those that wait. */
const mostWaitingBytes = 32 * 1024 * 1024;
const usualLimit = 100;
/** Refused requests that are looked through for an id that only they claim. */
const mostRefused = 1_000;

export function createRecordKeeper(settings: RecordKeeperSettings): RecordKeeper {
  const { store, rooms, now, onDropped, onError } = settings;
  const followers = new Map<
    symbol,
    { readonly filter: RecordFilter; readonly listener: (record: CallRecord) => void }
  >();
  const room = new RecordRoom(mostWaitingBytes);
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = leave(sizeOfBatch(waiting));
      try {
        await store.add(batch.map(({ record }) => toRow(record, rooms)));
      } catch (error) {
        onDropped(batch.length);
        onError(error as Error);
      }
    }
  }

  /** The oldest that wait, waiting no more. */
  function leave(count: number): readonly Waiting[] {
    const left = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const { record, bytes } of left) room.giveBack(record.namespaceUid ?? '', bytes);
    return left;
  }

  function waitingFor(record: CallRecord): Waiting {
    const bytes = heavyBytes(record);
    if (room.take(record.namespaceUid ?? '', bytes)) return { record, bytes };
    return { record: lightRecord(record), bytes: 0 };
  }

  function write(): Promise<void> {
    writing ??= writeAll().finally(() => (writing = undefined));
    return writing;
  }

  async function find(filter: RecordFilter, limit: number): Promise<CallRecord[]> {
    return (await store.find({ ...filter, limit })).map(fromRow);
  }

  const stops = [
    settings.every(writeMs, () => {
      if (waiting.length > 0) void write();
    }),
    settings.every(collectMs, () => {
      settings.flush(quietAtOnce).catch(onError);
      store.trim(now()).catch(onError);
    }),
  ];

  return {
    size: () => store.count(),
    get followed() {
      return followers.size > 0;
    },
    add(records) {
      for (const record of records) {
        for (const { filter, listener } of followers.values()) if (matchesRecord(record, filter)) listener(record);
        waiting.push(waitingFor(record));
      }
      const excess = waiting.length - mostWaiting;
      if (excess <= 0) return;
      leave(excess);
      onDropped(excess);
    },
    async query(filter) {
      await settings.flush();
      await write();
      const limit = filter.limit ?? usualLimit;
      const found = await find(filter, limit);
      const { id, ...rest } = filter;
      if (id === undefined || found.length >= limit) return found;
      // A refused request is not known by the id it claims.
      const refused = await find({ ...rest, outcomes: ['unverified'] }, mostRefused);
      const known = new Set(found.map(({ callId }) => callId));
      const claiming = refused.filter((record) => !known.has(record.callId) && matchesRecord(record, filter));
      return [...found, ...claiming].sort((one, other) => other.time - one.time).slice(0, limit);
    },
    follow(filter, listener) {
      const key = Symbol('follower');
      followers.set(key, { filter, listener });
      if (followers.size === 1) settings.follow(true);
      return () => {
        if (followers.delete(key) && followers.size === 0) settings.follow(false);
      };
    },
    async close() {
      for (const stop of stops) stop();
      await write();
    },
  };
}

interface Waiting {
  readonly record: CallRecord;
  /** That it takes of the room. */
  readonly bytes: number;
}

function sizeOfBatch(waiting: readonly Waiting[]): number {
  const most = Math.min(waiting.length, writtenAtOnce);
  let bytes = 0;
  for (let count = 0; count < most; count += 1) {
    bytes += waiting[count]?.bytes ?? 0;
    if (bytes >= bytesAtOnce) return count + 1;
  }
  return most;
}
