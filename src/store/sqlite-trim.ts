/** Trimming SQLite in idle turns: ended deliveries by age and size, and everything of namespaces that are gone. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoreUsage } from './quotas.ts';
import type { Retention } from './retention.ts';
import type { Counters } from './sqlite-counters.ts';
import type { DuplicateKeys } from './sqlite-duplicates.ts';
import type { KeyValueRows } from './sqlite-key-value.ts';
import type { UsageBook } from './sqlite-usage.ts';
import type { StoreClock } from './store-clock.ts';

export interface Trimmer {
  /** Deletes at most about `limit` rows inside the caller's transaction; answers how many. */
  trim(limit: number): number;
  setRetention(retention: Retention): void;
  /** From now on everything of the namespace goes. */
  purge(namespaceUid: string): void;
}

interface TrimParts {
  readonly database: DatabaseSync;
  readonly clock: StoreClock;
  readonly counters: Counters;
  readonly usage: UsageBook;
  readonly keyValues: KeyValueRows;
  readonly duplicates: DuplicateKeys;
  readonly retention: Retention;
  /** Ends what waits and what runs: its process finds the lease gone. */
  cancel(rows: readonly number[]): void;
  /** Of a namespace of which no row is left; answers how many. */
  forgetDestinations(namespaceUid: string, limit: number): number;
}

interface EndedRow {
  readonly seq: number;
  readonly event: number;
  readonly bytes: number;
  readonly state: string;
}

/** Namespaces looked at in one turn. */
const scopesPerTurn = 64;
const settledStates = "('done', 'filtered', 'superseded')";
const failedStates = "('dead', 'cancelled')";

export function createTrimmer(parts: TrimParts): Trimmer {
  const { database, clock, counters, usage, keyValues, duplicates } = parts;
  let { retention } = parts;
  const select = (states: string) =>
    database.prepare(
      `SELECT seq, event, bytes, state FROM deliveries WHERE scope = ? AND state IN ${states} AND ended <= ? ORDER BY ended LIMIT ? + 0`,
    );
  const settled = select(settledStates);
  const failed = select(failedStates);
  const removeRow = database.prepare('DELETE FROM deliveries WHERE seq = ?');
  const removeEvent = database.prepare(
    'DELETE FROM events WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)',
  );
  const markVanished = database.prepare('UPDATE scopes SET vanished = 1 WHERE id = ?');
  const eventsOf = database.prepare('SELECT seq FROM events WHERE scope = ? LIMIT ? + 0');
  const rowsOf = database.prepare('SELECT seq, event, bytes, state FROM deliveries WHERE event = ?');
  const vanished = new Set(
    (database.prepare('SELECT id FROM scopes WHERE vanished = 1').all() as { id: number }[]).map(({ id }) => id),
  );
  let cursor = 0;

  function remove(scope: number, rows: readonly EndedRow[]): number {
    for (const { seq, event, bytes, state } of rows) {
      removeRow.run(seq);
      removeEvent.run(event);
      usage.change(scope, 'endedRows', -1);
      usage.change(scope, 'endedBytes', -bytes);
      if (state === 'dead') counters.add('trimmedDead', 1);
      else if (state === 'cancelled') counters.add('trimmedCancelled', 1);
    }
    return rows.length;
  }

  function trimAged(scope: number, limit: number): number {
    const now = clock.now();
    const rows = settled.all(scope, now - retention.settledMs, limit) as unknown as EndedRow[];
    const dead = failed.all(scope, now - retention.failedMs, limit - rows.length) as unknown as EndedRow[];
    return remove(scope, rows) + remove(scope, dead);
  }

  function trimExcess(scope: number, { endedBytes }: StoreUsage, limit: number): number {
    let excess = endedBytes - retention.endedBytes;
    let gone = 0;
    for (const statement of [settled, failed]) {
      if (excess <= 0 || gone >= limit) break;
      const chosen: EndedRow[] = [];
      for (const row of statement.all(scope, Number.MAX_SAFE_INTEGER, limit - gone) as unknown as EndedRow[]) {
        if (excess <= 0) break;
        excess -= row.bytes;
        chosen.push(row);
      }
      gone += remove(scope, chosen);
    }
    return gone;
  }

  function forget(scope: number, namespaceUid: string, limit: number): number {
    let gone = keyValues.forget(namespaceUid, limit);
    gone += duplicates.forget(scope, limit - gone);
    for (const { seq } of eventsOf.all(namespaceUid, Math.max(0, limit - gone)) as { seq: number }[]) {
      parts.cancel((rowsOf.all(seq) as unknown as EndedRow[]).map((row) => row.seq));
      gone += remove(scope, rowsOf.all(seq) as unknown as EndedRow[]);
      if (gone >= limit) return gone;
    }
    if (gone === 0) gone = parts.forgetDestinations(namespaceUid, limit);
    if (gone === 0) {
      vanished.delete(scope);
      usage.drop(scope);
    }
    return gone;
  }

  return {
    trim(limit) {
      let gone = keyValues.purge(limit);
      gone += duplicates.trim(limit - gone);
      const scopes = [...usage.scopes()];
      for (let looked = 0; looked < Math.min(scopesPerTurn, scopes.length) && gone < limit; looked += 1) {
        const entry = scopes[cursor++ % scopes.length];
        if (entry === undefined) continue;
        const [scope, namespaceUid, used] = entry;
        if (vanished.has(scope)) gone += forget(scope, namespaceUid, limit - gone);
        else if (used.endedRows > 0) {
          gone += trimAged(scope, limit - gone);
          gone += trimExcess(scope, used, limit - gone);
        }
      }
      return gone;
    },
    setRetention(given) {
      retention = given;
      duplicates.setBound(given.duplicateKeys);
    },
    purge(namespaceUid) {
      const scope = usage.idOf(namespaceUid);
      markVanished.run(scope);
      vanished.add(scope);
    },
  };
}
