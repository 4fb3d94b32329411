/** A runtime: worker threads behind shared ports, the table they serve, records, metrics, health; in one process. */
import type { OpenBreaker } from '../delivery/breakers.ts';
import type { AppendAnswer, AppendQuestion } from '../link/append-messages.ts';
import { systemClock } from '../link/system-clock.ts';
import { meteredLua } from '../lua/metered-lua.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { TableChange } from '../routing/diff-tables.ts';
import type { Acknowledgement, RouteTable } from '../routing/types.ts';
import { cacheFolder } from '../settings/cache-folder.ts';
import type { RuntimeSettings } from '../settings/runtime-settings.ts';
import { openStore, type OpenStore } from '../store/open-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createMetrics, type Sample } from '../telemetry/metrics.ts';
import { openAdminListener, type AdminListener } from './admin-http.ts';
import { appendInWorker } from './cluster-events/append-in-worker.ts';
import { createCaughtEvents, type CaughtEvents } from './caught-events.ts';
import { choosePorts } from './choose-ports.ts';
import { RareTotals, scrapeRuntime } from './collect-metrics.ts';
import { createPool } from './create-pool.ts';
import { createDeletionFollower } from './follow-deletions.ts';
import { giveBackMemory, looksWithoutRequests, threadMemory } from './give-back-memory.ts';
import { tellDisk } from './tell-disk.ts';
import { createTableFollowUp } from './follow-up-tables.ts';
import { createGoodCodeKeeper } from './keep-good-code.ts';
import { judgeLife, judgeReadiness, type RuntimeState } from './judge-readiness.ts';
import type { MakeKubernetesCall } from './kubernetes-desk.ts';
import { createRecordKeeper, type RecordSource } from './keep-records.ts';
import type { ReviewQuestion, ReviewVerdict } from './review-caller.ts';
import { askResting } from './ask-resting.ts';
import { runSchedules } from './run-schedules.ts';
import { createThreadFleet } from './start-threads.ts';
import type { RunningCall } from './worker-messages.ts';
import type { WorkerPool } from './worker-pool.ts';
import type { Resting } from './why-resting.ts';

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
  /** Controllers that have a link to this process; absent: there are none to have one. */
  linkedControllers?(): number;
  /** The store is another installation's, and nothing is served from it. */
  foreignStore?(): boolean;
  /** Why the process must not get requests yet, whatever was applied; undefined: it may. */
  notReady?(): string | undefined;
  /** In a cluster: asks the controller about a caller. It must not reject. */
  reviewCall?(question: ReviewQuestion): Promise<ReviewVerdict>;
  /** In a cluster: makes a function's Kubernetes call through the controller. It must not reject. */
  readonly kubernetes?: MakeKubernetesCall;
  /** Keeps the last good code of functions in the store, for the next process. */
  readonly keepsGoodCode?: boolean;
  /** Routes of whoever composes the program, on the admin listener. */
  readonly adminRoutes?: Parameters<typeof openAdminListener>[0]['routes'];
}

export interface Runtime {
  readonly addresses: RuntimeAddresses;
  readonly workers: number;
  /** The table that serves. */
  readonly table: RouteTable;
  /** In force now. */
  readonly policy: InstallationPolicy;
  /** Serves another table: only what differs goes to the workers. Resolves with what they say of each changed revision. */
  apply(table: RouteTable): Promise<readonly Acknowledgement[]>;
  applyChanges(changes: readonly TableChange[], version: number): Promise<readonly Acknowledgement[]>;
  /** Another policy of the installation: in force at once. */
  setPolicy(policy: InstallationPolicy): Promise<void>;
  /** Called with each acknowledgement; answers what stops it. */
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): () => void;
  readonly records: RecordSource;
  /** Breakers of outgoing requests that are not closed, in any worker. */
  openBreakers(): Promise<readonly OpenBreaker[]>;
  /** Calls that have not ended, the oldest first. */
  runningCalls(): Promise<readonly RunningCall[]>;
  /** Why nothing of these destinations starts although it is due, as far as this process knows. */
  resting(destinations: readonly string[]): Promise<Resting>;
  /** Stores what became of objects in the cluster. Rejects when it is not known whether it was stored. */
  append(question: AppendQuestion): Promise<AppendAnswer>;
  /** Events that somebody asked to see. */
  readonly caught: CaughtEvents;
  /** Of a schedule trigger: milliseconds since the epoch. */
  nextScheduleTime(destination: string): number | undefined;
  /** What a scrape of the metrics reads. */
  measure(sample: Sample): Promise<void>;
  /** Stops listening, lets what runs end within the grace, closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Ports are open when it resolves; ready when the first table has been applied. */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { settings, log, store: given, adminRoutes, reviewCall } = options;
  const { after, every } = systemClock;
  const ports = await choosePorts(settings);
  if (!ports.shared && settings.workers > 1) {
    log.warn('this platform cannot share a port between threads: one worker serves', { wanted: settings.workers });
  }
  const workers = ports.shared ? settings.workers : 1;
  const module = await meteredLua(cacheFolder);
  const state: RuntimeState = { applied: false, draining: false, lost: undefined };
  const store = given ?? (await openStore({ path: ':memory:', onLost: (error) => (state.lost = error.message) }));
  if (!store.durable)
    log.warn('events, later and key-value rows are kept in memory: they are lost when the process ends');
  const connection = store.connect();
  const rare = new RareTotals();
  const fleet = createThreadFleet({ settings, workers, shared: ports.shared, module, store });
  const records = createRecordKeeper({
    store: store.records(settings.records),
    rooms: settings.records,
    now: () => Date.now(),
    every,
    onDropped: (count) => rare.add({ metric: 'records_dropped_total', labels: [], count }),
    onError: (error) => log.warn('records of calls were not kept', { error: error.message }),
    flush: (quiet) => Promise.allSettled(pool.threads.map((thread) => thread.flush(quiet))),
    follow: (on) => {
      for (const thread of pool.threads) thread.follow(on);
    },
  });
  const caught = createCaughtEvents({
    now: () => performance.now(),
    every,
    tell: (uids) => {
      for (const thread of pool.threads) thread.catch(uids);
    },
  });
  const pool: WorkerPool = createPool({
    settings,
    workers,
    ports,
    fleet,
    records,
    rare,
    caught,
    log,
    ...(reviewCall === undefined ? {} : { review: reviewCall }),
    kubernetes: options.kubernetes,
  });
  const schedules = runSchedules(connection, { wall: () => Date.now() }, after, (error) =>
    log.error('schedules', { error: error.message }),
  );
  const deletions = createDeletionFollower(connection, () => Date.now());
  const goodCode = createGoodCodeKeeper({
    store: connection,
    serve: (goods) => pool.serveGood(goods),
    after,
    onError: (message, error) => log.warn(message, { error: String(error) }),
  });
  const stopGivingBack = giveBackMemory(threadMemory(), every, looksWithoutRequests);
  const stopTellingDisk = tellDisk(connection, log, every);
  let admin: AdminListener | undefined;

  async function close(): Promise<void> {
    state.draining = true;
    stopGivingBack();
    stopTellingDisk();
    caught.close();
    schedules.stop();
    await goodCode.flush();
    await pool.close();
    await records.close();
    await admin?.close();
    await connection.close();
    if (given === undefined) await store.close();
  }

  const tables = createTableFollowUp({
    pool,
    fleet,
    store: connection,
    schedules,
    deletions,
    goodCode: options.keepsGoodCode === true ? goodCode : undefined,
    policy: settings.policy,
    onApplied: () => (state.applied = true),
  });

  const measure = (sample: Sample): Promise<void> => {
    sample.set('link_controllers', options.linkedControllers?.() ?? 0);
    sample.set('store_foreign', options.foreignStore?.() === true ? 1 : 0);
    return scrapeRuntime(sample, { rare, fleet, pool, records, store: connection });
  };

  try {
    await pool.open();
    admin = await openAdminListener({
      ...settings.admin,
      metrics: createMetrics(measure),
      routes: adminRoutes,
      alive: () => judgeLife(state),
      ready: () => judgeReadiness(state, pool.threads.length, options.notReady?.()),
    });
  } catch (error) {
    await close();
    throw error;
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
    get policy() {
      return tables.policy;
    },
    apply: (table) => tables.follow(pool.apply(table)),
    applyChanges: (changes, version) => {
      deletions.moved(changes);
      return tables.follow(pool.applyChanges(changes, version));
    },
    async setPolicy(next) {
      pool.setPolicy(next);
      await tables.setPolicy(next);
    },
    onAcknowledgement: tables.onAcknowledgement,
    records,
    openBreakers: async () => {
      const stats = await Promise.allSettled(pool.threads.map((thread) => thread.stats()));
      const all = stats.flatMap((each) => (each.status === 'fulfilled' ? each.value.breakers : []));
      return [...new Map(all.map((breaker) => [breaker.key, breaker])).values()];
    },
    runningCalls: async () => {
      const stats = await Promise.allSettled(pool.threads.map((thread) => thread.stats()));
      const all = stats.flatMap((each) => (each.status === 'fulfilled' ? each.value.running : []));
      return all.toSorted((one, other) => one.time - other.time);
    },
    resting: (destinations) => askResting(pool.threads, destinations, after),
    append: (question) => appendInWorker(pool.threads, question),
    caught,
    nextScheduleTime: (destination) => schedules.nextScheduleTime(destination),
    measure,
    async drain() {
      state.draining = true;
      schedules.stop();
      await pool.drain(settings.drainGraceMs);
      await close();
    },
    close,
  };
}

function urlOf(host: string, port: number): string {
  // Who listens everywhere is reached here.
  if (host === '0.0.0.0') return urlOf('127.0.0.1', port);
  if (host === '::') return urlOf('::1', port);
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
