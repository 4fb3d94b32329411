/** Known delivery ids in SQLite: who has been here within the window, bounded in number with a share for each endpoint. */
import type { DatabaseSync } from 'node:sqlite';
import { hashEndpoint, hashKey } from './duplicate-hash.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';
import type { StoreClock } from './store-clock.ts';
import type { DuplicateKey } from './store.ts';
import type { UsageBook } from './sqlite-usage.ts';

export interface DuplicateKeys {
  /** The id of the event that has the key; undefined: the caller's has it from now on. */
  claim(namespaceUid: string, duplicate: DuplicateKey, eventId: string): string | undefined;
  /** Deletes at most `limit` keys: expired ones, and above the bound the oldest of whoever has most; answers how many. */
  trim(limit: number): number;
  /** Deletes at most `limit` keys of a namespace; answers how many. */
  forget(scope: number, limit: number): number;
  count(): number;
  /** Keys of all endpoints, at most. */
  setBound(keys: number): void;
  /** How long keys are really remembered where the bound cut a window short; undefined: all windows hold. */
  window(): number | undefined;
  /** Inside the transaction, before its commit. */
  write(): void;
}

interface Endpoint {
  readonly id: number;
  readonly name: string;
  readonly scope: number;
  keys: number;
  windowMs: number;
}

/** Endpoints whose expired keys are looked for in one turn. */
const endpointsPerTurn = 64;
/** A cut window is told for so long after the last key that was given up for it. */
const toldMs = 10 * 60_000;

export function createDuplicateKeys(
  database: DatabaseSync,
  clock: StoreClock,
  usage: UsageBook,
  journal: Journal,
  firstBound: number,
): DuplicateKeys {
  let bound = firstBound;
  const find = database.prepare('SELECT event, expires FROM duplicates WHERE key = ?');
  const insert = database.prepare('INSERT INTO duplicates (key, event, endpoint, expires) VALUES (?, ?, ?, ?)');
  const replace = database.prepare('UPDATE duplicates SET event = ?, expires = ? WHERE key = ?');
  const insertEndpoint = database.prepare('INSERT INTO endpoints (name, scope, keys) VALUES (?, ?, 0) RETURNING id');
  const updateEndpoint = database.prepare('UPDATE endpoints SET keys = ? WHERE id = ?');
  const removeEndpoint = database.prepare('DELETE FROM endpoints WHERE id = ?');
  const removeOldest = database.prepare(
    `DELETE FROM duplicates WHERE key IN (SELECT key FROM duplicates WHERE endpoint = ? AND expires <= ? ORDER BY expires LIMIT ?)
     RETURNING expires`,
  );
  const byName = new Map<string, Endpoint>();
  const dirty = new Set<Endpoint>();
  let total = 0;
  let cursor = 0;
  let cut: { readonly windowMs: number; readonly at: number } | undefined;

  const rows = database.prepare('SELECT id, hex(name) AS name, scope, keys FROM endpoints').all();
  for (const row of rows as unknown as Omit<Endpoint, 'windowMs'>[]) {
    byName.set(row.name, { ...row, windowMs: 0 });
    total += row.keys;
  }

  function endpointOf(namespaceUid: string, duplicate: DuplicateKey): Endpoint {
    const hash = hashEndpoint(namespaceUid, duplicate);
    const name = hash.toString('hex').toUpperCase();
    const known = byName.get(name);
    if (known !== undefined) return known;
    const scope = usage.idOf(namespaceUid);
    const { id } = insertEndpoint.get(hash, scope) as { id: number };
    const endpoint = { id, name, scope, keys: 0, windowMs: duplicate.windowMs };
    putNoted(journal, byName, name, endpoint);
    return endpoint;
  }

  function count(endpoint: Endpoint, change: number): void {
    endpoint.keys += change;
    total += change;
    dirty.add(endpoint);
    journal.push(() => {
      endpoint.keys -= change;
      total -= change;
    });
  }

  /** Keys that expire before `until`, oldest first; answers how many went and when the last of them would have expired. */
  function remove(endpoint: Endpoint, until: number, limit: number): { readonly gone: number; readonly last: number } {
    const gone = removeOldest.all(endpoint.id, until, limit) as { expires: number }[];
    if (gone.length > 0) count(endpoint, -gone.length);
    if (endpoint.keys <= 0 && gone.length > 0) {
      removeEndpoint.run(endpoint.id);
      dropNoted(journal, byName, endpoint.name);
    }
    return { gone: gone.length, last: gone.reduce((latest, { expires }) => Math.max(latest, expires), 0) };
  }

  function trimExpired(limit: number): number {
    const endpoints = [...byName.values()];
    let gone = 0;
    for (let looked = 0; looked < Math.min(endpointsPerTurn, endpoints.length) && gone < limit; looked += 1) {
      const endpoint = endpoints[cursor++ % endpoints.length];
      if (endpoint !== undefined) gone += remove(endpoint, clock.now(), limit - gone).gone;
    }
    return gone;
  }

  /** Whoever has most gives up its oldest: a flood at one endpoint shortens that endpoint's window, not the others'. */
  function trimExcess(limit: number): number {
    const excess = Math.min(limit, total - bound);
    if (excess <= 0) return 0;
    let largest: Endpoint | undefined;
    for (const endpoint of byName.values()) if (endpoint.keys > (largest?.keys ?? 0)) largest = endpoint;
    if (largest === undefined) return 0;
    const { gone, last } = remove(largest, Number.MAX_SAFE_INTEGER, excess);
    if (largest.windowMs > 0)
      cut = { windowMs: Math.max(0, largest.windowMs - (last - clock.now())), at: clock.monotonic() };
    return gone;
  }

  return {
    claim(namespaceUid, duplicate, eventId) {
      const key = hashKey(namespaceUid, duplicate);
      const now = clock.now();
      const known = find.get(key) as { event: string; expires: number } | undefined;
      if (known !== undefined && known.expires > now) return known.event;
      const expires = now + duplicate.windowMs;
      if (known !== undefined) {
        replace.run(eventId, expires, key);
        return undefined;
      }
      const endpoint = endpointOf(namespaceUid, duplicate);
      endpoint.windowMs = duplicate.windowMs;
      insert.run(key, eventId, endpoint.id, expires);
      count(endpoint, 1);
      return undefined;
    },
    trim(limit) {
      const gone = trimExpired(limit);
      return gone + trimExcess(limit - gone);
    },
    forget(scope, limit) {
      let gone = 0;
      for (const endpoint of byName.values()) {
        if (gone >= limit) break;
        if (endpoint.scope === scope) gone += remove(endpoint, Number.MAX_SAFE_INTEGER, limit - gone).gone;
      }
      return gone;
    },
    count: () => total,
    setBound: (keys) => void (bound = keys),
    window: () => (cut === undefined || clock.monotonic() - cut.at > toldMs ? undefined : cut.windowMs),
    write() {
      for (const { id, keys } of dirty) updateEndpoint.run(keys, id);
      dirty.clear();
    },
  };
}
