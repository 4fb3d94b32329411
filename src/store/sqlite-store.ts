/** One SQLite database as a store, synchronous: turns, idle work, what happens on a full disk. Its owner gives it a thread. */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { createDiskGuard, spaceOf, type DiskGuard, type DiskSettings } from './disk-guard.ts';
import type { StoreMeasures } from './measures.ts';
import { loneRunPath, openLoneRuns } from './lone-run.ts';
import { createOldestDue } from './oldest-due.ts';
import { createEarlyRefusal } from './refuse-early.ts';
import type { Retention } from './retention.ts';
import { createTurns, type StepOutcome } from './run-turn.ts';
import { createCheckpoints } from './sqlite-checkpoint.ts';
import { createAppendClock } from './append-times.ts';
import { createCounters } from './sqlite-counters.ts';
import { createDeliveryRows } from './sqlite-deliveries.ts';
import { createDuplicateKeys } from './sqlite-duplicates.ts';
import { createEventRows } from './sqlite-events.ts';
import { createJournal } from './sqlite-journal.ts';
import { createKeyValueRows } from './sqlite-key-value.ts';
import { createOperations, createSavepoint, type SqliteStore } from './sqlite-operations.ts';
import { snapshotDatabase, type SnapshotProgress } from './snapshot-database.ts';
import { openDatabase } from './sqlite-schema.ts';
import { createTrimmer } from './sqlite-trim.ts';
import { createUsageBook } from './sqlite-usage.ts';
import { createStoreClock, type ClockSource } from './store-clock.ts';
import { StoreDiskLow } from './store-disk-low.ts';
import type { AppendItem, Head } from './store.ts';

export interface SqliteSettings {
  readonly path: string;
  readonly retention: Retention;
  readonly disk: DiskSettings;
}

/** One operation of a turn and where its answer goes. */
export interface TurnItem {
  /** Of an append: when it came, monotonic milliseconds. */
  readonly arrived?: number;
  /** What it appends. */
  readonly appends?: readonly AppendItem[];
  run(store: SqliteStore): unknown;
  done(value: unknown): void;
  failed(error: Error): void;
}

export interface SqliteOwner {
  /**
   * Runs the operations in one transaction, each in a savepoint of its own, and answers them after the commit is synced.
   * Throws when a sync failed: what the disk holds is unknown, and nothing may be answered any more.
   */
  turn(items: readonly TurnItem[]): void;
  /** Whether something waits that did not when it was asked last, or is due still. */
  hasNews(): boolean;
  /** As `Store.heads`, between two turns. */
  heads(): readonly Head[];
  /** Lapsed leases, the clock, the space left: now and then. */
  tick(): void;
  /** A piece of trimming and checkpointing for an idle moment; true: there is more to do. */
  idle(): boolean;
  /** Into a new file, while turns go on. */
  snapshot(to: string, onProgress: SnapshotProgress): Promise<void>;
  close(): void;
}

/** Rows deleted in one idle turn. */
const rowsPerTurn = 500;
/** Extended result codes of SQLite. */
const full = 13;
const failedSyncs: ReadonlySet<number> = new Set([1034, 1290]);

/** Opens `path` (`:memory:` for a store that ends with its process) and takes back what a former process had leased. */
export function openSqliteStore({ path, retention, disk }: SqliteSettings, clockSource: ClockSource): SqliteOwner {
  const database = openDatabase(path);
  const clock = createStoreClock(clockSource, persistedClock(database));
  const guard = path === ':memory:' ? noGuard : createGuard(path, disk, clockSource);
  const journal = createJournal();
  const counters = createCounters(database, journal);
  const usage = createUsageBook(database, journal);
  const duplicates = createDuplicateKeys(database, clock, usage, journal, retention.duplicateKeys);
  // A store in memory ends with its process.
  const loneRuns = path === ':memory:' ? undefined : openLoneRuns(loneRunPath(path));
  const deliveries = createDeliveryRows(database, clock, counters, usage, journal, loneRuns);
  const events = createEventRows(database, clock, deliveries, duplicates, journal);
  const keyValues = createKeyValueRows(database, clock, usage);
  const trimmer = createTrimmer({
    database,
    clock,
    counters,
    usage,
    keyValues,
    duplicates,
    retention,
    cancel: (rows) => deliveries.endAll(rows),
    forgetDestinations: (namespaceUid, limit) => deliveries.forgetDestinations(namespaceUid, limit),
  });
  const checkpoints = createCheckpoints(database);
  const appends = createAppendClock();
  const oldestDue = createOldestDue(database, clock);
  let committedAt = 0;
  const measure = (): StoreMeasures => {
    const cut = duplicates.window();
    return {
      diskLow: guard.low,
      ...(guard.freeBytes === undefined ? {} : { freeBytes: guard.freeBytes }),
      databaseBytes: checkpoints.databaseBytes(),
      logBytes: path === ':memory:' ? 0 : (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0),
      duplicateKeys: duplicates.count(),
      overdueMs: oldestDue(),
      appends: appends.read(),
      ...(cut === undefined ? {} : { duplicateWindowMs: cut }),
      usage: Object.fromEntries([...usage.scopes()].map(([, uid, used]) => [uid, { ...used }])),
    };
  };
  const parts = {
    database,
    journal,
    counters,
    usage,
    deliveries,
    events,
    keyValues,
    trimmer,
    measure,
    diskLow: () => guard.low,
  };
  const operations = createOperations(parts);
  /** For appends beside others: their rows are written together. */
  const gathering = createOperations({ ...parts, events: { ...events, append: events.gather } });
  const runTurn = createTurns({
    inSavepoint: createSavepoint(database, journal, 'item'),
    completeTogether: () => events.write(),
    isOpen: () => database.isTransaction,
  });
  const refuseEarly = createEarlyRefusal(usage, events, parts.diskLow);
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const keepClock = database.prepare(
    "INSERT INTO meta (name, value) VALUES ('clock', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );

  function transaction(work: () => void): void {
    begin.run();
    try {
      work();
      counters.write();
      usage.write();
      duplicates.write();
      commit.run();
      journal.clear();
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      journal.rollback(0);
      counters.reset();
      if (isWriteError(error)) guard.full();
      throw error;
    }
  }

  /** Work that may be done later: without space it waits, everything else is a defect. */
  function attempt(work: () => void): boolean {
    try {
      transaction(work);
      return true;
    } catch (error) {
      if (!isWriteError(error)) throw error;
      return false;
    }
  }

  guard.look();
  transaction(() => deliveries.reclaim(true));

  return {
    turn(items) {
      let outcomes: readonly StepOutcome[] = [];
      try {
        transaction(() => {
          outcomes = runTurn(
            items.map(({ arrived, appends, run }) => ({
              shared: arrived !== undefined,
              refusal: () => (appends === undefined ? undefined : refuseEarly(appends)),
              run: (together: boolean) => run(together ? gathering : operations),
            })),
          );
        });
      } catch (error) {
        // Nothing of this turn is kept, so nothing of it may be answered.
        const shown = errorCode(error) === full ? new StoreDiskLow('the disk of the store is full') : (error as Error);
        for (const item of items) item.failed(shown);
        if (failedSyncs.has(errorCode(error))) throw error;
        return;
      }
      committedAt = clockSource.monotonic();
      for (const [index, outcome] of outcomes.entries()) answer(items[index] as TurnItem, outcome);
      checkpoints.bound();
    },
    hasNews: () => deliveries.hasNews(),
    heads: () => deliveries.heads(),
    tick() {
      guard.look();
      attempt(() => {
        deliveries.reclaim(false);
        keepClock.run(String(clock.now()));
      });
    },
    idle() {
      let gone = 0;
      const trimmed = attempt(() => (gone = trimmer.trim(rowsPerTurn)));
      return (trimmed && gone > 0) || checkpoints.idle();
    },
    snapshot: (to, onProgress) => snapshotDatabase(database, to, onProgress),
    close() {
      attempt(() => keepClock.run(String(clock.now())));
      checkpoints.truncate();
      database.close();
    },
  };

  function answer(item: TurnItem, outcome: StepOutcome): void {
    if ('error' in outcome) return item.failed(outcome.error);
    if (item.arrived !== undefined) appends.observe(committedAt - item.arrived);
    item.done(outcome.value);
  }
}

/** In memory there is no disk. */
const noGuard: DiskGuard = { low: false, freeBytes: undefined, look: () => undefined, full: () => undefined };

function createGuard(path: string, disk: DiskSettings, { monotonic }: ClockSource): DiskGuard {
  return createDiskGuard(disk, { path, now: monotonic, space: () => spaceOf(path) });
}

function persistedClock(database: DatabaseSync): number {
  const row = database.prepare("SELECT value FROM meta WHERE name = 'clock'").get() as { value: string } | undefined;
  return Number(row?.value ?? 0);
}

function errorCode(error: unknown): number {
  return (error as { readonly errcode?: number }).errcode ?? 0;
}

/** No space, or the file system refused a write: the batch is lost, the database is not. */
function isWriteError(error: unknown): boolean {
  const code = errorCode(error);
  return !failedSyncs.has(code) && (code === full || (code & 0xff) === 10);
}
