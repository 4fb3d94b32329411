/** Every schedule of the table: when it runs next; how it ran last is looked up for the rows of one page. */
import { compareTexts } from '../../function/compare-texts.ts';
import type { RouteTable } from '../../routing/types.ts';
import { nextTime, scheduleTimes, type ScheduleSource, type ScheduleTimes } from './schedule-times.ts';

/** A schedule with the function it belongs to. */
export interface ListedSchedule extends ScheduleTimes {
  readonly namespace: string;
  readonly name: string;
}

/** Those that run soonest first; `find`: part of `NAMESPACE/NAME TRIGGER`. */
export async function listSchedules(
  table: RouteTable,
  source: ScheduleSource,
  { find, offset, limit }: { readonly find: string; readonly offset: number; readonly limit: number },
): Promise<{ readonly total: number; readonly rows: readonly ListedSchedule[] }> {
  const all = [...table.functions.values()].flatMap((entry) =>
    entry.triggers.flatMap(({ kind, name }) => {
      if (kind !== 'schedule' || !`${entry.namespace}/${entry.name} ${name}`.includes(find)) return [];
      return [{ entry, trigger: name, next: nextTime(source, entry, name) ?? '~' }];
    }),
  );
  const page = all.sort((one, other) => compareTexts(one.next, other.next)).slice(offset, offset + limit);
  const rows = page.map(async ({ entry, trigger }) => {
    const [times] = await scheduleTimes(source, {
      ...entry,
      triggers: entry.triggers.filter((each) => each.name === trigger),
    });
    return times === undefined ? [] : [{ ...times, namespace: entry.namespace, name: entry.name }];
  });
  return { total: all.length, rows: (await Promise.all(rows)).flat() };
}
