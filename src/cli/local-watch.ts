/** What the console of a local run watches and acts on: the same answers that its local API gives the command line. */
import type { PlainObject, WatchAnswer, WatchSource } from '../console/watch-source.ts';
import type { LiveAnswer } from '../link/live-questions.ts';
import type { LocalRun } from '../local/run-local.ts';
import { describeSubscription, listSubscriptions, pingSubscription } from '../local/subscription-api.ts';
import { setSuspend } from '../local/suspend-api.ts';
import { cancelWaiting, getReplay, replayDeliveries } from '../runtime/live/act-answers.ts';
import { listCalls, listRunningCalls, readFilter } from '../runtime/live/call-answers.ts';
import { describeDelivery, explainId, listDeliveries, readDeliveryQuery } from '../runtime/live/delivery-answers.ts';
import { explainRequest, type SupposedRequest } from '../runtime/live/explain-request.ts';
import { deleteKeyValue, readKeyValues, setKeyValue } from '../runtime/live/key-value-answers.ts';
import { listRoutes } from '../runtime/live/list-routes.ts';
import { listSchedules } from '../runtime/live/list-schedules.ts';
import { createMeasureHistory, type MeasureHistory } from '../telemetry/measure-history.ts';
import { snapshotMetrics } from '../telemetry/snapshot-metrics.ts';
import { invokeLocally } from './invoke-locally.ts';

/** Between two points of the charts, and how many are kept: ten minutes. */
const everyMs = 2_000;
const points = 300;

export interface LocalWatch {
  readonly source: WatchSource;
  /** Calls back after each measurement; answers how to stop. */
  onMeasured(listener: () => void): () => void;
  close(): Promise<void>;
}

export function openLocalWatch(run: LocalRun): LocalWatch {
  const { view } = run;
  const history = createMeasureHistory({ everyMs, points });
  const measuring = measureAgainAndAgain(run, history);
  const unreadable = (message: string): WatchAnswer => ({ ok: false, status: 400, message });
  const source: WatchSource = {
    calls: async (query) => {
      const filter = readFilter(query);
      return typeof filter === 'string' ? unreadable(filter) : answerOf(listCalls(view, filter));
    },
    running: async (query) => {
      const filter = readFilter(query);
      return typeof filter === 'string' ? unreadable(filter) : answerOf(listRunningCalls(view, filter));
    },
    explain: (namespace, id) => answerOf(explainId(view, namespace, id)),
    deliveries: async (namespace, query) => {
      const read = readDeliveryQuery(query);
      return typeof read === 'string' ? unreadable(read) : answerOf(listDeliveries(view, namespace, read));
    },
    delivery: (namespace, id) => answerOf(describeDelivery(view, namespace, id, false)),
    replay: (namespace, wish) => answerOf(replayDeliveries(view, namespace, wish)),
    replayStatus: (namespace, generation) => answerOf(getReplay(view, namespace, generation)),
    cancel: (namespace, selection) => answerOf(cancelWaiting(view, namespace, selection)),
    subscriptions: () => answerOf(listSubscriptions(view, undefined)),
    subscription: (namespace, name) => answerOf(describeSubscription(view, namespace, name)),
    ping: (namespace, name) => answerOf(pingSubscription(view, namespace, name)),
    routes: async () => listRoutes(view.table()),
    explainRequest: (request) => answerOf(explainRequest(view, undefined, request as unknown as SupposedRequest)),
    schedules: (page) => listSchedules(view.table(), view, page),
    keys: (namespace, query) => answerOf(readKeyValues(view, namespace, query)),
    setKey: (namespace, write) => answerOf(setKeyValue(view, namespace, write)),
    deleteKey: (namespace, query) => answerOf(deleteKeyValue(view, namespace, query)),
    suspend: (kind, namespace, name, suspend) => answerOf(setSuspend(view, kind, namespace, name, { suspend })),
    invoke: (order) => invokeLocally(run.addresses.calls, run.token, order),
    measures: { measures: () => history.measures(), functions: () => history.functions() },
  };
  return { source, onMeasured: measuring.onMeasured, close: measuring.close };
}

interface Measuring {
  onMeasured(listener: () => void): () => void;
  close(): Promise<void>;
}

function measureAgainAndAgain(run: LocalRun, history: MeasureHistory): Measuring {
  const listeners = new Set<() => void>();
  let turn: Promise<void> | undefined;
  const measure = async (): Promise<void> => {
    // A store that cannot be asked now is told of where it matters; a chart has a gap.
    const snapshot = await snapshotMetrics((sample) => run.view.measure(sample)).catch(() => undefined);
    history.add(run.view.now(), snapshot);
    for (const listener of listeners) listener();
    turn = undefined;
  };
  turn = measure();
  const timer = setInterval(() => void (turn ??= measure()), everyMs);
  return {
    onMeasured: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      clearInterval(timer);
      await turn;
    },
  };
}

async function answerOf(asked: Promise<LiveAnswer>): Promise<WatchAnswer> {
  const answer = await asked;
  return answer.status === 200
    ? { ok: true, value: answer.body as PlainObject }
    : { ok: false, status: answer.status, message: answer.message };
}
