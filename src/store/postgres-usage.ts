/**
 * Quotas on PostgreSQL: judged before anything is sent, from sums that are a second old at most and what this process has
 * under way; whoever would be refused is looked at again with fresh sums. Several processes may overshoot by a second's work.
 */
import type { Pool } from 'pg';
import { addGrowth, nothingUsed, type Growth } from './growth.ts';
import { defaultStoreQuotas, quotaNames, refuseGrowth, storeQuotaOf } from './quotas.ts';
import type { StoreQuota, StoreQuotas, StoreUsage } from './quotas.ts';
import type { KeyValueWrite } from './store.ts';
import { StoreOverQuota } from './store-over-quota.ts';

export interface PostgresUsage {
  setQuotas(quotas: StoreQuotas): void;
  of(namespaceUid: string): Promise<StoreUsage>;
  all(): Promise<Readonly<Record<string, StoreUsage>>>;
  /** Does the work, which makes namespaces grow; throws `StoreOverQuota` instead where one may not. */
  within<Value>(growth: Growth, writes: readonly Named[], work: () => Promise<Value>): Promise<Value>;
  /**
   * Why not, or the growth counts as under way until the answered function is called. `writes`: keys that may have a value,
   * which the growth does not know; it is asked for only where it decides.
   */
  admit(
    growth: Growth,
    writes: readonly Named[],
  ): Promise<{ readonly refused: string } | { readonly done: () => void }>;
}

type Named = Pick<KeyValueWrite, 'scope' | 'key' | 'owed'>;

const freshMs = 1000;
const select = `SELECT scope, sum(waiting_rows)::float8 AS "waitingRows", sum(waiting_bytes)::float8 AS "waitingBytes",
    sum(key_value_bytes)::float8 AS "keyValueBytes", sum(ended_rows)::float8 AS "endedRows", sum(ended_bytes)::float8 AS "endedBytes"
  FROM moonhook_usage`;

const nameOf = ({ scope, key }: Named): string => JSON.stringify([scope.namespaceUid, scope.space, key]);

export function createPostgresUsage(pool: Pool, now: () => number): PostgresUsage {
  let quotas = defaultStoreQuotas;
  let sums = new Map<string, StoreUsage>();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  /** Committed since the sums were asked for; and not committed yet. */
  let since: Growth = new Map();
  const underWay: Growth = new Map();

  async function read(): Promise<void> {
    const began = now();
    const before = since;
    since = new Map();
    try {
      const { rows } = await pool.query<StoreUsage & { scope: string }>(`${select} GROUP BY scope`);
      sums = new Map(rows.map(({ scope, ...usage }) => [scope, usage]));
      readAt = began;
    } catch (error) {
      addGrowth(since, before);
      throw error;
    }
  }

  function refresh(): Promise<void> {
    reading ??= read().finally(() => (reading = undefined));
    return reading;
  }

  function refusal(growth: Growth): string | undefined {
    for (const [uid, grown] of growth) {
      const after = { ...nothingUsed };
      for (const each of quotaNames) {
        after[each] =
          (sums.get(uid)?.[each] ?? 0) + (since.get(uid)?.[each] ?? 0) + (underWay.get(uid)?.[each] ?? 0) + grown[each];
      }
      const message = refuseGrowth(grown, after satisfies StoreQuota, storeQuotaOf(quotas, uid));
      if (message !== undefined) return message;
    }
    return undefined;
  }

  /** What the keys hold now, to be taken off. */
  async function takeOffPresent(growth: Growth, writes: readonly Named[]): Promise<void> {
    const keys = [...new Map(writes.filter(({ owed }) => owed !== true).map((each) => [nameOf(each), each])).values()];
    if (keys.length === 0) return;
    const { rows } = await pool.query<{ scope: string; bytes: number }>(
      `SELECT k.scope, sum(moonhook_key_value_bytes(k))::float8 AS bytes FROM unnest($1::text[], $2::text[], $3::bytea[]) AS u (scope, space, key)
       JOIN moonhook_key_values k ON k.scope = u.scope AND k.space = u.space AND k.key = u.key GROUP BY k.scope`,
      [
        keys.map(({ scope }) => scope.namespaceUid),
        keys.map(({ scope }) => scope.space),
        keys.map(({ key }) => Buffer.from(key, 'utf8')),
      ],
    );
    for (const { scope, bytes } of rows) {
      const grown = growth.get(scope);
      if (grown !== undefined) grown.keyValueBytes -= bytes;
    }
  }

  async function admit(growth: Growth, writes: readonly Named[]) {
    if (readAt === Number.NEGATIVE_INFINITY) await refresh();
    // In the background: a sum of a second ago is good enough for whoever is far below.
    else if (now() - readAt > freshMs) refresh().catch(() => undefined);
    if (refusal(growth) !== undefined) {
      await reading;
      await Promise.all([refresh(), takeOffPresent(growth, writes)]);
      const refused = refusal(growth);
      if (refused !== undefined) return { refused };
    }
    addGrowth(underWay, growth);
    return {
      done() {
        addGrowth(underWay, growth, -1);
        addGrowth(since, growth);
      },
    };
  }

  return {
    setQuotas: (given) => void (quotas = given),
    async of(uid) {
      const { rows } = await pool.query<StoreUsage & { scope: string }>(`${select} WHERE scope = $1 GROUP BY scope`, [
        uid,
      ]);
      const { scope: _scope, ...usage } = rows[0] ?? { scope: uid, ...nothingUsed, endedRows: 0, endedBytes: 0 };
      return usage;
    },
    async all() {
      await refresh();
      return Object.fromEntries([...sums].filter(([, usage]) => Object.values(usage).some((amount) => amount !== 0)));
    },
    async within(growth, writes, work) {
      if (growth.size === 0) return await work();
      const admitted = await admit(growth, writes);
      if ('refused' in admitted) throw new StoreOverQuota(admitted.refused);
      try {
        return await work();
      } finally {
        admitted.done();
      }
    },
    admit,
  };
}
