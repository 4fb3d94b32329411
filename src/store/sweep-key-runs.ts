/** Taking delivery ids out of runs a piece at a time: whole runs whose keys have all expired, and the oldest of some endpoints. */
import type { DatabaseSync } from 'node:sqlite';
import type { KeyRun, KeyRuns } from './sqlite-key-runs.ts';

export interface Removed {
  /** Endpoint → keys that went. */
  readonly byEndpoint: ReadonlyMap<number, number>;
  readonly gone: number;
  /** When the last of them would have expired. */
  readonly last: number;
  /** Every run was looked through since the beginning, or since this was true. */
  readonly finished: boolean;
}

export interface KeySweeper {
  /** At most `limit` keys of runs in which nothing is valid any more; empty runs go with them. */
  removeExpired(now: number, limit: number): Removed;
  /** Looks through runs from the oldest on, a few thousand keys a call, for keys of these endpoints. */
  createSweep(): (endpoints: readonly number[], limit: number) => Removed;
}

/** Rows looked at in one statement, and statements in one call. */
const rowsPerLook = 4096;
const looksPerCall = 4;
/** A run lies in the order of its hashes: its oldest keys are found by going through it so often, each time a little later. */
const agesOfFew = 16;
/** With so many runs the order of runs is age enough, and going through all of them sixteen times would take minutes. */
const manyRuns = 8;

export function createKeySweeper(database: DatabaseSync, runs: KeyRuns): KeySweeper {
  const removeSome = database.prepare(
    `DELETE FROM duplicate_keys WHERE run = ?1 AND key IN (SELECT key FROM duplicate_keys WHERE run = ?1 LIMIT ?2 + 0)
     RETURNING endpoint, expires`,
  );
  const removeOf = database.prepare(
    `DELETE FROM duplicate_keys WHERE run = ?1 AND key IN (
       SELECT key FROM duplicate_keys WHERE run = ?1 AND key >= ?2 AND key < ?3 AND expires <= ?4
         AND endpoint IN (SELECT value FROM json_each(?5)) LIMIT ?6 + 0)
     RETURNING endpoint, expires`,
  );

  function createSweep(): (endpoints: readonly number[], limit: number) => Removed {
    let [at, age, slice] = [0, 0, 0];
    return (endpoints, limit) => {
      const rows: Row[] = [];
      const wanted = JSON.stringify(endpoints);
      const ages = runs.count() < manyRuns ? agesOfFew : 1;
      let finished = false;
      for (let look = 0; look < looksPerCall && rows.length < limit && !finished; look += 1) {
        const run = runFrom(runs, at);
        if (run === undefined) {
          [at, age, slice, finished] = [0, 0, 0, true];
          break;
        }
        if (run.id !== at) [at, age, slice] = [run.id, 0, 0];
        const slices = Math.max(1, Math.ceil(run.size / rowsPerLook));
        const until = run.earliest + ((run.latest - run.earliest) * Math.min(age + 1, ages)) / ages;
        const most = limit - rows.length;
        const found = removeOf.all(run.id, border(slice, slices), border(slice + 1, slices), until, wanted, most);
        rows.push(...(found as unknown as Row[]));
        // The rest of this piece comes next time.
        if (found.length === most) break;
        slice += 1;
        if (slice >= slices) [slice, age] = [0, age + 1];
        if (age < ages) continue;
        [at, age] = [run.id + 1, 0];
        runs.tidy(run);
      }
      return removed(rows, finished);
    };
  }

  return {
    createSweep,
    removeExpired(now, limit) {
      const rows: Row[] = [];
      for (const run of runs.all()) {
        if (rows.length >= limit) break;
        if (run.latest > now) continue;
        const most = limit - rows.length;
        const found = removeSome.all(run.id, most) as unknown as Row[];
        rows.push(...found);
        if (found.length < most) runs.drop(run);
      }
      return removed(rows, true);
    },
  };
}

interface Row {
  readonly endpoint: number;
  readonly expires: number;
}

export function removed(rows: readonly Row[], finished: boolean): Removed {
  const byEndpoint = new Map<number, number>();
  let last = 0;
  for (const { endpoint, expires } of rows) {
    byEndpoint.set(endpoint, (byEndpoint.get(endpoint) ?? 0) + 1);
    last = Math.max(last, expires);
  }
  return { byEndpoint, gone: rows.length, last, finished };
}

function runFrom(runs: KeyRuns, id: number): KeyRun | undefined {
  let found: KeyRun | undefined;
  for (const run of runs.all()) if (run.id >= id && (found === undefined || run.id < found.id)) found = run;
  return found;
}

/** The key at which a slice begins: hashes are spread evenly. */
function border(slice: number, slices: number): Uint8Array {
  // Behind the last: longer than any key of 16 bytes, and not smaller.
  if (slice >= slices) return Buffer.alloc(17, 0xff);
  const key = Buffer.alloc(4);
  key.writeUInt32BE(Math.floor((slice / slices) * 2 ** 32));
  return key;
}
