/** Schedules of the table, planned in the main thread: each slot becomes a stored event. */
import { formatDestination } from '../delivery/destination.ts';
import { createSchedules, type ScheduledTrigger, type Schedules } from '../delivery/schedules.ts';
import type { Slots } from '../delivery/plan-schedule.ts';
import type { FunctionEntry, RouteTable, TriggerEntry } from '../routing/types.ts';
import type { Store } from '../store/store.ts';
import { parseSchedule } from '../triggers/schedule.ts';

export interface ScheduleRunner {
  /** Plans what the table holds now. */
  follow(table: RouteTable): Promise<void>;
  nextScheduleTime(destination: string): number | undefined;
  stop(): void;
}

export function runSchedules(
  store: Store,
  clock: { wall(): number },
  after: (milliseconds: number, callback: () => void) => () => void,
  onError: (error: Error) => void,
): ScheduleRunner {
  const schedules: Schedules = createSchedules({ store, now: () => clock.wall(), after, onError });
  return {
    follow: (table) => schedules.set(scheduledTriggers(table), restingTriggers(table)),
    nextScheduleTime: (destination) => schedules.nextScheduleTime(destination),
    stop: () => schedules.stop(),
  };
}

/** Suspended functions keep their place and miss their slots; those of a function that moved are another group's. */
export function scheduledTriggers(table: RouteTable): readonly ScheduledTrigger[] {
  const found: ScheduledTrigger[] = [];
  for (const fn of table.functions.values()) {
    for (const trigger of fn.triggers) {
      if (trigger.kind !== 'schedule' || rests(fn, trigger)) continue;
      found.push({
        namespaceUid: fn.namespaceUid,
        namespace: fn.namespace,
        functionName: fn.name,
        trigger: trigger.name,
        destination: destinationOf(fn, trigger),
        cron: trigger.cron,
        timeZone: trigger.timeZone,
        slots: slotsOf(trigger.cron, trigger.timeZone),
        missed: trigger.missed,
        serial: trigger.concurrencyPolicy !== 'Allow',
        data: trigger.data,
      });
    }
  }
  return found;
}

/** Destinations of the others that are in the table. */
function restingTriggers(table: RouteTable): ReadonlySet<string> {
  const found = new Set<string>();
  for (const fn of table.functions.values()) {
    for (const trigger of fn.triggers) {
      if (trigger.kind === 'schedule' && rests(fn, trigger)) found.add(destinationOf(fn, trigger));
    }
  }
  return found;
}

function rests({ suspended, draining }: FunctionEntry, { unresolved }: TriggerEntry): boolean {
  return suspended || draining === true || unresolved !== undefined;
}

function destinationOf({ namespaceUid, name }: FunctionEntry, trigger: TriggerEntry): string {
  return formatDestination({ namespaceUid, functionName: name, target: { trigger: trigger.name } });
}

/** Read when it is planned: each edit of a schedule asks for all of them, and most are planned already. */
function slotsOf(cron: string, timeZone: string): Slots {
  let parsed: ReturnType<typeof parseSchedule> | undefined;
  return {
    after(moment) {
      parsed ??= parseSchedule(cron, timeZone);
      return parsed.ok ? parsed.schedule.after(moment) : undefined;
    },
  };
}
