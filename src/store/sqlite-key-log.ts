/**
 * Delivery ids on their way into a run. Each would change a page of its own there; so they come into a log first, one row
 * for all of a turn, and stand in memory. When there are enough they move in the order of their keys, a few in each turn:
 * then one page takes several.
 */
import type { DatabaseSync } from 'node:sqlite';
import { KeyBuffer, readSteps } from './key-buffer.ts';
import type { Journal } from './sqlite-journal.ts';
import type { KeyRuns, KnownKey, NewKey } from './sqlite-key-runs.ts';
import { removed, type Removed } from './sweep-key-runs.ts';

export interface KeyLog {
  find(key: Uint8Array): KnownKey | undefined;
  /** A key that nobody knows. */
  add(added: NewKey): void;
  /** At most `limit` keys whose window has ended. */
  removeExpired(now: number, limit: number): Removed;
  /** At most `limit` keys of these endpoints, oldest first. */
  removeOf(endpoints: readonly number[], limit: number): Removed;
  /** Inside the transaction, before its commit. */
  write(now: number): void;
  /** Moves all keys into runs. */
  empty(now: number): void;
}

/** From so many on, keys move into runs: some megabyte of memory, and a run of 262,144 takes sixteen times as many. */
export const logKeys = 16_384;
/** In one turn twice as many move as came, and so many at least: they have moved before the next are enough. */
const leastMoved = 64;

/** Where none is left that has ended, nobody looks again for so long: a look goes through all keys. */
const lookPauseMs = 1000;

/** Keys that move. */
interface Leaving {
  readonly buffer: KeyBuffer;
  readonly order: Uint32Array;
  /** The last row that holds one of them. */
  readonly lastRow: number;
  moved: number;
}

interface Holder {
  readonly buffer: KeyBuffer;
  readonly place: number;
}

export function createKeyLog(database: DatabaseSync, journal: Journal, runs: KeyRuns, enough = logKeys): KeyLog {
  const insert = database.prepare('INSERT INTO duplicate_log (seq, entries) VALUES (?, ?)');
  const drop = database.prepare('DELETE FROM duplicate_log WHERE seq <= ?');
  let current = new KeyBuffer();
  let leaving: Leaving | undefined;
  /** Bytes of `current` that are in the table. */
  let written = 0;
  let addedBefore = 0;
  let lastRow = 0;
  /** No key ends before, or nobody looks before. */
  let earliest = Number.POSITIVE_INFINITY;

  const rows = database.prepare('SELECT seq, entries FROM duplicate_log ORDER BY seq');
  for (const row of rows.iterate() as unknown as Iterable<{ seq: number; entries: Uint8Array }>) {
    lastRow = row.seq;
    for (const step of readSteps(row.entries)) {
      if (step.kind === 'added') {
        current.add(step.key, step.entry);
        earliest = Math.min(earliest, step.entry.expires);
      } else if (step.kind === 'removed') {
        const holder = holderOf(step.key);
        holder?.buffer.forget(holder.place);
      } else if (step.kind === 'closed') close();
      else if (leaving !== undefined) for (const place of takeNext(leaving, step.count)) leaving.buffer.forget(place);
    }
  }
  written = current.length;
  addedBefore = current.added;

  function holderOf(key: Uint8Array): Holder | undefined {
    let buffer = current;
    let place = buffer.find(key);
    if (place < 0 && leaving !== undefined) {
      buffer = leaving.buffer;
      place = buffer.find(key);
    }
    return place < 0 ? undefined : { buffer, place };
  }

  /** From now on they are only read, and move. */
  function close(): void {
    leaving = { buffer: current, order: current.placesByKey(), lastRow, moved: 0 };
    current = new KeyBuffer();
    written = 0;
    addedBefore = 0;
  }

  function takeNext(from: Leaving, count: number): Uint32Array {
    const next = from.order.subarray(from.moved, from.moved + count);
    from.moved += next.length;
    return next;
  }

  function remove(buffer: KeyBuffer, place: number): void {
    const log = current;
    const { length } = log;
    buffer.forget(place);
    log.noteRemoved(buffer.keyAt(place));
    journal.push(() => {
      log.cutTo(length);
      buffer.index(place);
    });
  }

  function removeWhere(limit: number, goes: (buffer: KeyBuffer, place: number) => boolean): Removed {
    const found: { endpoint: number; expires: number }[] = [];
    for (const buffer of leaving === undefined ? [current] : [leaving.buffer, current]) {
      for (const place of buffer.places()) {
        if (found.length >= limit) break;
        if (!goes(buffer, place)) continue;
        found.push({ endpoint: buffer.endpointAt(place), expires: buffer.expiresAt(place) });
        remove(buffer, place);
      }
    }
    return removed(found, true);
  }

  function writeRow(): void {
    if (current.length === written) return;
    lastRow += 1;
    insert.run(lastRow, current.bytesFrom(written));
    written = current.length;
  }

  function beginToLeave(): void {
    const buffer = current;
    const { length } = buffer;
    buffer.noteClosed();
    journal.push(() => buffer.cutTo(length));
    writeRow();
    close();
  }

  function move(from: Leaving, count: number, now: number): void {
    const { buffer } = from;
    const next = takeNext(from, count);
    for (const place of next) {
      const key = buffer.keyAt(place);
      // It may have been removed meanwhile.
      if (buffer.find(key) !== place) continue;
      runs.add({ key, ...buffer.entryAt(place) }, now);
      buffer.forget(place);
      journal.push(() => buffer.index(place));
    }
    runs.write();
    if (from.moved < from.order.length) {
      const log = current;
      const { length } = log;
      log.noteLeft(next.length);
      journal.push(() => log.cutTo(length));
      return;
    }
    drop.run(from.lastRow);
    leaving = undefined;
  }

  /** What a rollback of the whole transaction sets back. */
  function noteState(): void {
    const before = { current, leaving, moved: leaving?.moved ?? 0, written, addedBefore, lastRow };
    journal.push(() => {
      ({ current, leaving, written, addedBefore, lastRow } = before);
      if (leaving !== undefined) leaving.moved = before.moved;
    });
  }

  return {
    find(key) {
      const holder = holderOf(key);
      if (holder === undefined) return undefined;
      const { buffer, place } = holder;
      return { ...buffer.entryAt(place), remove: () => remove(buffer, place) };
    },
    add({ key, ...entry }) {
      const buffer = current;
      const place = buffer.add(key, entry);
      if (entry.expires < earliest) earliest = entry.expires;
      journal.push(() => buffer.undo(place));
    },
    removeExpired(now, limit) {
      if (earliest > now) return removed([], true);
      const gone = removeWhere(limit, (buffer, place) => buffer.expiresAt(place) <= now);
      if (gone.gone < limit) {
        let next = Number.POSITIVE_INFINITY;
        for (const buffer of leaving === undefined ? [current] : [leaving.buffer, current])
          for (const place of buffer.places()) next = Math.min(next, buffer.expiresAt(place));
        earliest = Math.max(next, now + lookPauseMs);
        // Those that come back in a rollback are looked for again.
        journal.push(() => (earliest = 0));
      }
      return gone;
    },
    removeOf(endpoints, limit) {
      const wanted = new Set(endpoints);
      return removeWhere(limit, (buffer, place) => wanted.has(buffer.endpointAt(place)));
    },
    write(now) {
      if (current.length === written && leaving === undefined) return;
      noteState();
      const came = current.added - addedBefore;
      if (leaving === undefined && current.added >= enough) beginToLeave();
      if (leaving !== undefined) move(leaving, Math.max(leastMoved, 2 * came), now);
      addedBefore = current.added;
      writeRow();
    },
    empty(now) {
      noteState();
      while (leaving !== undefined || current.length > 0) {
        if (leaving === undefined) beginToLeave();
        if (leaving !== undefined) move(leaving, leaving.order.length, now);
      }
    },
  };
}
