/** Writes docs/reference/metrics.md from the metrics catalogue. */
import { controllerMetricsCatalogue } from '../src/telemetry/controller-metrics.ts';
import { metricPrefix, metricsCatalogue, type MetricEntry } from '../src/telemetry/metrics-catalogue.ts';

function tableOf(catalogue: readonly MetricEntry[]): string {
  const rows = catalogue.map(({ name, type, labels, help }) => {
    const shown = labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(' ');
    return `| \`${metricPrefix}${name}\` | ${type} | ${shown} | ${help} |`;
  });
  return `| metric | type | labels | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}`;
}

export function generateMetricsDocs(): ReadonlyMap<string, string> {
  const text = `# Metrics

Generated from \`src/telemetry/metrics-catalogue.ts\` and \`src/telemetry/controller-metrics.ts\` by \`npm run generate\`; do not edit.

A runtime answers \`/metrics\` on its admin port in the Prometheus text format, with the usual \`process_\` and \`nodejs_\`
metrics of its main thread. Labels of functions are given to the first 1,000 functions of a table; the rest is counted as
\`other\`. Counters of the engine belong to a worker thread and begin anew when the thread is replaced.

${tableOf(metricsCatalogue)}

## Controller

Each replica answers \`/metrics\` on its admin port.

${tableOf(controllerMetricsCatalogue)}
`;
  return new Map([['docs/reference/metrics.md', text]]);
}
