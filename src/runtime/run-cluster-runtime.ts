/** The runtime of a cluster as a program: store, threads, links to the controllers, and how it ends. */
import { lookup } from 'node:dns/promises';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../link/exchange.ts';
import { readHealth } from '../delivery/subscription-health.ts';
import { systemClock } from '../link/system-clock.ts';
import { emptyTable } from '../routing/diff-tables.ts';
import type { ClusterRuntimeSettings } from '../settings/cluster-runtime-settings.ts';
import { openPostgres } from '../store/open-postgres.ts';
import type { Store } from '../store/store.ts';
import { openStore, type OpenStore } from '../store/open-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createLinkClient, type LinkClient } from './link/link-client.ts';
import { createTableFile } from './link/table-file.ts';
import { answerAppendAsk } from './cluster-events/append-in-worker.ts';
import { createStoreGuard, type StoreGuard } from './guard-store.ts';
import { createStateReports, type StateReports } from './report-states.ts';
import { askCluster } from './ask-cluster.ts';
import { askForNamespaces } from './ask-for-namespaces.ts';
import { openLiveAnswers, type LiveAnswers } from './live/open-live-answers.ts';
import { askForReview } from './ask-for-review.ts';
import { createNamespacePurge, type NamespacePurge } from './purge-namespaces.ts';
import { openSnapshotSocket, snapshotSocket } from './snapshot-http.ts';
import { createRuntime, type Runtime, type RuntimeAddresses } from './runtime.ts';

export interface ClusterRuntimeOptions {
  readonly settings: ClusterRuntimeSettings;
  readonly log: Logger;
  /** Of this process. */
  readonly identity: string;
  random(): number;
  /** Known to this process alone: what comes through the aggregated API is passed on with it. */
  readonly callToken: string;
  newId(): string;
  /** The store is lost: nothing may be accepted any more. */
  onLost(message: string): void;
}

export interface ClusterRuntime {
  readonly addresses: RuntimeAddresses;
  readonly runtime: Runtime;
  /** Fails readiness, waits until nobody sends here any more, ends or parks what runs, closes the links. */
  stop(): Promise<void>;
}

export async function runClusterRuntime(options: ClusterRuntimeOptions): Promise<ClusterRuntime> {
  const { settings, log, identity } = options;
  const store = await openStoreOf(options);
  let links: LinkClient | undefined;
  let guard: StoreGuard | undefined;
  let ending = false;
  try {
    const runtime = await createRuntime({
      settings: { ...settings.runtime, callToken: options.callToken },
      log,
      store,
      keepsGoodCode: true,
      linkedControllers: () => links?.links ?? 0,
      foreignStore: () => guard?.refusal !== undefined,
      notReady: () => (ending ? 'draining' : links === undefined ? 'it starts' : (guard?.refusal ?? links.notReady())),
      reviewCall: (question) => askForReview(question, links),
      kubernetes: (call, signal) => askCluster(call, signal, links),
    });
    const file =
      settings.tableFile === undefined
        ? undefined
        : createTableFile({
            path: settings.tableFile,
            table: () => runtime.table ?? emptyTable,
            after: systemClock.after,
            onTrouble: (message) => log.error('the table file', { error: message }),
          });
    const connection = store.connect();
    const own = guardStore(options, connection, (topic) => links?.ask(topic, {}, { timeoutMs: ownerMs }));
    guard = own;
    const stopping = new AbortController();
    const live = openLiveAnswers({
      runtime,
      store: connection,
      callToken: options.callToken,
      newId: options.newId,
      after: systemClock.after,
      now: systemClock.now,
      wall: () => Date.now(),
    });
    const reports = createStateReports({
      table: () => runtime.table,
      nextScheduleTime: (destination) => runtime.nextScheduleTime(destination),
      health: (namespaceUid, name) => readHealth(connection, namespaceUid, name),
      openBreakers: () => runtime.openBreakers(),
      now: () => Date.now(),
    });
    links = createLinkClient({
      controllers: settings.controllers,
      serverName: settings.serverName,
      runtime: identity,
      podName: settings.podName,
      podUid: settings.podUid,
      group: settings.group,
      server: {
        get table() {
          return runtime.table;
        },
        applyChanges: async (changes, version) => {
          await admit(own, stopping.signal);
          return await runtime.applyChanges(changes, version);
        },
        setPolicy: (policy) => runtime.setPolicy(policy),
      },
      ...(file === undefined ? {} : { file }),
      lookup: (host) => lookup(host, { all: true }),
      credentials: async () => {
        const [token, authorities] = await Promise.all([
          readFile(settings.tokenFile, 'utf8'),
          readFile(settings.authorityFile, 'utf8'),
        ]);
        return { token: token.trim(), authorities };
      },
      answer: (topic, body, signal) =>
        topic === 'append'
          ? answerAppendAsk(body, (question) => runtime.append(question))
          : live.answer(topic, body, signal),
      clock: systemClock,
      random: options.random,
      log,
      reported: () => reports.told(),
    });
    const stopReports = reportStates(reports, links, (error) =>
      log.warn('schedules and receivers could not be reported', { error: error.message }),
    );
    const linked = links;
    const stopResuming = resumeOnce(live, linked, (error) =>
      log.warn('replays of a former process do not go on yet', { error: error.message }),
    );
    const records = store.records(settings.runtime.records);
    const stopPurging = purgeNamespaces(
      createNamespacePurge({
        stored: async () => Object.keys((await connection.measures()).usage),
        gone: async (uids) => (own.admitted ? await askForNamespaces(uids, linked) : undefined),
        purge: async (uid) => {
          await connection.purge(uid);
          await records.purge(uid);
        },
        now: systemClock.now,
        restMs: vanishedRestMs,
        onPurge: (uid) => log.info('a namespace is gone: what it has stored is being forgotten', { namespaceUid: uid }),
        onStrangeStore: (count) =>
          log.warn('no namespace of the store is in this cluster: is it the store of another one?', { count }),
      }),
      (error) => log.warn('it is not known which namespaces are gone', { error: error.message }),
    );
    const snapshots = await offerSnapshots(options, store);
    const { addresses } = runtime;
    log.info('the runtime listens', { ...addresses, workers: runtime.workers });
    return {
      addresses,
      runtime,
      async stop() {
        ending = true;
        stopping.abort();
        await new Promise<void>((resolve) => void systemClock.after(settings.lameMs, resolve));
        stopReports();
        stopResuming();
        stopPurging();
        await live.close();
        await snapshots?.close();
        await runtime.drain();
        await connection.close();
        await linked.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Undefined: PostgreSQL, or the volume knows no sockets: then a store can be copied only while nobody uses it. */
async function offerSnapshots(
  { settings, log }: ClusterRuntimeOptions,
  store: OpenStore,
): Promise<{ close(): Promise<void> } | undefined> {
  if (store.snapshot === undefined) return undefined;
  const path = join(dirname(settings.storeFile), snapshotSocket);
  try {
    return await openSnapshotSocket(path, { snapshot: store.snapshot, now: systemClock.now });
  } catch (error) {
    log.warn('the store cannot be copied while it is used', { socket: path, error: String(error) });
    return undefined;
  }
}

const ownerMs = 10_000;
/** A store that was refused is looked at again so often. */
const refusedRestMs = 10_000;

function guardStore(
  { settings, log }: ClusterRuntimeOptions,
  store: Store,
  ask: (topic: 'installation') => Promise<Answer> | undefined,
): StoreGuard {
  const { tableFile, adoptStore } = settings;
  const path = tableFile === undefined ? undefined : join(dirname(tableFile), 'store-owner');
  return createStoreGuard({
    store,
    ask: async () => (await ask('installation')) ?? { ok: false, code: 'Away', message: 'it starts' },
    ...(adoptStore === undefined ? {} : { adopt: adoptStore }),
    ...(path === undefined
      ? {}
      : {
          memory: {
            read: async () => await readFile(path, 'utf8').catch(() => undefined),
            write: async (owner) => await writeFile(path, owner),
          },
        }),
    onRefused: (message) => log.error(message),
    onAdopted: (from, owner) => log.warn('the store of another installation was taken over', { from, owner }),
  });
}

async function admit(guard: StoreGuard, signal: AbortSignal): Promise<void> {
  const again = guard.refusal !== undefined;
  try {
    await guard.admit();
  } catch (error) {
    // Controllers offer the table again at once.
    if (again) await sleep(refusedRestMs, undefined, { signal }).catch(() => undefined);
    throw error;
  }
}

/** Statuses show such times at most once a minute. */
const reportEveryMs = 20_000;

function reportStates(reports: StateReports, links: LinkClient, onError: (error: Error) => void): () => void {
  let running = false;
  return systemClock.every(reportEveryMs, () => {
    if (running) return;
    running = true;
    reports
      .changes()
      .then((report) => links.report(report))
      .catch(onError)
      .finally(() => (running = false));
  });
}

const purgeEveryMs = 600_000;
/** A namespace's UID never comes back; the wait is for lists that were wrong. */
const vanishedRestMs = 3_600_000;

function purgeNamespaces(namespaces: NamespacePurge, onError: (error: Error) => void): () => void {
  return systemClock.every(purgeEveryMs, () => void namespaces.look().catch(onError));
}

const resumeEveryMs = 5_000;

/** Replays go on as soon as it is known which functions there are. */
function resumeOnce(live: LiveAnswers, links: LinkClient, onError: (error: Error) => void): () => void {
  const stop = systemClock.every(resumeEveryMs, () => {
    if (links.notReady() !== undefined) return;
    stop();
    live.resume().catch(onError);
  });
  return stop;
}

async function openStoreOf({ settings, log, identity, onLost }: ClusterRuntimeOptions): Promise<OpenStore> {
  const { storeUrl, storeFile } = settings;
  if (storeUrl === undefined) {
    return await openStore({ path: storeFile, onLost: (error) => onLost(error.message) });
  }
  // A connection that breaks is made again; what is asked meanwhile fails and is told to whoever asked.
  const onError = (error: Error): void => log.warn('the database connection broke', { error: error.message });
  const onAlarm = (message: string): void => log.warn(message);
  return await openPostgres({ url: storeUrl, processId: identity, onError, onAlarm });
}
