/** Starts the worker threads of a runtime and holds the memory they share. */
import { randomBytes } from 'node:crypto';
import type { FunctionEntry } from '../routing/types.ts';
import type { RuntimeSettings } from '../settings/runtime-settings.ts';
import type { OpenStore } from '../store/open-store.ts';
import { callCounterBytes, CallCounters } from '../telemetry/call-counters.ts';
import type { Sample } from '../telemetry/metrics.ts';
import { newBootPrefix } from './call-ids.ts';
import type { CallRecord } from './call-record.ts';
import { createPlaceBook, type PlaceBook } from './hand-out-places.ts';
import { createSharedKeys, SharedKeys } from './shared-keys.ts';
import { Inflight, ThreadSignals } from './thread-signals.ts';
import { WorkerThread, type WorkerEvents } from './worker-thread.ts';

/** Rows per function with labels of its own, on average. */
const rowsPerFunction = 4;
const longMarkBytes = 64 * 1024;
const applyBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface ThreadFleet {
  readonly places: PlaceBook;
  readonly inflight: Inflight;
  /** Of each worker. */
  readonly counters: readonly CallCounters[];
  start(index: number, events: WorkerEvents): Promise<WorkerThread>;
  forget(index: number): void;
  /** The record of the call that was running when its thread was ended. */
  lostCall(entry: FunctionEntry, worker: number, reason: string): CallRecord;
  countApply(seconds: number): void;
  sampleApply(sample: Sample): void;
}

export function createThreadFleet(options: {
  readonly settings: RuntimeSettings;
  readonly workers: number;
  readonly shared: boolean;
  readonly module: WebAssembly.Module;
  readonly store: OpenStore;
}): ThreadFleet {
  const { settings, shared, module, store } = options;
  // One more than serve: the standby's.
  const workers = options.workers + 1;
  const rows = 1 + (settings.metricFunctions + 1) * rowsPerFunction;
  const counterBuffers = Array.from({ length: workers }, () => new SharedArrayBuffer(callCounterBytes(rows)));
  const counters = counterBuffers.map((buffer) => new CallCounters(buffer));
  const inflightBuffer = Inflight.create(settings.maxFunctions, workers);
  const inflight = new Inflight(inflightBuffer, workers, 0);
  const keyBuffer = createSharedKeys(workers, randomBytes(32));
  const keys = new SharedKeys(keyBuffer, workers, 0);
  const longMarks = new SharedArrayBuffer(longMarkBytes);
  const lostCallId = newBootPrefix();
  const applyBuckets = Array.from({ length: applyBounds.length + 1 }, () => 0);
  let applySeconds = 0;
  let lost = 0;

  return {
    inflight,
    counters,
    places: createPlaceBook({
      maxFunctions: settings.maxFunctions,
      labelledFunctions: settings.metricFunctions,
      maxRows: rows,
      clearRow: (row) => {
        for (const counter of counters) counter.clear(row);
      },
      clearIndex: (index) => inflight.clearFunction(index),
    }),
    start(index, events) {
      const signals = ThreadSignals.create();
      return WorkerThread.start(
        {
          index,
          workers,
          bootPrefix: newBootPrefix(),
          settings,
          reusePort: shared,
          module,
          signals,
          longMarks,
          counters: counterBuffers[index] as SharedArrayBuffer,
          inflight: inflightBuffer,
          keys: keyBuffer,
          storePort: store.port(),
          storeDurable: store.durable,
          ...(store.loneRunPath === undefined ? {} : { loneRunPath: store.loneRunPath }),
        },
        new ThreadSignals(signals),
        events,
      );
    },
    forget(index) {
      // The next thread counts on in the same memory; only what was in flight is gone.
      inflight.clearWorker(index);
      keys.clearWorker(index);
    },
    lostCall(entry, worker, reason) {
      lost += 1;
      const { namespaceUid, namespace, uid, name, revision } = entry;
      return {
        callId: `${lostCallId}${lost.toString(36)}`,
        time: Date.now(),
        kind: 'http',
        namespaceUid,
        namespace,
        functionUid: uid,
        functionName: name,
        revision,
        outcome: 'error',
        detail: `the call held its thread, which was ${reason} and has been replaced; the function is refused for a while`,
        durationMs: 0,
        worker,
      };
    },
    countApply(seconds) {
      let bucket = 0;
      while (bucket < applyBounds.length && seconds > (applyBounds[bucket] as number)) bucket += 1;
      applyBuckets[bucket] = (applyBuckets[bucket] as number) + 1;
      applySeconds += seconds;
    },
    sampleApply(sample) {
      sample.histogram('apply_to_programmed_seconds', applyBounds, applyBuckets, applySeconds);
    },
  };
}
