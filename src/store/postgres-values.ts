/** Key-value rows on PostgreSQL within the quotas; writes that come together share a transaction, and each fails alone. */
import { growthOfWrites } from './growth.ts';
import type { WriteUnit } from './plan-writes.ts';
import { createBatches } from './postgres-batches.ts';
import { claimKey, getKeyValue, listKeys, writeKeyValues } from './postgres-key-value.ts';
import { batchBytes, rowBytes, type PostgresParts } from './postgres-parts.ts';
import type { Store, Written } from './store.ts';

const pageLimit = 1000;

export function createPostgresValues(parts: PostgresParts): Pick<Store, 'get' | 'write' | 'list' | 'claim'> {
  const { pool, sessions, usage, now } = parts;

  const write = createBatches<WriteUnit, Written>({
    run: (units) => sessions.transaction(({ client }) => writeKeyValues(client, units)),
    weigh: ({ writes }) => writes.length * rowBytes,
    most: batchBytes,
    now,
  });

  return {
    get: (scope, key) => getKeyValue(pool, scope, key),
    write: (writes, expectations) =>
      usage.within(growthOfWrites(writes), writes, () => write({ writes, expectations })),
    list: (scope, prefix, limit, after) => listKeys(pool, scope, prefix, Math.min(limit, pageLimit), after),
    claim: (claim) => {
      const { scope, key, value } = claim;
      const growth = growthOfWrites([{ scope, key, change: { kind: 'set', value } }]);
      return usage.within(growth, [claim], () => sessions.once(({ client }) => claimKey(client, claim)));
    },
  };
}
