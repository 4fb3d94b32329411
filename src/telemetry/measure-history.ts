/** The last minutes of a process in memory: points for charts, and how each function did; fed one snapshot at a time. */
import { durationBounds } from './call-counters.ts';
import type { FunctionMeasures, MeasureName, Measures } from './measures.ts';
import { quantileOf } from './quantile.ts';
import type { FunctionTotals, MetricSnapshot } from './snapshot-metrics.ts';

export interface MeasureHistory {
  /** Without a snapshot: nothing could be measured, the lines are broken there. */
  add(at: number, snapshot: MetricSnapshot | undefined): void;
  measures(): Measures;
  /** By `NAMESPACE/NAME`; those without calls in the last minute are not there. */
  functions(): ReadonlyMap<string, FunctionMeasures>;
}

type Point = Readonly<Record<MeasureName, number | null>> & { readonly at: number };

/** What came since the snapshot before. */
type Growth = ReadonlyMap<string, FunctionTotals>;

/** How a function did is told of so long. */
const recentMs = 60_000;

/** `points`: kept of the charts. */
export function createMeasureHistory(options: { readonly everyMs: number; readonly points: number }): MeasureHistory {
  const { everyMs, points: room } = options;
  const recentRoom = Math.max(1, Math.round(recentMs / everyMs));
  let points: Point[] = [];
  let recent: { readonly lastedMs: number; readonly growth: Growth }[] = [];
  let before: { readonly at: number; readonly functions: MetricSnapshot['functions'] } | undefined;
  return {
    add(at, snapshot) {
      if (snapshot === undefined) {
        before = undefined;
        points = [...points, { ...nothing, at }].slice(-room);
        return;
      }
      const last = before;
      before = { at, functions: snapshot.functions };
      // The first one says since when counters count, not how fast.
      if (last === undefined || at <= last.at) return;
      const growth = growthOf(last.functions, snapshot.functions);
      const lastedMs = at - last.at;
      points = [...points, pointOf(at, lastedMs, growth, snapshot)].slice(-room);
      recent = [...recent, { lastedMs, growth }].slice(-recentRoom);
    },
    measures: () => ({
      everyMs,
      times: points.map(({ at }) => at),
      series: Object.fromEntries(
        measureNames.map((name) => [name, points.map((point) => point[name])]),
      ) as unknown as Measures['series'],
    }),
    functions: () => {
      const names = new Set(recent.flatMap(({ growth }) => [...growth.keys()]));
      return new Map([...names].map((name) => [name, measuresOf(name, recent)]));
    },
  };
}

const measureNames: readonly MeasureName[] = [
  'callsPerSecond',
  'failedPerSecond',
  'refusedPerSecond',
  'p50Ms',
  'p99Ms',
  'running',
  'waiting',
  'oldestDueMs',
  'deadLetters',
];

const nothing = Object.fromEntries(measureNames.map((name) => [name, null])) as Readonly<Record<MeasureName, null>>;

function growthOf(before: MetricSnapshot['functions'], after: MetricSnapshot['functions']): Growth {
  const growth = new Map<string, FunctionTotals>();
  for (const [name, totals] of after) {
    const old = before.get(name);
    // Counters that went back belong to a function that was made anew.
    const since = old === undefined || old.calls > totals.calls ? undefined : old;
    const calls = totals.calls - (since?.calls ?? 0);
    const buckets = totals.buckets.map((count, index) => Math.max(0, count - (since?.buckets[index] ?? 0)));
    if (calls === 0 && buckets.every((count) => count === 0)) continue;
    growth.set(name, {
      calls,
      failed: totals.failed - (since?.failed ?? 0),
      refused: totals.refused - (since?.refused ?? 0),
      buckets,
    });
  }
  return growth;
}

function pointOf(at: number, lastedMs: number, growth: Growth, snapshot: MetricSnapshot): Point {
  const all = [...growth.values()];
  const perSecond = (pick: (each: FunctionTotals) => number): number => (sumOf(all, pick) * 1000) / lastedMs;
  return {
    at,
    callsPerSecond: perSecond(({ calls }) => calls),
    failedPerSecond: perSecond((each) => each.failed),
    refusedPerSecond: perSecond((each) => each.refused),
    ...durations(all),
    running: snapshot.running,
    waiting: snapshot.waiting,
    oldestDueMs: snapshot.oldestDueMs,
    deadLetters: snapshot.deadLetters,
  };
}

function measuresOf(
  name: string,
  recent: readonly { readonly lastedMs: number; readonly growth: Growth }[],
): FunctionMeasures {
  const own = recent.flatMap(({ growth }) => growth.get(name) ?? []);
  const calls = sumOf(own, (each) => each.calls);
  const lastedMs = recent.reduce((sum, each) => sum + each.lastedMs, 0);
  const { p50Ms, p99Ms } = durations(own);
  return {
    perSecond: (calls * 1000) / lastedMs,
    failedShare: calls === 0 ? 0 : sumOf(own, (each) => each.failed) / calls,
    ...(p50Ms === null ? {} : { p50Ms }),
    ...(p99Ms === null ? {} : { p99Ms }),
    recent: recent.map((each) => ((each.growth.get(name)?.calls ?? 0) * 1000) / each.lastedMs),
  };
}

function durations(all: readonly FunctionTotals[]): { readonly p50Ms: number | null; readonly p99Ms: number | null } {
  const buckets = Array.from({ length: durationBounds.length + 1 }, (_, index) =>
    sumOf(all, (each) => each.buckets[index] ?? 0),
  );
  const milliseconds = (share: number): number | null => {
    const seconds = quantileOf(share, durationBounds, buckets);
    return seconds === undefined ? null : seconds * 1000;
  };
  return { p50Ms: milliseconds(0.5), p99Ms: milliseconds(0.99) };
}

function sumOf(all: readonly FunctionTotals[], pick: (each: FunctionTotals) => number): number {
  return all.reduce((sum, each) => sum + pick(each), 0);
}
