/** A runtime: worker threads behind shared ports, the table they serve, records, metrics, health; in one process. */
import { meterLua } from '../lua/metering.ts';
import type { TableChange } from '../routing/diff-tables.ts';
import type { Acknowledgement, RouteTable } from '../routing/types.ts';
import type { RuntimeSettings } from '../settings/runtime-settings.ts';
import { openStore, type OpenStore } from '../store/open-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { openAdminListener } from './admin-http.ts';
import type { CallRecord } from './call-record.ts';
import { RareTotals, sampleCalls, sampleEngines, sampleRare, sampleStore } from './collect-metrics.ts';
import { createRecordKeeper, type RecordSource } from './keep-records.ts';
import { choosePorts } from './choose-ports.ts';
import { logCall } from './log-call.ts';
import { placeRecord } from './place-error.ts';
import { runSchedules } from './run-schedules.ts';
import { createThreadFleet } from './start-threads.ts';
import { WorkerPool } from './worker-pool.ts';

export interface RuntimeAddresses {
  readonly public: string;
  readonly calls: string;
  readonly admin: string;
}

export interface RuntimeOptions {
  readonly settings: RuntimeSettings;
  readonly log: Logger;
  /** Where accepted events and key-value rows live; absent: in memory, lost when the process ends. */
  readonly store?: OpenStore;
  /** Routes of whoever composes the program, on the admin listener. */
  readonly adminRoutes?: Parameters<typeof openAdminListener>[0]['routes'];
}

export interface Runtime {
  readonly addresses: RuntimeAddresses;
  readonly workers: number;
  /** The table that serves. */
  readonly table: RouteTable;
  /** Serves another table: only what differs goes to the workers. Resolves with what they say of each changed revision. */
  apply(table: RouteTable): Promise<readonly Acknowledgement[]>;
  applyChanges(changes: readonly TableChange[], version: number): Promise<readonly Acknowledgement[]>;
  /** Called with each acknowledgement; answers what stops it. */
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): () => void;
  readonly records: RecordSource;
  /** Of a schedule trigger: milliseconds since the epoch. */
  nextScheduleTime(destination: string): number | undefined;
  /** Stops listening, lets what runs end within the grace, closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Ports are open when it resolves; ready when the first table has been applied. */
export async function createRuntime({ settings, log, store: given, adminRoutes }: RuntimeOptions): Promise<Runtime> {
  const ports = await choosePorts(settings);
  if (!ports.shared && settings.workers > 1) {
    log.warn('this platform cannot share a port between threads: one worker serves', { wanted: settings.workers });
  }
  const workers = ports.shared ? settings.workers : 1;
  const after = (milliseconds: number, callback: () => void): (() => void) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  };
  const module = await meterLua();
  let lost: string | undefined;
  const store = given ?? (await openStore({ path: ':memory:', onLost: (error) => (lost = error.message) }));
  if (!store.durable)
    log.warn('events, later and key-value rows are kept in memory: they are lost when the process ends');
  const connection = store.connect();
  const rare = new RareTotals();
  const records = createRecordKeeper(settings.records, {
    now: () => Date.now(),
    flush: () => Promise.allSettled(pool.threads.map((thread) => thread.flush())),
    follow: (on) => {
      for (const thread of pool.threads) thread.follow(on);
    },
  });
  const fleet = createThreadFleet({ settings, workers, shared: ports.shared, module, store });
  const onRecord = (record: CallRecord): void => logCall(log, record);
  const pool: WorkerPool = new WorkerPool({
    workers,
    silenceMs: settings.watchdog.silenceMs,
    quarantineMs: settings.watchdog.quarantineMs,
    places: fleet.places,
    ports,
    clock: { wall: () => Date.now(), monotonic: () => performance.now() },
    every: (milliseconds, callback) => {
      const timer = setInterval(callback, milliseconds);
      return () => clearInterval(timer);
    },
    start: (index, gone) =>
      fleet.start(index, {
        gone,
        log: (level, message, fields) => log[level](message, { ...fields, worker: index }),
        batch: (batch) => {
          for (const count of batch.rare) rare.add(count);
          if (batch.dropped > 0) rare.add({ metric: 'records_dropped_total', labels: [], count: batch.dropped });
          const placed = batch.records.map((record) => placeRecord(record, pool.table));
          for (const record of placed) onRecord(record);
          records.add(placed);
        },
      }),
    forget: (index) => fleet.forget(index),
    onReplaced: ({ worker, reason, detail, uid }) => {
      rare.add({ metric: 'worker_replacements_total', labels: [reason], count: 1 });
      const entry = uid === undefined ? undefined : pool.table.functions.get(uid);
      const ran = entry === undefined ? 'no function' : `${entry.namespace}/${entry.name}`;
      log.error(`a worker thread was ${reason} and is replaced; it ran ${ran}`, { worker, detail });
      if (entry !== undefined) records.add([fleet.lostCall(entry, worker, reason)]);
    },
    onError: (message, error) => log.error(message, { error: String(error) }),
  });
  const schedules = runSchedules(connection, { wall: () => Date.now() }, after, (error) =>
    log.error('schedules', { error: error.message }),
  );
  const listeners = new Set<(acknowledgement: Acknowledgement) => void>();
  let applied = false;
  let draining = false;

  const metrics = createMetrics(async (sample) => {
    sampleRare(sample, rare);
    sampleCalls(sample, fleet.counters, fleet.places);
    for (const [uid, index] of fleet.places.indexes()) {
      const entry = pool.table.functions.get(uid);
      const running = fleet.inflight.total(index);
      if (entry === undefined || running === 0) continue;
      sample.set('function_inflight', running, { namespace: entry.namespace, function: entry.name });
    }
    sample.set('functions', pool.table.functions.size);
    sample.set('route_table_version', pool.table.version);
    sample.set('workers', pool.threads.length);
    sample.set('records', records.size);
    fleet.sampleApply(sample);
    const stats = await Promise.allSettled(pool.threads.map((thread) => thread.stats()));
    sampleEngines(
      sample,
      stats.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
      fleet.ended,
    );
    await sampleStore(sample, connection);
  });

  await pool.open();
  const admin = await openAdminListener({
    ...settings.admin,
    metrics,
    routes: adminRoutes,
    alive: () => (lost === undefined ? { ready: true } : { ready: false, reason: `the store is lost: ${lost}` }),
    ready: () => {
      if (draining) return { ready: false, reason: 'draining' };
      if (lost !== undefined) return { ready: false, reason: 'the store is lost' };
      if (!applied) return { ready: false, reason: 'the route table is not there yet' };
      return pool.threads.length > 0 ? { ready: true } : { ready: false, reason: 'no worker serves' };
    },
  });

  async function applyWith(turn: Promise<readonly Acknowledgement[]>): Promise<readonly Acknowledgement[]> {
    const began = performance.now();
    const acknowledgements = await turn;
    fleet.countApply((performance.now() - began) / 1000);
    applied = true;
    await schedules.follow(pool.table);
    for (const acknowledgement of acknowledgements) for (const listener of listeners) listener(acknowledgement);
    return acknowledgements;
  }

  async function close(): Promise<void> {
    draining = true;
    schedules.stop();
    await pool.close();
    await admin.close();
    await connection.close();
    if (given === undefined) await store.close();
  }

  return {
    workers,
    addresses: {
      public: urlOf(settings.public.host, pool.ports.publicPort),
      calls: urlOf(settings.calls.host, pool.ports.callsPort),
      admin: urlOf(settings.admin.host, admin.port),
    },
    get table() {
      return pool.table;
    },
    apply: (table) => applyWith(pool.apply(table)),
    applyChanges: (changes, version) => applyWith(pool.applyChanges(changes, version)),
    onAcknowledgement(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    records,
    nextScheduleTime: (destination) => schedules.nextScheduleTime(destination),
    async drain() {
      draining = true;
      schedules.stop();
      await pool.drain(settings.drainGraceMs);
      await close();
    },
    close,
  };
}

function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}
