/** Real runtimes in this process, given a controller's table without a network between: what the links do, and no more. */
import { diffTables, emptyTable } from '../../src/routing/diff-tables.ts';
import type { Acknowledgement, RouteTable } from '../../src/routing/types.ts';
import type {
  Acknowledgements,
  LinkedRuntime,
  RuntimesChange,
  SubscriptionHealthReport,
  TableSource,
} from '../../src/controller/types.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

export interface AttachedRuntime {
  readonly served: ServedFunctions;
  readonly podUid: string;
}

export interface AttachedRuntimes {
  readonly acknowledgements: Acknowledgements;
  /** Starts a runtime that takes the table; resolves when it serves the whole of it. */
  attach(pod: string, podUid: string): Promise<AttachedRuntime>;
  /** What they say of the receiver of the subscription with this name. */
  setHealth(name: string, report: SubscriptionHealthReport): void;
  close(): Promise<void>;
}

interface Attached {
  readonly served: ServedFunctions;
  readonly linked: { -readonly [Member in keyof LinkedRuntime]: LinkedRuntime[Member] };
  readonly said: Map<string, Acknowledgement>;
  table: RouteTable;
  work: Promise<void>;
}

export function createAttachedRuntimes(source: TableSource): AttachedRuntimes {
  const runtimes: Attached[] = [];
  const healths = new Map<string, SubscriptionHealthReport>();
  const listeners = new Set<(change: RuntimesChange) => void>();
  const tell = (change: RuntimesChange): void => {
    for (const listener of listeners) listener(change);
  };

  function take(runtime: Attached, table: RouteTable): void {
    runtime.work = runtime.work.then(async () => {
      const changes = diffTables(runtime.table, table);
      runtime.table = table;
      const said = await runtime.served.runtime.applyChanges(changes, table.version);
      for (const acknowledgement of said) runtime.said.set(acknowledgement.uid, acknowledgement);
      for (const uid of runtime.said.keys()) {
        if (!table.functions.has(uid) && table.subscriptions?.has(uid) !== true) runtime.said.delete(uid);
      }
      tell({ kind: 'acknowledged', uids: said.map(({ uid }) => uid) });
    });
  }

  const stop = source.subscribe((table) => {
    for (const runtime of runtimes) take(runtime, table);
  });

  return {
    acknowledgements: {
      runtimes: () => runtimes.map(({ linked }) => linked),
      scheduleTimes: () => undefined,
      subscriptionHealth: (uid) => healths.get(source.current()?.subscriptions?.get(uid)?.name ?? ''),
      subscribe: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    attach: async (pod, podUid) => {
      const served = await serveFunctions({ serveNothing: true });
      const said = new Map<string, Acknowledgement>();
      const linked = { runtime: pod, group: 'default', podUid, connected: true, ready: false, acknowledgements: said };
      const runtime: Attached = { served, linked, said, table: emptyTable, work: Promise.resolve() };
      runtimes.push(runtime);
      const table = source.current();
      if (table !== undefined) take(runtime, table);
      await runtime.work;
      linked.ready = true;
      tell({ kind: 'runtimes' });
      return { served, podUid };
    },
    setHealth: (name, report) => void healths.set(name, report),
    close: async () => {
      stop();
      await Promise.all(runtimes.map(({ work }) => work));
      await Promise.all(runtimes.map(({ served }) => served.close()));
    },
  };
}
