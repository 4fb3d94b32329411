/** The pool of a runtime, with what becomes of everything its threads say. */
import { systemClock } from '../link/system-clock.ts';
import type { RuntimeSettings } from '../settings/runtime-settings.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CaughtEvents } from './caught-events.ts';
import type { RareTotals } from './collect-metrics.ts';
import type { RecordKeeper } from './keep-records.ts';
import { logCall } from './log-call.ts';
import { placeRecord } from './place-error.ts';
import { noCluster, type MakeKubernetesCall } from './kubernetes-desk.ts';
import type { ReviewQuestion, ReviewVerdict } from './review-caller.ts';
import type { ThreadFleet } from './start-threads.ts';
import type { Batch } from './worker-messages.ts';
import { WorkerPool, type Replacement } from './worker-pool.ts';
import type { ListenPorts } from './worker-thread.ts';

export function createPool(options: {
  readonly settings: RuntimeSettings;
  readonly workers: number;
  readonly ports: ListenPorts;
  readonly fleet: ThreadFleet;
  readonly records: RecordKeeper;
  readonly rare: RareTotals;
  readonly caught: CaughtEvents;
  readonly log: Logger;
  /** In a cluster: asks the controller about a caller. It must not reject. */
  review?(question: ReviewQuestion): Promise<ReviewVerdict>;
  /** In a cluster: makes a function's Kubernetes call. It must not reject. */
  readonly kubernetes?: MakeKubernetesCall | undefined;
}): WorkerPool {
  const { settings, workers, ports, fleet, records, rare, caught, log } = options;

  function takeBatch(batch: Batch): void {
    for (const count of batch.rare) rare.add(count);
    if (batch.dropped > 0) rare.add({ metric: 'records_dropped_total', labels: [], count: batch.dropped });
    const placed = batch.records.map((record) => placeRecord(record, pool.table));
    for (const record of placed) logCall(log, record);
    records.add(placed);
  }

  function replaced({ worker, reason, detail, uid }: Replacement): void {
    rare.add({ metric: 'worker_replacements_total', labels: [reason], count: 1 });
    const entry = uid === undefined ? undefined : pool.table.functions.get(uid);
    const ran = entry === undefined ? 'no function' : `${entry.namespace}/${entry.name}`;
    log.error(`a worker thread was ${reason} and is replaced; it ran ${ran}`, { worker, detail });
    if (entry !== undefined) records.add([fleet.lostCall(entry, worker, reason)]);
  }

  const pool: WorkerPool = new WorkerPool({
    workers,
    standby: settings.watchdog.standby,
    silenceMs: settings.watchdog.silenceMs,
    quarantineMs: settings.watchdog.quarantineMs,
    places: fleet.places,
    ports,
    clock: { wall: () => Date.now(), monotonic: () => performance.now() },
    every: systemClock.every,
    start: (index, gone) =>
      fleet.start(index, {
        gone,
        log: (level, message, fields) => log[level](message, { ...fields, worker: index }),
        batch: takeBatch,
        caught: (event) => caught.add(event),
        breaker(told) {
          for (const other of pool.threads) if (other.index !== index) other.hearBreaker(told);
        },
        review: (question) => options.review?.(question) ?? Promise.resolve(nobodyReviews),
        kubernetes: (call, signal) => options.kubernetes?.(call, signal) ?? Promise.resolve(noCluster),
      }),
    onServing(thread) {
      if (records.followed) thread.follow(true);
      if (caught.wanted().length > 0) thread.catch(caught.wanted());
    },
    forget: (index) => fleet.forget(index),
    onReplaced: replaced,
    onError: (message, error) => log.error(message, { error: String(error) }),
  });
  return pool;
}

const nobodyReviews: ReviewVerdict = { kind: 'away', reason: 'nobody reviews tokens here' };
