/** Known delivery ids in SQLite: who has been here within the window, bounded in number with a share for each namespace. */
import type { DatabaseSync } from 'node:sqlite';
import { hashEndpoint, hashKey } from './duplicate-hash.ts';
import { createFormerKeys } from './sqlite-former-keys.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';
import { createKeyLog, logKeys } from './sqlite-key-log.ts';
import { createKeyRuns, type KnownKey } from './sqlite-key-runs.ts';
import type { StoreClock } from './store-clock.ts';
import type { DuplicateKey } from './store.ts';
import type { UsageBook } from './sqlite-usage.ts';
import { createKeySweeper, type Removed } from './sweep-key-runs.ts';

export interface DuplicateKeys {
  /** The id of the event that has the key; undefined: the caller's has it from now on. */
  claim(namespaceUid: string, duplicate: DuplicateKey, eventId: string): string | undefined;
  isKnown(namespaceUid: string, duplicate: DuplicateKey): boolean;
  /** Deletes at most `limit` keys: expired ones, and above the bound the oldest of the namespace that has most; answers how many. */
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
/** Names of endpoints remembered at a time. */
const mostNames = 4096;
/** A cut window is told for so long after the last key that was given up for it. */
const toldMs = 10 * 60_000;

export function createDuplicateKeys(
  database: DatabaseSync,
  clock: StoreClock,
  usage: UsageBook,
  journal: Journal,
  firstBound: number,
  enoughToMove = logKeys,
): DuplicateKeys {
  let bound = firstBound;
  const runs = createKeyRuns(database, journal);
  const log = createKeyLog(database, journal, runs, enoughToMove);
  const sweeper = createKeySweeper(database, runs);
  const former = createFormerKeys(database, journal);
  const insertEndpoint = database.prepare('INSERT INTO endpoints (name, scope, keys) VALUES (?, ?, 0) RETURNING id');
  const updateEndpoint = database.prepare('UPDATE endpoints SET keys = ? WHERE id = ?');
  const removeEndpoint = database.prepare('DELETE FROM endpoints WHERE id = ?');
  const byName = new Map<string, Endpoint>();
  const byId = new Map<number, Endpoint>();
  /** Namespace and endpoint → name, which takes a hash. */
  const names = new Map<string, string>();
  const dirty = new Set<Endpoint>();
  const sweepExcess = sweeper.createSweep();
  /** Namespaces that are gone, each with its place. */
  const forgetting = new Map<number, ReturnType<typeof sweeper.createSweep>>();
  let total = 0;
  let cursor = 0;
  let cut: { readonly windowMs: number; readonly at: number } | undefined;

  const rows = database.prepare('SELECT id, hex(name) AS name, scope, keys FROM endpoints').all();
  for (const row of rows as unknown as Omit<Endpoint, 'windowMs'>[]) {
    const endpoint = { ...row, windowMs: 0 };
    byName.set(row.name, endpoint);
    byId.set(row.id, endpoint);
    total += row.keys;
  }

  function nameOf(namespaceUid: string, duplicate: DuplicateKey): string {
    const words = `${namespaceUid}\n${duplicate.endpoint}`;
    let name = names.get(words);
    if (name === undefined) {
      if (names.size >= mostNames) names.clear();
      names.set(words, (name = hashEndpoint(namespaceUid, duplicate).toString('hex').toUpperCase()));
    }
    return name;
  }

  function endpointOf(namespaceUid: string, duplicate: DuplicateKey): Endpoint {
    const name = nameOf(namespaceUid, duplicate);
    const known = byName.get(name);
    if (known !== undefined) return known;
    const scope = usage.idOf(namespaceUid);
    const { id } = insertEndpoint.get(Buffer.from(name, 'hex'), scope) as { id: number };
    const endpoint = { id, name, scope, keys: 0, windowMs: duplicate.windowMs };
    putNoted(journal, byName, name, endpoint);
    putNoted(journal, byId, id, endpoint);
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

  /** So many keys of it went. */
  function lose(id: number, keys: number): void {
    const endpoint = byId.get(id);
    if (endpoint === undefined || keys === 0) return;
    count(endpoint, -keys);
    if (endpoint.keys > 0) return;
    removeEndpoint.run(id);
    dropNoted(journal, byName, endpoint.name);
    dropNoted(journal, byId, id);
  }

  function loseAll({ byEndpoint, gone }: Removed): number {
    for (const [id, keys] of byEndpoint) lose(id, keys);
    return gone;
  }

  function removeFormer(endpoint: Endpoint, until: number, limit: number): readonly number[] {
    const gone = former.remove(endpoint.id, until, limit);
    lose(endpoint.id, gone.length);
    return gone;
  }

  function trimExpired(limit: number): number {
    const now = clock.now();
    let gone = loseAll(log.removeExpired(now, limit));
    gone += loseAll(sweeper.removeExpired(now, limit - gone));
    const endpoints = [...byName.values()];
    for (let looked = 0; looked < Math.min(endpointsPerTurn, endpoints.length) && gone < limit; looked += 1) {
      const endpoint = endpoints[cursor++ % endpoints.length];
      if (endpoint !== undefined) gone += removeFormer(endpoint, now, limit - gone).length;
    }
    return gone;
  }

  /** Those of the namespace that has most, however many it spreads them over. */
  function endpointsOfMost(): readonly Endpoint[] {
    const sums = new Map<number, number>();
    for (const { scope, keys } of byName.values()) sums.set(scope, (sums.get(scope) ?? 0) + keys);
    let most = 0;
    for (const sum of sums.values()) most = Math.max(most, sum);
    return [...byName.values()].filter(({ scope }) => sums.get(scope) === most);
  }

  /**
   * The namespace that has most gives up the oldest of its largest endpoint: a flood at one endpoint shortens that endpoint's
   * window, not the others', and whoever makes many endpoints shortens their own.
   */
  function trimExcess(limit: number): number {
    const excess = Math.min(limit, total - bound);
    if (excess <= 0) return 0;
    const own = endpointsOfMost();
    let largest: Endpoint | undefined;
    for (const endpoint of own) if (endpoint.keys > (largest?.keys ?? 0)) largest = endpoint;
    if (largest === undefined) return 0;
    const removed = removeFormer(largest, Number.MAX_SAFE_INTEGER, excess);
    let [gone, last] = [removed.length, removed.at(-1) ?? 0];
    if (gone < excess) {
      // Those that have nearly as much go with it: one look through a run serves them all.
      const mean = own.reduce((sum, { keys }) => sum + keys, 0) / own.length;
      const most = Math.max(mean, largest.keys / 2);
      const many = own.filter(({ keys }) => keys >= most).map(({ id }) => id);
      const swept = sweepExcess(many, excess - gone);
      gone += loseAll(swept);
      // What came last goes last.
      const newest = swept.finished ? log.removeOf(many, excess - gone) : undefined;
      if (newest !== undefined) gone += loseAll(newest);
      last = Math.max(last, swept.last, newest?.last ?? 0);
    }
    if (largest.windowMs > 0 && gone > 0)
      cut = { windowMs: Math.max(0, largest.windowMs - (last - clock.now())), at: clock.monotonic() };
    // While there are too many it goes on, also where one look found none that may go.
    return Math.max(1, gone);
  }

  const find = (key: Uint8Array): KnownKey | undefined => log.find(key) ?? runs.find(key) ?? former.find(key);

  return {
    isKnown(namespaceUid, duplicate) {
      const known = find(hashKey(namespaceUid, duplicate));
      return known !== undefined && known.expires > clock.now();
    },
    claim(namespaceUid, duplicate, eventId) {
      const key = hashKey(namespaceUid, duplicate);
      const now = clock.now();
      const known = find(key);
      if (known !== undefined) {
        if (known.expires > now) return known.event;
        known.remove();
        lose(known.endpoint, 1);
      }
      const { windowMs } = duplicate;
      const endpoint = endpointOf(namespaceUid, duplicate);
      endpoint.windowMs = windowMs;
      log.add({ key, event: eventId, endpoint: endpoint.id, expires: now + windowMs, windowMs });
      count(endpoint, 1);
      return undefined;
    },
    trim(limit) {
      const gone = trimExpired(limit);
      return gone + trimExcess(limit - gone);
    },
    forget(scope, limit) {
      const own = [...byName.values()].filter((endpoint) => endpoint.scope === scope);
      if (own.length === 0 || limit <= 0) return 0;
      const ids = own.map(({ id }) => id);
      let gone = loseAll(log.removeOf(ids, limit));
      for (const endpoint of own) gone += removeFormer(endpoint, Number.MAX_SAFE_INTEGER, limit - gone).length;
      if (gone >= limit) return gone;
      let sweep = forgetting.get(scope);
      if (sweep === undefined) forgetting.set(scope, (sweep = sweeper.createSweep()));
      const removed = sweep(ids, limit - gone);
      gone += loseAll(removed);
      if (removed.finished) {
        forgetting.delete(scope);
        // Every run was looked through.
        for (const { id, keys } of own) lose(id, keys);
      }
      return Math.max(1, gone);
    },
    count: () => total,
    setBound: (keys) => void (bound = keys),
    window: () => (cut === undefined || clock.monotonic() - cut.at > toldMs ? undefined : cut.windowMs),
    write() {
      log.write(clock.now());
      for (const { id, keys } of dirty) updateEndpoint.run(keys, id);
      dirty.clear();
    },
  };
}
