/** The store on PostgreSQL, for more than one runtime. Any number of processes share it; row locks and epochs keep them apart. */
import { createAppendClock } from './append-times.ts';
import { cancellableStates } from './cancellable-states.ts';
import { CrashWatch } from './crash-watch.ts';
import { appendItems, isOneStatement, readEvent } from './postgres-append.ts';
import { appendConditional } from './postgres-append-if.ts';
import { createBatches } from './postgres-batches.ts';
import { growthOfAppend, growthOfWrites } from './growth.ts';
import { readCounts } from './postgres-counts.ts';
import { cancelRows, extendLeases, returnAbandoned, returnLeases, type ReturnedRow } from './postgres-deliveries.ts';
import { createPostgresDestinations } from './postgres-destinations.ts';
import { answerDuplicates } from './postgres-duplicates.ts';
import { createPostgresHeads } from './postgres-heads.ts';
import { claimKey, getKeyValue, listKeys, writeKeyValues } from './postgres-key-value.ts';
import { createPostgresLeasing } from './postgres-leasing.ts';
import { openHints } from './postgres-listen.ts';
import { claimPostgres } from './postgres-owner.ts';
import { allDeliveries, readDeliveries } from './postgres-read.ts';
import { createPostgresRecords } from './postgres-records.ts';
import type { RecordBounds, RecordStore } from './records.ts';
import { replayRow } from './postgres-replay.ts';
import { openPool } from './postgres-pool.ts';
import { createSessions } from './postgres-session.ts';
import { settleItems } from './postgres-settle.ts';
import { startUpkeep } from './postgres-upkeep.ts';
import { countBacklog, measureDatabase } from './postgres-measures.ts';
import { growthOfReplay, settleWithin } from './postgres-within.ts';
import { createPostgresUsage } from './postgres-usage.ts';
import { defaultRetention, type Retention } from './retention.ts';
import {
  isEnded,
  type AppendItem,
  type Appended,
  type KeyValueExpectation,
  type KeyValueWrite,
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
  /** Something in the database that people should look at; default: an error. */
  onAlarm?(message: string): void;
  readonly retention?: Partial<Retention>;
}

const pageLimit = 1000;
/** Bytes and rows of one transaction: what an item weighs is its bytes and a fixed part. */
const batchBytes = 4 * 1024 * 1024;
const rowBytes = 8192;

/** A store of events with the records of calls on the same connections. */
export interface PostgresStore extends Store {
  records(bounds: RecordBounds): RecordStore;
}

export async function openPostgresStore(settings: PostgresSettings): Promise<PostgresStore> {
  const { url, processId, onAlarm = (message) => onError(new Error(message)) } = settings;
  let closed = false;
  /** What breaks because it is being closed is nobody's news. */
  const onError = (error: Error): void => {
    if (!closed) settings.onError(error);
  };
  const pool = await openPool(url, onError);
  const now = (): number => performance.now();
  const random = (): number => Math.random();
  const sessions = createSessions(pool, processId);
  const destinations = createPostgresDestinations(pool);
  const watch = new CrashWatch(now);
  const usage = createPostgresUsage(pool, now);
  const appends = createAppendClock();
  const listeners = new Set<() => void>();
  const wake = (): void => {
    for (const listener of listeners) listener();
  };
  const heads = createPostgresHeads({ pool, destinations, now, random, onDue: wake, onError });
  const hints = openHints(url, processId, () => heads.readSoon(), onError);
  let retention = { ...defaultRetention, ...settings.retention };
  const stopUpkeep = startUpkeep({
    sessions,
    destinations,
    retention: () => retention,
    now,
    random,
    onReturned(returned) {
      for (const destination of returned) heads.note(destination, 0);
      changed();
    },
    onAlarm,
    onError,
  });

  /** Something may have become due: this process looks at once, the others soon. */
  function changed(): void {
    wake();
    hints.send();
  }

  async function returned(rows: readonly ReturnedRow[], delayMs = 0): Promise<void> {
    const names = await destinations.namesOf(rows.map(({ destination }) => destination));
    for (const name of names.values()) heads.note(name, delayMs);
    changed();
  }

  /** Items of one call are stored together; calls of one batch, too, and each fails alone. */
  const append = createBatches<readonly AppendItem[], readonly Appended[]>({
    run: (calls) => appendCalls(calls),
    weigh: (items) => items.reduce((sum, { event }) => sum + event.body.length + rowBytes, 0),
    most: batchBytes,
    lanes: 1,
    now,
  });

  async function appendCalls(calls: readonly (readonly AppendItem[])[]): Promise<readonly (readonly Appended[])[]> {
    const items = calls.flat();
    const ids = await destinations.idsOf(
      items.flatMap(({ deliveries }) => deliveries.map(({ destination }) => destination)),
    );
    const stored = isOneStatement(items)
      ? await sessions.once((session) => appendItems(session, items, ids))
      : await sessions.transaction((session) => appendItems(session, items, ids));
    const known = items.filter((_, index) => stored[index] === undefined);
    const duplicates =
      known.length === 0 ? [] : await sessions.transaction((session) => answerDuplicates(session, known, destinations));
    for (const { deliveries } of items) {
      for (const { destination, delayMs = 0 } of deliveries) heads.note(destination, delayMs);
    }
    let place = 0;
    let duplicate = 0;
    return calls.map((call) => call.map(() => stored[place++] ?? duplicates[duplicate++] ?? unanswered()));
  }

  const settle = createBatches<readonly SettleItem[], readonly Settled[]>({
    async run(calls) {
      const items = calls.flat();
      const settled = await settleItems(sessions, items, destinations);
      let place = 0;
      return calls.map((call) => call.map(() => settled[place++] ?? unanswered()));
    },
    weigh: (items) => items.length * rowBytes,
    most: batchBytes,
    lanes: 1,
    now,
  });

  const write = createBatches<
    { readonly writes: readonly KeyValueWrite[]; readonly expectations: readonly KeyValueExpectation[] },
    Written
  >({
    run: (units) => sessions.transaction(({ client }) => writeKeyValues(client, units)),
    weigh: ({ writes }) => writes.length * rowBytes,
    most: batchBytes,
    lanes: 1,
    now,
  });

  const leasing = createPostgresLeasing({ sessions, destinations, heads, watch, now, random, wake });
  const { forget } = leasing;

  return {
    durable: true,
    owner: (claim) => claimPostgres(pool, claim),
    async append(items) {
      const began = now();
      const appended = await usage.within(growthOfAppend(items), [], () => append(items));
      appends.observe(now() - began);
      changed();
      return appended;
    },
    async appendIf(conditional) {
      const { append: items, writes } = conditional;
      const growth = growthOfWrites(writes, growthOfAppend(items));
      const began = now();
      const answer = await usage.within(growth, writes, () => appendConditional(sessions, conditional, destinations));
      if (answer === 'ok' && items.length > 0) {
        appends.observe(now() - began);
        for (const { deliveries } of items) {
          for (const { destination, delayMs = 0 } of deliveries) heads.note(destination, delayMs);
        }
        changed();
      }
      return answer;
    },
    lease: (wishes, leaseMs) => leasing.lease(wishes, leaseMs),
    async release(receipts, delayMs) {
      const rows = await sessions.transaction(({ client }) =>
        returnLeases(client, receipts, delayMs, (delivery) => watch.isAlone(delivery)),
      );
      for (const { delivery } of receipts) forget(delivery);
      await returned(rows, delayMs);
    },
    async abandon(receipts) {
      const rows = await sessions.transaction(({ client }) => returnAbandoned(client, receipts));
      for (const { delivery } of receipts) forget(delivery);
      await returned(rows);
    },
    async extend(receipts, leaseMs) {
      const lost = await extendLeases(pool, receipts, leaseMs);
      for (const { delivery } of lost) forget(delivery);
      return lost;
    },
    async settle(items) {
      const settled = await settleWithin(usage, items, (delivery) => leasing.held(delivery)?.event, settle);
      for (const [index, { receipt, ending, append: appended = [] }] of items.entries()) {
        if (settled[index] === 'conflict' || typeof settled[index] === 'object') continue;
        const destination = leasing.held(receipt.delivery)?.destination;
        if (ending.kind === 'retry' && destination !== undefined) heads.note(destination, ending.delayMs);
        forget(receipt.delivery);
        for (const { deliveries } of appended) {
          for (const each of deliveries) heads.note(each.destination, each.delayMs ?? 0);
        }
      }
      changed();
      return settled;
    },
    read: (filter, page) => readDeliveries(pool, filter, page),
    event: (namespaceUid, id) => readEvent(pool, namespaceUid, id),
    async replay(filter, generation, to) {
      const states = (filter.states ?? ['dead', 'cancelled']).filter((state) => isEnded(state));
      let created = 0;
      for (const row of await allDeliveries(pool, { ...filter, states, latest: true })) {
        if (to === undefined && row.generation >= generation) continue;
        const growth = await growthOfReplay(pool, row);
        const again = (): Promise<boolean> =>
          sessions.transaction((session) => replayRow(session, row, generation, to, destinations));
        if (await usage.within(growth, [], again)) created++;
        heads.note(to ?? row.destination, 0);
      }
      changed();
      return created;
    },
    async cancel(filter) {
      const states = cancellableStates(filter);
      const rows = await allDeliveries(pool, { ...filter, states });
      const cancelled = await sessions.transaction((session) =>
        cancelRows(
          session,
          rows.map(({ delivery }) => delivery),
          states,
        ),
      );
      heads.readSoon();
      changed();
      return cancelled;
    },
    counts: () => readCounts(pool),
    get: (scope, key) => getKeyValue(pool, scope, key),
    write: (writes, expectations) =>
      usage.within(growthOfWrites(writes), writes, () => write({ writes, expectations })),
    list: (scope, prefix, limit, after) => listKeys(pool, scope, prefix, Math.min(limit, pageLimit), after),
    claim: (claim) => {
      const { scope, key, value } = claim;
      const growth = growthOfWrites([{ scope, key, change: { kind: 'set', value } }]);
      return usage.within(growth, [claim], () => claimKey(pool, claim));
    },
    records: (bounds) => createPostgresRecords(pool, bounds),
    setQuotas: async (quotas) => usage.setQuotas(quotas),
    setRetention: async (given) => void (retention = given),
    usage: (namespaceUid) => usage.of(namespaceUid),
    async backlog(destination, enough) {
      const id = (await destinations.find([destination])).get(destination);
      return id === undefined ? 0 : await countBacklog(pool, id, enough);
    },
    async purge(namespaceUid) {
      await pool.query('INSERT INTO moonhook_vanished VALUES ($1) ON CONFLICT DO NOTHING', [namespaceUid]);
    },
    measures: async () => ({
      diskLow: false,
      appends: appends.read(),
      ...(await measureDatabase(pool)),
      usage: await usage.all(),
    }),
    heads: () => heads.read(),
    wake(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    async ping() {
      await pool.query('SELECT 1');
    },
    async close() {
      closed = true;
      await Promise.all([hints.close(), heads.close(), stopUpkeep()]);
      await pool.end();
    },
  };
}

function unanswered(): never {
  throw new Error('a batch gave fewer answers than it had questions');
}
