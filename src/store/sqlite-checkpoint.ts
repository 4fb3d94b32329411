/** When the log of SQLite goes into the database: in idle turns from 4 MiB, between two busy ones from 8 MiB; and freed pages given back. */
import type { DatabaseSync } from 'node:sqlite';

export interface Checkpoints {
  /** After a turn: a log that is too long is worked off at once. */
  bound(): void;
  /** Works off the log and gives back freed pages, a piece at a time; true: there is more to do. */
  idle(): boolean;
  /** Works off everything and empties the log. */
  truncate(): void;
  databaseBytes(): number;
}

const mebi = 1024 ** 2;
const idleBytes = 4 * mebi;
/** Everybody waits for it: a few milliseconds often are better than a hundred now and then. */
const forcedBytes = 8 * mebi;
/** The log's length is asked for once in so many turns. */
const turnsPerLook = 4;
/** Freed pages may make up a quarter of the file, and 16 MiB in any case: they are used again before it grows. */
const freePages = (16 * mebi) / 4096;
/** Given back in one idle turn. */
const pagesPerTurn = 1024;

export function createCheckpoints(database: DatabaseSync): Checkpoints {
  // NOOP only tells how long the log is.
  const look = database.prepare('PRAGMA wal_checkpoint(NOOP)');
  const work = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  const pageCount = database.prepare('PRAGMA page_count');
  const freelist = database.prepare('PRAGMA freelist_count');
  let turns = 0;

  function logBytes(): number {
    const { log, checkpointed } = look.get() as { log: number; checkpointed: number };
    return (log - checkpointed) * 4096;
  }

  return {
    bound() {
      turns += 1;
      if (turns % turnsPerLook === 0 && logBytes() >= forcedBytes) work.get();
    },
    idle() {
      if (logBytes() >= idleBytes) {
        work.get();
        return true;
      }
      const { freelist_count: free } = freelist.get() as { freelist_count: number };
      const { page_count: pages } = pageCount.get() as { page_count: number };
      if (free <= Math.max(freePages, pages / 4)) return false;
      database.exec(`PRAGMA incremental_vacuum(${pagesPerTurn})`);
      return true;
    },
    truncate: () => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
    databaseBytes() {
      const { page_count: pages } = pageCount.get() as { page_count: number };
      return pages * 4096;
    },
  };
}
