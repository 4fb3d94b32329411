/** Names of destinations as small numbers, and in memory the earliest due time of each: what may be leased next. */
import type { DatabaseSync } from 'node:sqlite';
import { prepareLists } from './row-lists.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';
import type { StoreClock } from './store-clock.ts';
import type { Head } from './store.ts';
import { ToldHeads } from './told-heads.ts';

export interface Destinations {
  idOf(name: string): number;
  nameOf(id: number): string;
  noteDue(id: number, due: number): void;
  /** Something that waits for it is due. */
  isDue(id: number): boolean;
  /** Whether something waits that did not when it was asked last, or is due still. */
  hasNews(): boolean;
  /** Reads the head again after rows were taken. */
  refresh(id: number): void;
  heads(): readonly Head[];
  /** Rows that wait for a destination, counted up to `enough`. */
  backlog(name: string, enough: number): number;
  /** Forgets at most `limit` destinations of a namespace of which no row is left; answers how many. */
  forget(namespaceUid: string, limit: number): number;
}

export function createDestinations(database: DatabaseSync, clock: StoreClock, journal: Journal): Destinations {
  const insert = database.prepare(
    'INSERT INTO destinations (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id',
  );
  const earliest = prepareLists<[due: number | null]>(
    database,
    "SELECT min(due) AS due FROM (SELECT min(due) AS due FROM deliveries WHERE destination = ?1 AND state = 'waiting' AND background = 0 UNION ALL SELECT min(due) FROM deliveries WHERE destination = ?1 AND state = 'waiting' AND background = 1)",
  );
  // The condition of each index word for word: SQLite concludes nothing from a shorter list, and would read all rows.
  const countWaiting = database.prepare(
    `SELECT (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE destination = ? AND state = 'waiting' LIMIT ? + 0)) +
       (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE destination = ? AND order_key IS NOT NULL
          AND state IN ('waiting', 'held', 'leased') AND state = 'held' LIMIT ? + 0)) AS count`,
  );

  const ofNamespace = database.prepare('SELECT id, name FROM destinations WHERE name >= ? AND name < ? LIMIT ? + 0');
  const remove = database.prepare('DELETE FROM destinations WHERE id = ?');

  const ids = new Map<string, number>();
  const names = new Map<number, string>();
  const due = new Map<number, number>();
  const told = new ToldHeads();
  let noted = false;

  function refresh(id: number): void {
    const [when] = earliest.get(id) as [number | null];
    if (when === null) dropNoted(journal, due, id);
    else if (due.get(id) !== when) putNoted(journal, due, id, when);
  }

  const rows = database.prepare('SELECT id, name FROM destinations').all() as { id: number; name: string }[];
  for (const { id, name } of rows) {
    ids.set(name, id);
    names.set(id, name);
    refresh(id);
  }
  journal.clear();

  return {
    idOf(name) {
      const known = ids.get(name);
      if (known !== undefined) return known;
      const { id } = insert.get(name) as { id: number };
      putNoted(journal, ids, name, id);
      putNoted(journal, names, id, name);
      return id;
    },
    nameOf(id) {
      const name = names.get(id);
      if (name === undefined) throw new Error(`destination ${id} is unknown`);
      return name;
    },
    noteDue(id, when) {
      noted = true;
      const known = due.get(id);
      if (known === undefined || when < known) putNoted(journal, due, id, when);
    },
    isDue: (id) => (due.get(id) ?? Number.POSITIVE_INFINITY) <= clock.now(),
    hasNews() {
      const news = noted;
      noted = false;
      if (news) return true;
      const now = clock.now();
      for (const when of due.values()) if (when <= now) return true;
      return false;
    },
    refresh,
    backlog(name, enough) {
      const id = ids.get(name);
      if (id === undefined) return 0;
      const { count } = countWaiting.get(id, enough, id, enough) as { count: number };
      return Math.min(count, enough);
    },
    forget(namespaceUid, limit) {
      const found = ofNamespace.all(`${namespaceUid}/`, `${namespaceUid}/\u{10FFFF}`, limit);
      for (const { id, name } of found as { id: number; name: string }[]) {
        remove.run(id);
        dropNoted(journal, ids, name);
        dropNoted(journal, names, id);
        dropNoted(journal, due, id);
      }
      return found.length;
    },
    heads() {
      const now = clock.now();
      return told.choose(Array.from(due, ([id, when]) => [names.get(id) ?? '', when - now] as const));
    },
  };
}
