/** The store on PostgreSQL, for more than one runtime. Any number of processes share it; row locks and epochs keep them apart. */
import { Pool, type PoolClient } from 'pg';
import { appendItem, readEvent } from './postgres-append.ts';
import {
  cancelRows,
  type CountChange,
  endLease,
  lapsedLeases,
  leaseDestination,
  lockLease,
  returnLease,
} from './postgres-deliveries.ts';
import { claimKey, getKeyValue, listKeys, writeKeyValues } from './postgres-key-value.ts';
import { channel, listen } from './postgres-listen.ts';
import { allDeliveries, readDeliveries } from './postgres-read.ts';
import { replayRow } from './postgres-replay.ts';
import { preparePostgres, sessionOptions } from './postgres-schema.ts';
import {
  deliveryStates,
  isEnded,
  type Counts,
  type DeliveryState,
  type Lease,
  type Receipt,
  type Settled,
  type SettleItem,
  type Store,
  type Written,
} from './store.ts';

export interface PostgresSettings {
  readonly url: string;
  /** Names this process in the counters. */
  readonly processId: string;
  /** Lost connections that no caller is waiting for. */
  onError(error: Error): void;
}

const connections = 5;
const pageLimit = 1000;
/** Deadlock, serialization failure: the transaction did nothing and may be repeated. */
const repeatable: ReadonlySet<string> = new Set(['40P01', '40001']);

/** Thrown inside a transaction to undo it and answer all the same. */
class RollBack<Value> extends Error {
  readonly value: Value;
  constructor(value: Value) {
    super('rolled back');
    this.value = value;
  }
}

export async function openPostgresStore({ url, processId, onError }: PostgresSettings): Promise<Store> {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 5000,
    options: sessionOptions,
  });
  pool.on('error', onError);
  try {
    await preparePostgres(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const listeners = new Set<() => void>();
  const wake = (): void => {
    for (const listener of listeners) listener();
  };
  const stopListening = listen(url, wake, onError);

  /** Runs `work` in one transaction, again after a deadlock; counters land with it. */
  async function transaction<Value>(work: (client: PoolClient, count: CountChange) => Promise<Value>): Promise<Value> {
    for (let round = 1; ; round++) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        const changes = new Map<string, number>();
        await client.query('BEGIN');
        const value = await work(client, (name, change) => void changes.set(name, (changes.get(name) ?? 0) + change));
        await writeCounters(client, processId, changes);
        await client.query('COMMIT');
        return value;
      } catch (error) {
        await client.query('ROLLBACK').catch((failed: Error) => (broken = failed));
        if (error instanceof RollBack) return error.value as Value;
        if (!repeatable.has((error as { code?: string }).code ?? '') || round === 5) throw error;
      } finally {
        client.release(broken);
      }
    }
  }

  let notified: NodeJS.Timeout | undefined;
  /** At most 20 a second: NOTIFY takes a global lock at commit. */
  function notify(): void {
    wake();
    notified ??= setTimeout(() => {
      notified = undefined;
      pool.query(`NOTIFY ${channel}`).catch(onError);
    }, 50);
  }

  async function settleOne({
    receipt,
    ending,
    append = [],
    writes = [],
    expectations = [],
  }: SettleItem): Promise<Settled> {
    return await transaction<Settled>(async (client, count) => {
      const row = await lockLease(client, receipt);
      if (row === 'repeated') return 'ok';
      if (row === 'stale') return 'stale';
      const written = await writeKeyValues(client, writes, expectations);
      if (written.kind === 'conflict') throw new RollBack<Settled>('conflict');
      if (written.kind === 'notInteger') throw new Error(`key ${JSON.stringify(written.key)} does not hold an integer`);
      for (const item of append) await appendItem(client, item, count);
      await endLease(client, row, ending, count);
      return 'ok';
    });
  }

  async function returnAll(receipts: readonly Receipt[], delayMs: number): Promise<void> {
    for (const receipt of receipts.toSorted((a, b) => a.delivery - b.delivery)) {
      await transaction(async (client, count) => {
        const row = await lockLease(client, receipt);
        if (typeof row === 'object') await returnLease(client, row, delayMs, false, count);
      });
    }
  }

  return {
    durable: true,
    async append(items) {
      const appended = await transaction(async (client, count) => {
        const answers = [];
        for (const item of items) answers.push(await appendItem(client, item, count));
        return answers;
      });
      notify();
      return appended;
    },
    async lease(wishes, leaseMs) {
      const leases: Lease[] = [];
      for (const wish of wishes) {
        if (wish.max <= 0) continue;
        leases.push(
          ...(await transaction((client, count) =>
            leaseDestination(client, wish, leaseMs, leases.length === 0, count),
          )),
        );
        if ((leases.at(-1)?.crashes ?? 0) > 0) break;
      }
      return leases;
    },
    async release(receipts, delayMs) {
      await returnAll(receipts, delayMs);
      notify();
    },
    async extend(receipts, leaseMs) {
      const { rows } = await pool.query<{ seq: string }>(
        `UPDATE moonhook_deliveries d SET lease_until = moonhook_now() + $3::bigint
         FROM unnest($1::bigint[], $2::int[]) AS r (seq, epoch)
         WHERE d.seq = r.seq AND d.epoch = r.epoch AND d.state = 'leased' AND d.lease_until > moonhook_now() RETURNING d.seq`,
        [receipts.map(({ delivery }) => delivery), receipts.map(({ epoch }) => epoch), leaseMs],
      );
      const kept = new Set(rows.map(({ seq }) => Number(seq)));
      return receipts.filter(({ delivery }) => !kept.has(delivery));
    },
    async settle(items) {
      const settled = await Promise.all(items.map((item) => settleOne(item)));
      notify();
      return settled;
    },
    read: (filter, page) => readDeliveries(pool, filter, page),
    event: (namespaceUid, id) => readEvent(pool, namespaceUid, id),
    async replay(filter, generation, to) {
      const states = (filter.states ?? ['dead', 'cancelled']).filter((state) => isEnded(state));
      let created = 0;
      for (const row of await allDeliveries(pool, { ...filter, states, latest: true })) {
        if (to === undefined && row.generation >= generation) continue;
        if (await transaction((client, count) => replayRow(client, row, generation, to, count))) created++;
      }
      notify();
      return created;
    },
    async cancel(filter) {
      const rows = await allDeliveries(pool, { ...filter, states: ['waiting', 'held'] });
      return await transaction((client, count) =>
        cancelRows(
          client,
          rows.map(({ delivery }) => delivery),
          count,
        ),
      );
    },
    async counts() {
      const [counted, kept] = await Promise.all([
        pool.query<{ state: DeliveryState; count: string }>(
          'SELECT state, count(*) FROM moonhook_deliveries GROUP BY state',
        ),
        pool.query<{ value: string }>(
          "SELECT coalesce(sum(value), 0) AS value FROM moonhook_counters WHERE name = 'created'",
        ),
      ]);
      const values = new Map(counted.rows.map(({ state, count }) => [state, Number(count)]));
      const byState = Object.fromEntries(deliveryStates.map((state) => [state, values.get(state) ?? 0])) as Record<
        DeliveryState,
        number
      >;
      const created = Number(kept.rows[0]?.value);
      return {
        created,
        byState,
        gap: created - deliveryStates.reduce((sum, state) => sum + byState[state], 0),
      } satisfies Counts;
    },
    get: (scope, key) => getKeyValue(pool, scope, key),
    write: (writes, expectations) =>
      transaction<Written>(async (client) => {
        const written = await writeKeyValues(client, writes, expectations);
        if (written.kind !== 'ok') throw new RollBack<Written>(written);
        return written;
      }),
    list: (scope, prefix, limit, after) => listKeys(pool, scope, prefix, Math.min(limit, pageLimit), after),
    claim: (claim) => claimKey(pool, claim),
    async heads() {
      await transaction(async (client, count) => {
        for (const row of await lapsedLeases(client, 100)) await returnLease(client, row, 0, true, count);
      });
      const { rows } = await pool.query<{ name: string; wait: string }>(
        `SELECT n.name, least(f.due, b.due) - moonhook_now() AS wait FROM moonhook_destinations n
         LEFT JOIN LATERAL (SELECT due FROM moonhook_deliveries WHERE destination = n.id AND state = 'waiting' AND background = 0 ORDER BY due LIMIT 1) f ON true
         LEFT JOIN LATERAL (SELECT due FROM moonhook_deliveries WHERE destination = n.id AND state = 'waiting' AND background = 1 ORDER BY due LIMIT 1) b ON true
         WHERE f.due IS NOT NULL OR b.due IS NOT NULL`,
      );
      return rows.map(({ name, wait }) => ({ destination: name, dueInMs: Math.max(0, Number(wait)) }));
    },
    wake(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    async ping() {
      await pool.query('SELECT 1');
    },
    async close() {
      clearTimeout(notified);
      await stopListening();
      await pool.end();
    },
  };
}

async function writeCounters(
  client: PoolClient,
  processId: string,
  changes: ReadonlyMap<string, number>,
): Promise<void> {
  const entries = [...changes].filter(([, change]) => change !== 0);
  if (entries.length === 0) return;
  await client.query(
    `INSERT INTO moonhook_counters AS c (process, name, value) SELECT $1, name, value FROM unnest($2::text[], $3::bigint[]) AS n (name, value)
     ORDER BY name ON CONFLICT (process, name) DO UPDATE SET value = c.value + excluded.value`,
    [processId, entries.map(([name]) => name), entries.map(([, change]) => change)],
  );
}
