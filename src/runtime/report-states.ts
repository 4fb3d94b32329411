/** What a runtime tells the controllers for statuses: when schedules run and ran, how the receivers of subscriptions do. */
import { breakerKey, type OpenBreaker } from '../delivery/breakers.ts';
import { formatDestination } from '../delivery/destination.ts';
import type { SubscriptionHealth } from '../delivery/subscription-health.ts';
import type { HealthReport, ScheduleReport } from '../link/protocol.ts';
import type { RouteTable } from '../routing/types.ts';

export interface StateReport {
  readonly schedules: readonly ScheduleReport[];
  readonly health: readonly HealthReport[];
}

export interface StateReports {
  /** What is not as it was told last. */
  changes(): Promise<StateReport>;
  /** Everything that was told: for a controller that comes. */
  told(): StateReport;
}

export interface StateSources {
  table(): RouteTable;
  /** Milliseconds since the epoch. */
  nextScheduleTime(destination: string): number | undefined;
  health(namespaceUid: string, name: string): Promise<SubscriptionHealth>;
  openBreakers(): Promise<readonly OpenBreaker[]>;
  /** Wall clock. */
  now(): number;
}

export function createStateReports(sources: StateSources): StateReports {
  const schedules = new Map<string, ScheduleReport>();
  const health = new Map<string, HealthReport>();

  function changedSchedules(table: RouteTable): readonly ScheduleReport[] {
    const found = new Map<string, ScheduleReport>();
    const changed: ScheduleReport[] = [];
    for (const { uid, namespaceUid, name, triggers } of table.functions.values()) {
      for (const { kind, name: trigger } of triggers) {
        if (kind !== 'schedule') continue;
        const key = `${uid}/${trigger}`;
        const destination = formatDestination({ namespaceUid, functionName: name, target: { trigger } });
        const before = schedules.get(key);
        const next = sources.nextScheduleTime(destination);
        // A slot that was next and has passed is the last one.
        const passed = before?.next !== undefined && before.next <= sources.now() && before.next !== next;
        const last = passed ? before.next : before?.last;
        const same = before !== undefined && before.next === next && before.last === last;
        const report = same
          ? before
          : { uid, trigger, ...(last === undefined ? {} : { last }), ...(next === undefined ? {} : { next }) };
        found.set(key, report);
        if (!same) changed.push(report);
      }
    }
    for (const key of schedules.keys()) if (!found.has(key)) schedules.delete(key);
    for (const [key, report] of found) schedules.set(key, report);
    return changed;
  }

  async function changedHealth(table: RouteTable): Promise<readonly HealthReport[]> {
    const changed: HealthReport[] = [];
    const subscriptions = [...(table.subscriptions?.values() ?? [])];
    const breakers =
      subscriptions.length === 0
        ? new Map<string, OpenBreaker['kind']>()
        : new Map((await sources.openBreakers()).map(({ key, kind }) => [key, kind]));
    for (const { uid, namespaceUid, name, url } of subscriptions) {
      const state = await sources.health(namespaceUid, name);
      const breaker = breakerNames[breakers.get(breakerKey(namespaceUid, url)) ?? 'closed'];
      const report: HealthReport = { uid, breaker, ...state };
      if (JSON.stringify(health.get(uid)) === JSON.stringify(report)) continue;
      health.set(uid, report);
      changed.push(report);
    }
    for (const uid of health.keys()) if (table.subscriptions?.has(uid) !== true) health.delete(uid);
    return changed;
  }

  return {
    async changes() {
      const table = sources.table();
      return { schedules: changedSchedules(table), health: await changedHealth(table) };
    },
    told: () => ({ schedules: [...schedules.values()], health: [...health.values()] }),
  };
}

const breakerNames = { closed: 'Closed', open: 'Open', halfOpen: 'HalfOpen' } as const;
