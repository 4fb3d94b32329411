/** The registry of one process: values are set when somebody scrapes, never on the path of a call. */
import { collectDefaultMetrics, Registry, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import { metricPrefix, metricsCatalogue, type MetricEntry, type MetricName } from './metrics-catalogue.ts';

export type Labels = Readonly<Record<string, string>>;

/** One scrape's values; `histogram` takes counts per bucket, not cumulative, one more than bounds. */
export interface Sample<Name extends string = MetricName> {
  set(name: Name, value: number, labels?: Labels): void;
  histogram(name: Name, bounds: readonly number[], buckets: readonly number[], sum: number, labels?: Labels): void;
}

export interface Metrics {
  /** Prometheus text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

type Value = MetricValue<string> & { metricName?: string };

/** A metric whose values are gathered anew by each scrape. */
class ScrapedMetric {
  readonly name: string;
  readonly #entry: MetricEntry;
  values: Value[] = [];

  constructor(entry: MetricEntry) {
    this.#entry = entry;
    this.name = metricPrefix + entry.name;
  }

  async get(): Promise<Omit<MetricObjectWithValues<Value>, 'collect'>> {
    const { help, type } = this.#entry;
    return {
      name: this.name,
      help,
      type: type as unknown as MetricObjectWithValues<Value>['type'],
      aggregator: 'sum',
      values: this.values,
    };
  }

  /** Nothing to reset: the source of the values is elsewhere. */
  reset(): void {
    this.values = [];
  }
}

/** The metrics of a runtime; `collect` is asked at each scrape; it may wait, a few milliseconds at most. */
export function createMetrics(collect: (sample: Sample) => void | Promise<void>): Metrics {
  return createMetricsOf<MetricName>(metricsCatalogue, collect);
}

/** The metrics of another program, by its own catalogue. */
export function createMetricsOf<Name extends string>(
  catalogue: readonly (MetricEntry & { readonly name: Name })[],
  collect: (sample: Sample<Name>) => void | Promise<void>,
): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = new Map<string, ScrapedMetric>();
  for (const entry of catalogue) {
    const metric = new ScrapedMetric(entry);
    metrics.set(entry.name, metric);
    registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
  }
  const values = (name: Name): Value[] => (metrics.get(name) as ScrapedMetric).values;
  const sample: Sample<Name> = {
    set(name, value, labels = {}) {
      values(name).push({ value, labels: { ...labels } });
    },
    histogram(name, bounds, buckets, sum, labels = {}) {
      const full = metricPrefix + name;
      let count = 0;
      for (const [index, bucket] of buckets.entries()) {
        count += bucket;
        const le = bounds[index] ?? '+Inf';
        values(name).push({ value: count, labels: { ...labels, le }, metricName: `${full}_bucket` });
      }
      values(name).push({ value: sum, labels: { ...labels }, metricName: `${full}_sum` });
      values(name).push({ value: count, labels: { ...labels }, metricName: `${full}_count` });
    },
  };
  let running: Promise<string> | undefined;
  async function scrape(): Promise<string> {
    for (const metric of metrics.values()) metric.reset();
    await collect(sample);
    return registry.metrics();
  }
  return {
    contentType: registry.contentType,
    render() {
      running ??= scrape().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}
