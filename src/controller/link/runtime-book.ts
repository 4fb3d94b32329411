/** What the runtimes have said: of each revision, of schedules and receivers. Bounded by the table: nothing else is kept. */
import type { LinkClock } from '../../link/link-peer.ts';
import type { HealthReport, ScheduleReport } from '../../link/protocol.ts';
import type { Acknowledgement, RouteTable } from '../../routing/types.ts';
import type {
  Acknowledgements,
  LinkedRuntime,
  RuntimesChange,
  ScheduleTimes,
  SubscriptionHealthReport,
} from '../types.ts';
import type { RuntimeProof } from './admit-runtime.ts';

interface KnownRuntime {
  readonly group: string;
  readonly runtime: string;
  /** Of the process: differs after a restart in the same pod. */
  readonly process: string;
  readonly podUid: string;
  connected: boolean;
  ready: boolean;
  acknowledgements: Map<string, Acknowledgement>;
  /** Of what the table does not have yet, or not in its group: another replica was faster. Without their messages. */
  readonly early: Map<string, Acknowledgement>;
  stopForgetting: () => void;
}

/** A pod without a link is forgotten after so long, should nobody say that it is gone. */
const forgetMs = 600_000;
/** Of one runtime: as much as a large table holds, so that a replica that starts learns all. */
const mostEarly = 20_000;
/** Of what becomes part of a condition. */
const longestMessage = 2_000;

export interface RuntimeBook {
  readonly acknowledgements: Acknowledgements;
  connected(proof: RuntimeProof, process: string, ready: boolean): void;
  disconnected(podUid: string): void;
  judged(proof: RuntimeProof, said: readonly Acknowledgement[], table: RouteTable): void;
  applied(podUid: string): void;
  /** Heard of the group's own only. */
  reported(
    group: string,
    schedules: readonly ScheduleReport[],
    health: readonly HealthReport[],
    table: RouteTable,
  ): void;
  /** Of these uids, those that are not in the table any more are forgotten; what was said early of others counts now. */
  tableChanged(uids: readonly string[], table: RouteTable): void;
  forget(podUid: string): void;
  close(): void;
}

export function createRuntimeBook(clock: LinkClock): RuntimeBook {
  const runtimes = new Map<string, KnownRuntime>();
  const schedules = new Map<string, Map<string, ScheduleTimes>>();
  const health = new Map<string, SubscriptionHealthReport>();
  const listeners = new Set<(change: RuntimesChange) => void>();
  const tell = (change: RuntimesChange): void => {
    for (const listener of listeners) listener(change);
  };

  function forget(podUid: string): void {
    const known = runtimes.get(podUid);
    if (known === undefined) return;
    known.stopForgetting();
    runtimes.delete(podUid);
    tell({ kind: 'runtimes' });
  }

  return {
    acknowledgements: {
      runtimes: (): readonly LinkedRuntime[] => [...runtimes.values()],
      scheduleTimes: (uid) => schedules.get(uid),
      subscriptionHealth: (uid) => health.get(uid),
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    connected({ podUid, podName, group }, process, ready) {
      const known = runtimes.get(podUid);
      known?.stopForgetting();
      runtimes.set(podUid, {
        runtime: podName,
        group,
        process,
        podUid,
        connected: true,
        ready,
        // What the process before said does not hold for this one; it says anew what it holds.
        acknowledgements: known?.process === process ? known.acknowledgements : new Map(),
        early: known?.process === process ? known.early : new Map(),
        stopForgetting: () => undefined,
      });
      tell({ kind: 'runtimes' });
    },
    disconnected(podUid) {
      const known = runtimes.get(podUid);
      if (known === undefined) return;
      known.connected = false;
      known.stopForgetting();
      known.stopForgetting = clock.after(forgetMs, () => forget(podUid));
      tell({ kind: 'runtimes' });
    },
    judged({ podUid, group }, said, table) {
      const known = runtimes.get(podUid);
      if (known === undefined) return;
      const uids: string[] = [];
      for (const each of said) {
        const entry = table.functions.get(each.uid) ?? table.subscriptions?.get(each.uid);
        if (entry === undefined || entry.group !== group) {
          keepEarly(known.early, each);
          continue;
        }
        known.acknowledgements.set(entry.uid, slim(each, entry));
        uids.push(entry.uid);
      }
      if (uids.length > 0) tell({ kind: 'acknowledged', uids, by: podUid });
    },
    applied(podUid) {
      const known = runtimes.get(podUid);
      if (known === undefined || known.ready) return;
      known.ready = true;
      tell({ kind: 'runtimes' });
    },
    reported(group, times, states, table) {
      const uids = new Set<string>();
      for (const { uid, trigger, last, next } of times) {
        const entry = table.functions.get(uid);
        if (entry?.group !== group) continue;
        if (!entry.triggers.some(({ kind, name }) => kind === 'schedule' && name === trigger)) continue;
        let known = schedules.get(uid);
        if (known === undefined) schedules.set(uid, (known = new Map()));
        // A runtime that has just started has seen none pass.
        const said = last === undefined ? '' : timeOf(last);
        const lastTime = [said, known.get(trigger)?.lastScheduleTime ?? ''].sort().at(-1);
        known.set(trigger, {
          ...(lastTime ? { lastScheduleTime: lastTime } : {}),
          ...(next === undefined ? {} : { nextScheduleTime: timeOf(next) }),
        });
        uids.add(uid);
      }
      for (const { uid, ...state } of states) {
        if (table.subscriptions?.get(uid)?.group !== group) continue;
        health.set(uid, state);
        uids.add(uid);
      }
      if (uids.size > 0) tell({ kind: 'reported', uids: [...uids] });
    },
    tableChanged(uids, table) {
      const adopted: string[] = [];
      for (const uid of uids) {
        const entry = table.functions.get(uid) ?? table.subscriptions?.get(uid);
        if (entry !== undefined) {
          for (const known of runtimes.values()) {
            // It moved: those that served it before say nothing of it any more.
            if (known.group !== entry.group) known.acknowledgements.delete(uid);
            else if (adoptEarly(known, entry)) adopted.push(uid);
          }
          continue;
        }
        schedules.delete(uid);
        health.delete(uid);
        for (const { acknowledgements } of runtimes.values()) acknowledgements.delete(uid);
      }
      if (adopted.length > 0) tell({ kind: 'acknowledged', uids: adopted });
    },
    forget,
    close() {
      for (const { stopForgetting } of runtimes.values()) stopForgetting();
      listeners.clear();
    },
  };
}

function keepEarly(early: Map<string, Acknowledgement>, said: Acknowledgement): void {
  const { uid, revision, accepted, servingRevision } = said;
  early.delete(uid);
  // The oldest goes.
  if (early.size >= mostEarly) early.delete(early.keys().next().value as string);
  early.set(uid, { uid, revision, accepted, ...(servingRevision === undefined ? {} : { servingRevision }) });
}

function adoptEarly(
  { early, group, acknowledgements }: KnownRuntime,
  entry: { readonly uid: string; readonly revision: string; readonly group: string },
): boolean {
  const said = early.get(entry.uid);
  if (said === undefined || entry.group !== group) return false;
  early.delete(entry.uid);
  acknowledgements.set(entry.uid, slim(said, entry));
  return true;
}

/** Ten thousand of them are kept: texts that the table has already are not kept twice. */
function slim(said: Acknowledgement, entry: { readonly uid: string; readonly revision: string }): Acknowledgement {
  const same = (text: string): string => (text === entry.revision ? entry.revision : text);
  return {
    ...said,
    uid: entry.uid,
    revision: same(said.revision),
    ...(said.servingRevision === undefined ? {} : { servingRevision: same(said.servingRevision) }),
    ...(said.message === undefined ? {} : { message: said.message.slice(0, longestMessage) }),
  };
}

/** RFC 3339; times beyond what a date can hold are none. */
function timeOf(milliseconds: number): string {
  return new Date(Math.min(milliseconds, 8.64e15)).toISOString();
}
