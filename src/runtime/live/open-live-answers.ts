/** What a runtime of a cluster needs to answer questions about itself, opened and closed together. */
import { compareTexts } from '../../function/compare-texts.ts';
import { createReplayJobs } from '../../delivery/replay-jobs.ts';
import { readHealth } from '../../delivery/subscription-health.ts';
import type { Answerer } from '../../link/exchange.ts';
import type { DownTopic } from '../../link/protocol.ts';
import { namespaceEgress } from '../../policy/namespace-egress.ts';
import { createOutboundGuard } from '../../policy/outbound.ts';
import type { RouteTable } from '../../routing/types.ts';
import type { Store } from '../../store/store.ts';
import { createDocuments } from '../fetch-document.ts';
import type { Runtime } from '../runtime.ts';
import { createLiveAnswers } from './answer-questions.ts';
import { createDeliveryFollows } from './follow-deliveries.ts';
import { createFollowSessions } from './follow-sessions.ts';
import type { LiveView } from './live-view.ts';
import { createPassRequest } from './pass-request.ts';

export interface LiveAnswers {
  readonly answer: Answerer<DownTopic>;
  /** Goes on with replays that a former process left, of the functions that are known now. */
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** Between two pages of a replay: the requests that came meanwhile go first. */
const replayPauseMs = 5;

export function openLiveAnswers(options: {
  readonly runtime: Runtime;
  readonly store: Store;
  /** Opens the call listener to this process. */
  readonly callToken: string;
  newId(): string;
  after(milliseconds: number, callback: () => void): () => void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the epoch. */
  wall(): number;
}): LiveAnswers {
  const { runtime, store, newId, after, wall } = options;
  const replays = createReplayJobs({
    store,
    now: wall,
    pause: () => new Promise((resume) => void after(replayPauseMs, resume)),
  });
  const guard = createOutboundGuard();
  const documents = createDocuments({
    guard,
    installationEgress: (namespace) => namespaceEgress(runtime.policy, namespace),
    now: options.now,
  });
  const namespaces = namesByTable();
  const view: LiveView = {
    table: () => runtime.table,
    store,
    replays,
    documents,
    sending: {
      health: (namespaceUid, name) => readHealth(store, namespaceUid, name),
      breakers: () => runtime.openBreakers(),
      append: async (item) => void (await store.append([item])),
      newId: () => `ping-${newId()}`,
    },
    namespaceUid: (name) => namespaces(runtime.table).get(name) ?? '',
    namespaces: () => [...namespaces(runtime.table).keys()],
    findRecords: (filter) => runtime.records.query(filter),
    runningCalls: () => runtime.runningCalls(),
    resting: (destinations) => runtime.resting(destinations),
    caught: runtime.caught,
    nextScheduleTime: (destination) => runtime.nextScheduleTime(destination),
    followRecords: (filter, listener) => runtime.records.follow(filter, listener),
    now: wall,
  };
  const follows = createFollowSessions({ newId, after });
  const deliveries = createDeliveryFollows({ after, now: options.now });
  return {
    answer: createLiveAnswers({
      view,
      follows,
      deliveries,
      passRequest: createPassRequest(runtime.addresses.calls, options.callToken),
    }),
    resume: () => replays.resume(namespaces(runtime.table).values()),
    async close() {
      follows.close();
      deliveries.close();
      await replays.close();
      await guard.close();
    },
  };
}

/** UIDs by name, in the order of the names; made anew with each table. */
function namesByTable(): (table: RouteTable) => ReadonlyMap<string, string> {
  let known: RouteTable | undefined;
  let names: ReadonlyMap<string, string> = new Map();
  return (table) => {
    if (table === known) return names;
    known = table;
    const entries = [...table.functions.values(), ...(table.subscriptions?.values() ?? [])];
    const found = new Map(entries.map(({ namespace, namespaceUid }) => [namespace, namespaceUid] as const));
    names = new Map([...found].sort(([one], [other]) => compareTexts(one, other)));
    return names;
  };
}
