/** When the schedules of a function run next, and how they ran last. */
import { formatDestination } from '../../delivery/destination.ts';
import type { FunctionEntry } from '../../routing/types.ts';
import type { CallRecord } from '../call-record.ts';
import type { RecordFilter } from '../record-filter.ts';

export interface ScheduleTimes {
  readonly trigger: string;
  readonly cron: string;
  readonly timeZone: string;
  /** RFC 3339; absent: it does not run, because the function is suspended or the trigger not resolved. */
  readonly next?: string;
  /** Of the runs that are remembered. */
  readonly last?: { readonly time: string; readonly outcome: string; readonly callId: string };
}

/** What is asked of the process. */
export interface ScheduleSource {
  nextScheduleTime(destination: string): number | undefined;
  findRecords(filter: RecordFilter): Promise<readonly CallRecord[]>;
}

/** The next time of a trigger, RFC 3339. */
export function nextTime(source: ScheduleSource, entry: FunctionEntry, trigger: string): string | undefined {
  const { namespaceUid, name } = entry;
  const next = source.nextScheduleTime(formatDestination({ namespaceUid, functionName: name, target: { trigger } }));
  return next === undefined ? undefined : new Date(next).toISOString();
}

/** All schedules of a function, in the order of its triggers. */
export async function scheduleTimes(source: ScheduleSource, entry: FunctionEntry): Promise<readonly ScheduleTimes[]> {
  const found: ScheduleTimes[] = [];
  for (const trigger of entry.triggers) {
    if (trigger.kind !== 'schedule') continue;
    const { name, cron, timeZone } = trigger;
    const { namespace, name: functionName } = entry;
    const records = await source.findRecords({ namespace, functionName, trigger: name });
    const last = records.find(({ kind }) => kind === 'schedule');
    const next = nextTime(source, entry, name);
    found.push({
      trigger: name,
      cron,
      timeZone,
      ...(next === undefined ? {} : { next }),
      ...(last === undefined
        ? {}
        : { last: { time: new Date(last.time).toISOString(), outcome: last.outcome, callId: last.callId } }),
    });
  }
  return found;
}
