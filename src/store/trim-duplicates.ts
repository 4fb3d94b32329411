/** Which delivery ids SQLite forgets: those that expired, those above the bound, those of a namespace that is gone. */
import type { Endpoint, Endpoints } from './sqlite-endpoints.ts';
import type { FormerKeys } from './sqlite-former-keys.ts';
import type { KeyLog } from './sqlite-key-log.ts';
import type { StoreClock } from './store-clock.ts';
import type { KeySweeper, Removed } from './sweep-key-runs.ts';

export interface DuplicateTrimmer {
  /** Deletes at most `limit` keys: expired ones, and above the bound the oldest of the namespace that has most; answers how many. */
  trim(limit: number): number;
  /** Deletes at most `limit` keys of a namespace; answers how many. */
  forget(scope: number, limit: number): number;
  /** Keys of all endpoints, at most. */
  setBound(keys: number): void;
  /** How long keys are really remembered where the bound cut a window short; undefined: all windows hold. */
  window(): number | undefined;
}

/** Where keys lie. */
interface KeyPlaces {
  readonly log: KeyLog;
  readonly sweeper: KeySweeper;
  readonly former: FormerKeys;
}

/** Endpoints whose expired keys are looked for in one turn. */
const endpointsPerTurn = 64;
/** A cut window is told for so long after the last key that was given up for it. */
const toldMs = 10 * 60_000;

export function createDuplicateTrimmer(
  { log, sweeper, former }: KeyPlaces,
  endpoints: Endpoints,
  clock: StoreClock,
  firstBound: number,
): DuplicateTrimmer {
  let bound = firstBound;
  const sweepExcess = sweeper.createSweep();
  /** Namespaces that are gone, each with its place. */
  const forgetting = new Map<number, ReturnType<typeof sweeper.createSweep>>();
  let cursor = 0;
  let cut: { readonly windowMs: number; readonly at: number } | undefined;

  function loseAll({ byEndpoint, gone }: Removed): number {
    for (const [id, keys] of byEndpoint) endpoints.lose(id, keys);
    return gone;
  }

  function removeFormer({ id }: Endpoint, until: number, limit: number): readonly number[] {
    const gone = former.remove(id, until, limit);
    endpoints.lose(id, gone.length);
    return gone;
  }

  function trimExpired(limit: number): number {
    const now = clock.now();
    let gone = loseAll(log.removeExpired(now, limit));
    gone += loseAll(sweeper.removeExpired(now, limit - gone));
    const all = endpoints.all();
    for (let looked = 0; looked < Math.min(endpointsPerTurn, all.length) && gone < limit; looked += 1) {
      const endpoint = all[cursor++ % all.length];
      if (endpoint !== undefined) gone += removeFormer(endpoint, now, limit - gone).length;
    }
    return gone;
  }

  /** Those of the namespace that has most, however many it spreads them over. */
  function endpointsOfMost(): readonly Endpoint[] {
    const all = endpoints.all();
    const sums = new Map<number, number>();
    for (const { scope, keys } of all) sums.set(scope, (sums.get(scope) ?? 0) + keys);
    let most = 0;
    for (const sum of sums.values()) most = Math.max(most, sum);
    return all.filter(({ scope }) => sums.get(scope) === most);
  }

  /**
   * The namespace that has most gives up the oldest of its largest endpoint: a flood at one endpoint shortens that endpoint's
   * window, not the others', and whoever makes many endpoints shortens their own.
   */
  function trimExcess(limit: number): number {
    const excess = Math.min(limit, endpoints.total() - bound);
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

  return {
    trim(limit) {
      const gone = trimExpired(limit);
      return gone + trimExcess(limit - gone);
    },
    forget(scope, limit) {
      const own = endpoints.all().filter((endpoint) => endpoint.scope === scope);
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
        for (const { id, keys } of own) endpoints.lose(id, keys);
      }
      return Math.max(1, gone);
    },
    setBound: (keys) => void (bound = keys),
    window: () => (cut === undefined || clock.monotonic() - cut.at > toldMs ? undefined : cut.windowMs),
  };
}
