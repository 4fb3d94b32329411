/**
 * Delivery ids in runs of some hundred thousand in order of arrival. A key is written into the pages of the newest run,
 * which are few and stay in memory; older runs are only read, and only where their filter says that they may hold the key.
 * In one index over all keys each new one would change a page of its own, somewhere in gigabytes.
 */
import type { DatabaseSync } from 'node:sqlite';
import { createGatheredRows } from './gathered-rows.ts';
import { bitsOf, KeyFilter, placeOf } from './key-filter.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';

/** Keys of one run. */
export const runKeys = 262_144;
/** A run of a slow sender ends after this share of its window: its keys go together, when the last of them has expired. */
const shareOfWindow = 1 / 4;
const shortestMs = 60_000;
/** So small a share of its keys is worth a filter of their own: counting them must stay a moment's work. */
const fewOfRun = 1 / 8;

/** What is known of one key, and how to forget it. */
export interface KnownKey {
  readonly event: string;
  readonly expires: number;
  readonly endpoint: number;
  remove(): void;
}

export interface NewKey {
  readonly key: Uint8Array;
  readonly event: string;
  readonly endpoint: number;
  readonly expires: number;
  readonly windowMs: number;
}

export interface KeyRun {
  readonly id: number;
  readonly filter: KeyFilter;
  /** Of the store's clock. */
  readonly opened: number;
  /** Keys written; of an older run, as many as there may be. */
  size: number;
  earliest: number;
  latest: number;
}

export interface KeyRuns {
  find(key: Uint8Array): KnownKey | undefined;
  /** A key that `find` does not know; it does from `write` on. */
  add(added: NewKey, now: number): void;
  /** What was added. */
  write(): void;
  /** Oldest first. */
  all(): Iterable<KeyRun>;
  count(): number;
  drop(run: KeyRun): void;
  /** Keys were taken out of it: it goes where none is left, and its filter shrinks where few are. */
  tidy(run: KeyRun): void;
}

interface RunRow {
  readonly id: number;
  readonly class: number;
  readonly opened: number;
  readonly size: number;
  readonly earliest: number;
  readonly latest: number;
  readonly filter: Uint8Array | null;
}

/** Windows within a factor of two share runs. */
export const classOf = (windowMs: number): number => Math.floor(Math.log2(Math.max(1, windowMs)));

export function createKeyRuns(database: DatabaseSync, journal: Journal): KeyRuns {
  const find = database.prepare('SELECT event, expires, endpoint FROM duplicate_keys WHERE run = ? AND key = ?');
  const added = createGatheredRows(
    database,
    journal,
    'duplicate_keys (run, key, event, endpoint, expires)',
    'run, key',
  );
  const remove = database.prepare('DELETE FROM duplicate_keys WHERE run = ? AND key = ?');
  const open = database.prepare(
    'INSERT INTO duplicate_runs (id, class, opened, size, earliest, latest) VALUES (?, ?, ?, 0, 0, 0)',
  );
  const end = database.prepare('UPDATE duplicate_runs SET size = ?, earliest = ?, latest = ?, filter = ? WHERE id = ?');
  const countUpTo = database.prepare(
    'SELECT count(*) AS size FROM (SELECT 1 FROM duplicate_keys WHERE run = ? LIMIT ? + 0)',
  );
  const removeRun = database.prepare('DELETE FROM duplicate_runs WHERE id = ?');
  const runs = new Map<number, KeyRun>();
  /** Class of windows → the run that takes their keys. */
  const newest = new Map<number, KeyRun>();
  let last = 0;

  for (const row of database.prepare('SELECT * FROM duplicate_runs ORDER BY id').all() as unknown as RunRow[]) {
    last = row.id;
    const { id, opened, size, earliest, latest } = row;
    const run =
      row.filter === null
        ? readRun(database, id, opened)
        : { id, opened, size, earliest, latest, filter: KeyFilter.of(row.filter) };
    runs.set(id, run);
    if (row.filter === null) newest.set(row.class, run);
  }

  /** From now on it is only read. */
  function finish(run: KeyRun): void {
    const filter = run.filter.shrunkTo(run.size);
    end.run(run.size, run.earliest, run.latest, filter.bytes, run.id);
    putNoted(journal, runs, run.id, { ...run, filter });
  }

  /** The run that takes a key of this window, a new one where the last is full or old. */
  function runFor(windowMs: number, now: number): KeyRun {
    const group = classOf(windowMs);
    const before = newest.get(group);
    if (before !== undefined && runs.has(before.id)) {
      if (before.size < runKeys && now - before.opened < Math.max(shortestMs, windowMs * shareOfWindow)) return before;
      finish(before);
    }
    last += 1;
    open.run(last, group, now);
    const run: KeyRun = { id: last, filter: KeyFilter.for(runKeys), opened: now, size: 0, earliest: 0, latest: 0 };
    putNoted(journal, runs, run.id, run);
    putNoted(journal, newest, group, run);
    return run;
  }

  function drop(run: KeyRun): void {
    removeRun.run(run.id);
    dropNoted(journal, runs, run.id);
  }

  return {
    find(key) {
      const [place, bits] = [placeOf(key), bitsOf(key)];
      for (const run of runs.values()) {
        if (!run.filter.mayHold(place, bits)) continue;
        const row = find.get(run.id, key) as Omit<KnownKey, 'remove'> | undefined;
        if (row !== undefined) return { ...row, remove: () => void remove.run(run.id, key) };
      }
      return undefined;
    },
    add({ key, event, endpoint, expires, windowMs }, now) {
      const run = runFor(windowMs, now);
      added.gather([run.id, key, event, endpoint, expires]);
      // Where this is undone, they say more than there is: that costs a look, and forgets nothing.
      run.filter.add(placeOf(key), bitsOf(key));
      run.earliest = run.size === 0 ? expires : Math.min(run.earliest, expires);
      run.latest = Math.max(run.latest, expires);
      run.size += 1;
    },
    write: () => added.write(),
    all: () => runs.values(),
    count: () => runs.size,
    drop,
    tidy(run) {
      const few = Math.floor(run.size * fewOfRun);
      const { size } = countUpTo.get(run.id, few + 1) as { size: number };
      if (size === 0) return drop(run);
      // That of a run which still takes keys needs its room.
      const isNewest = [...newest.values()].some(({ id }) => id === run.id);
      if (size > few || isNewest) return;
      const left = readRun(database, run.id, run.opened);
      const filter = left.filter.shrunkTo(left.size);
      end.run(left.size, left.earliest, left.latest, filter.bytes, run.id);
      putNoted(journal, runs, run.id, { ...left, filter });
    },
  };
}

/** A run as its keys say: one that was being written when the database was closed, or that lost most of them. */
function readRun(database: DatabaseSync, id: number, opened: number): KeyRun {
  const filter = KeyFilter.for(runKeys);
  const select = database.prepare('SELECT key FROM duplicate_keys WHERE run = ?');
  select.setReturnArrays(true);
  for (const [key] of select.iterate(id) as unknown as Iterable<[Uint8Array]>) filter.add(placeOf(key), bitsOf(key));
  const sums = database
    .prepare(
      'SELECT count(*) AS size, coalesce(min(expires), 0) AS earliest, coalesce(max(expires), 0) AS latest FROM duplicate_keys WHERE run = ?',
    )
    .get(id) as Pick<KeyRun, 'size' | 'earliest' | 'latest'>;
  return { id, filter, opened, ...sums };
}
