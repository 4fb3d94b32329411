/** Fills one scrape from what the threads count, what the pool knows and what the store holds. */
import type { Store } from '../store/store.ts';
import { durationBounds, sumCalls, type CallCounters } from '../telemetry/call-counters.ts';
import { outcomes } from '../telemetry/call-outcomes.ts';
import type { MetricName } from '../telemetry/metrics-catalogue.ts';
import type { Sample } from '../telemetry/metrics.ts';
import type { PlaceBook } from './hand-out-places.ts';
import { sampleStore } from './sample-store.ts';
import type { ThreadFleet } from './start-threads.ts';
import type { RareCount, WorkerStats } from './worker-messages.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Of one metric. Names that namespaces choose are among the labels: what is more is counted as `other`. */
const mostSeries = 5_000;
/** A namespace may have so many times as many as are left: whoever makes names up leaves room for those of others. */
const share = 4;

const labelNames: Partial<Record<MetricName, readonly string[]>> = {
  receiver_rejections_total: ['receiver', 'reason'],
  http_requests_refused_total: ['code'],
  delivery_attempts_total: ['result'],
  webhook_attempts_total: ['namespace', 'subscription', 'result'],
  delivery_id_reuse_total: ['receiver'],
  kubernetes_states_skipped_total: ['reason'],
  worker_replacements_total: ['reason'],
};

/** Totals of rare things, by labels, over the life of the process. */
export class RareTotals {
  readonly #totals = new Map<
    string,
    { readonly metric: MetricName; readonly labels: readonly string[]; count: number }
  >();
  readonly #series = new Map<MetricName, number>();
  /** Of metrics by namespace. */
  readonly #ofNamespace = new Map<string, number>();

  add({ metric, labels, count }: Omit<RareCount, 'metric'> & { readonly metric: MetricName }): void {
    const key = `${metric} ${labels.join('\0')}`;
    const known = this.#totals.get(key);
    const series = this.#series.get(metric) ?? 0;
    const owner = labelNames[metric]?.[0] === 'namespace' ? `${metric} ${labels[0]}` : undefined;
    const own = owner === undefined ? 0 : (this.#ofNamespace.get(owner) ?? 0);
    const left = mostSeries - series;
    if (known !== undefined) known.count += count;
    else if ((left <= 0 || own >= share * left) && labels.some((label) => label !== 'other')) {
      this.add({ metric, labels: labels.map(() => 'other'), count });
    } else {
      this.#series.set(metric, series + 1);
      if (owner !== undefined) this.#ofNamespace.set(owner, own + 1);
      this.#totals.set(key, { metric, labels, count });
    }
  }

  values(): Iterable<{ readonly metric: MetricName; readonly labels: readonly string[]; readonly count: number }> {
    return this.#totals.values();
  }
}

function sampleRare(sample: Sample, totals: RareTotals): void {
  for (const { metric, labels, count } of totals.values()) {
    const names = labelNames[metric] ?? [];
    sample.set(metric, count, Object.fromEntries(names.map((name, index) => [name, labels[index] ?? ''])));
  }
}

function sampleCalls(sample: Sample, counters: readonly CallCounters[], places: PlaceBook): void {
  for (const [row, { namespace, functionName, trigger }] of places.rows()) {
    const totals = sumCalls(counters, row);
    const labels = { namespace, function: functionName, trigger };
    let ran = false;
    for (const outcome of outcomes) {
      const value = totals.outcomes[outcome];
      if (value > 0) sample.set('function_invocations_total', value, { ...labels, outcome });
    }
    for (const bucket of totals.buckets) ran ||= bucket > 0;
    if (!ran) continue;
    sample.histogram('function_duration_seconds', durationBounds, totals.buckets, totals.durationSeconds, labels);
    sample.set('function_cpu_seconds_total', totals.cpuSeconds, labels);
    sample.set('function_memory_peak_bytes', totals.memoryPeakBytes, labels);
  }
}

/** Counters of a thread begin anew with it: a scraper sees that as a reset. */
function sampleEngines(sample: Sample, stats: readonly WorkerStats[]): void {
  const sum = (pick: (each: WorkerStats) => number): number => stats.reduce((total, each) => total + pick(each), 0);
  sample.set(
    'image_restores_total',
    sum((each) => each.imageRestores),
  );
  sample.set(
    'function_image_bytes',
    sum((each) => each.functionImageBytes),
  );
  sample.set(
    'parked_calls',
    sum((each) => each.parkedCalls),
  );
  sample.set(
    'parked_bytes',
    sum((each) => each.parkedBytes),
  );
  for (const reason of new Set(stats.flatMap((each) => Object.keys(each.kills)))) {
    sample.set(
      'kills_total',
      sum((each) => each.kills[reason] ?? 0),
      { reason },
    );
  }
}

/** Of a breaker that several workers hold, the worst counts. */
function sampleBreakers(sample: Sample, stats: readonly WorkerStats[]): void {
  const states = new Map<string, 'open' | 'halfOpen'>();
  for (const { key, kind } of stats.flatMap(({ breakers }) => breakers)) {
    if (states.get(key) !== 'open') states.set(key, kind);
  }
  for (const state of ['open', 'halfOpen'] as const) {
    sample.set('breakers', [...states.values()].filter((each) => each === state).length, { state });
  }
}

/** Everything of one scrape. */
export async function scrapeRuntime(
  sample: Sample,
  sources: {
    readonly rare: RareTotals;
    readonly fleet: ThreadFleet;
    readonly pool: WorkerPool;
    readonly records: { size(): Promise<number> };
    readonly store: Store;
  },
): Promise<void> {
  const { rare, fleet, pool, records, store } = sources;
  sampleRare(sample, rare);
  sampleCalls(sample, fleet.counters, fleet.places);
  for (const [uid, index] of fleet.places.indexes()) {
    const entry = pool.table.functions.get(uid);
    const running = fleet.inflight.total(index);
    if (entry === undefined || running === 0) continue;
    sample.set('function_inflight', running, { namespace: entry.namespace, function: entry.name });
  }
  sample.set('functions', pool.table.functions.size);
  sample.set('route_table_version', pool.table.version);
  sample.set('workers', pool.threads.length);
  sample.set('records', await records.size());
  fleet.sampleApply(sample);
  const stats = await Promise.allSettled(pool.threads.map((thread) => thread.stats()));
  const known = stats.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  sampleEngines(sample, known);
  sampleBreakers(sample, known);
  sample.set('subscriptions', pool.table.subscriptions?.size ?? 0);
  const broken = new Set(known.flatMap(({ breakers }) => breakers.map(({ key }) => key)));
  await sampleStore(sample, store, pool.table, broken);
}
