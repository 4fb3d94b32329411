/** One scrape as numbers: what charts are made of, read from the very values that Prometheus gets. */
import type { Outcome } from './call-outcomes.ts';
import type { Sample } from './metrics.ts';

/** Totals of one function since its counters began. */
export interface FunctionTotals {
  readonly calls: number;
  readonly failed: number;
  readonly refused: number;
  /** Runs by duration; not cumulative, one more than bounds. */
  readonly buckets: readonly number[];
}

export interface MetricSnapshot {
  /** By `NAMESPACE/NAME`. */
  readonly functions: ReadonlyMap<string, FunctionTotals>;
  readonly running: number;
  readonly waiting: number;
  readonly oldestDueMs: number;
  readonly deadLetters: number;
}

/** A fault of the function, or the end of what it may use. */
const failed = new Set<string>(['error', 'timeout', 'cpu', 'memory', 'dead'] satisfies Outcome[]);
/** Did not reach its code, and somebody may wonder why. */
const refused = new Set<string>(['unverified', 'unresolved', 'limited', 'overloaded', 'suspended'] satisfies Outcome[]);
const queued = new Set(['waiting', 'held']);

export async function snapshotMetrics(collect: (sample: Sample) => void | Promise<void>): Promise<MetricSnapshot> {
  const functions = new Map<string, { calls: number; failed: number; refused: number; buckets: number[] }>();
  let [running, waiting, oldestDueMs, deadLetters] = [0, 0, 0, 0];
  const totalsOf = (labels: Readonly<Record<string, string>>) => {
    const key = `${labels['namespace']}/${labels['function']}`;
    let totals = functions.get(key);
    if (totals === undefined) functions.set(key, (totals = { calls: 0, failed: 0, refused: 0, buckets: [] }));
    return totals;
  };
  await collect({
    set(name, value, labels = {}) {
      if (name === 'function_invocations_total') {
        const totals = totalsOf(labels);
        const outcome = labels['outcome'] ?? '';
        totals.calls += value;
        if (failed.has(outcome)) totals.failed += value;
        if (refused.has(outcome)) totals.refused += value;
      } else if (name === 'function_inflight') running += value;
      else if (name === 'deliveries' && queued.has(labels['state'] ?? '')) waiting += value;
      else if (name === 'dead_letters') deadLetters = value;
      else if (name === 'store_oldest_due_seconds') oldestDueMs = value * 1000;
    },
    histogram(name, _bounds, buckets, _sum, labels = {}) {
      if (name !== 'function_duration_seconds') return;
      const totals = totalsOf(labels);
      totals.buckets = buckets.map((count, index) => count + (totals.buckets[index] ?? 0));
    },
  });
  return { functions, running, waiting, oldestDueMs, deadLetters };
}
