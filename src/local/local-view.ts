/** What the local API reads and acts through: the parts of a run, joined, and closed together. */
import { resolve } from 'node:path';
import { createReplayJobs } from '../delivery/replay-jobs.ts';
import { readHealth } from '../delivery/subscription-health.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { namespaceEgress } from '../policy/namespace-egress.ts';
import { createOutboundGuard } from '../policy/outbound.ts';
import { createDocuments } from '../runtime/fetch-document.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { OpenStore } from '../store/open-store.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { LocalView } from './local-api.ts';
import { namespaceUidOf } from './local-inputs.ts';
import type { FunctionStates } from './report-functions.ts';
import type { Timers } from './watch-folder.ts';

export interface LocalViewParts {
  readonly version: string;
  readonly timers: Timers;
  /** Milliseconds since the epoch. */
  now(): number;
  randomBytes(count: number): Uint8Array;
  readonly store: OpenStore;
  /** Of the resources, resolved. */
  readonly folder: string;
  readonly envFile: string | undefined;
  readonly policy: InstallationPolicy;
  /** Undefined until it has started. */
  runtime(): Runtime | undefined;
  states(): FunctionStates;
  diagnostics(): readonly Diagnostic[];
}

export interface OpenedView {
  readonly view: LocalView;
  /** Goes on with replays that a former process left; the functions are known. */
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** Between two pages of a replay: the requests that came meanwhile go first. */
const replayPauseMs = 5;

export function openLocalView(parts: LocalViewParts): OpenedView {
  const { store, timers, runtime, states, policy } = parts;
  const connection = store.connect();
  const replays = createReplayJobs({
    store: connection,
    now: () => parts.now(),
    pause: () => new Promise((resume) => timers.after(replayPauseMs, resume)),
  });
  const guard = createOutboundGuard();
  const documents = createDocuments({
    guard,
    installationEgress: (namespace) => namespaceEgress(policy, namespace),
    now: () => timers.now(),
  });
  const view: LocalView = {
    folder: parts.folder,
    ...(parts.envFile === undefined ? {} : { envFile: resolve(parts.envFile) }),
    version: parts.version,
    durable: store.durable,
    states,
    measure: async (sample) => runtime()?.measure(sample),
    fileDiagnostics: () => parts.diagnostics(),
    table: () => runtime()?.table ?? { version: 0, functions: new Map() },
    findRecords: async (filter) => (await runtime()?.records.query(filter)) ?? [],
    runningCalls: async () => (await runtime()?.runningCalls()) ?? [],
    resting: async (destinations) => (await runtime()?.resting(destinations)) ?? { reasons: {}, turns: [] },
    caught: {
      look: (uid, namespaceUid) => runtime()?.caught.look(uid, namespaceUid),
      end: (uid) => runtime()?.caught.end(uid),
    },
    nextScheduleTime: (destination) => runtime()?.nextScheduleTime(destination),
    followRecords: (filter, listener) => runtime()?.records.follow(filter, listener) ?? (() => {}),
    sending: {
      health: (namespaceUid, name) => readHealth(connection, namespaceUid, name),
      breakers: async () => (await runtime()?.openBreakers()) ?? [],
      append: async (item) => void (await connection.append([item])),
      newId: () => `ping-${Buffer.from(parts.randomBytes(8)).toString('hex')}`,
    },
    store: connection,
    ...(store.snapshot === undefined ? {} : { snapshot: store.snapshot }),
    replays,
    documents,
    namespaceUid: namespaceUidOf,
    namespaces: () => [...new Set([...states().values()].map(({ verdict }) => verdict.namespace))].sort(),
    now: () => parts.now(),
  };
  return {
    view,
    resume: () =>
      replays.resume(new Set([...states().values()].map(({ verdict }) => namespaceUidOf(verdict.namespace)))),
    async close() {
      await replays.close();
      await guard.close();
    },
  };
}
