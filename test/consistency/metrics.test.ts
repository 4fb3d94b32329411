/** The metrics a runtime shows are those of the catalogue, and the page in the docs is made of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateMetricsDocs } from '../../scripts/generate-metrics-docs.ts';
import { metricPrefix, metricsCatalogue } from '../../src/telemetry/metrics-catalogue.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const root = join(import.meta.dirname, '..', '..');

test('the page of metrics is what the catalogue says', () => {
  for (const [path, text] of generateMetricsDocs()) assert.equal(readFileSync(join(root, path), 'utf8'), text);
});

test('a scrape shows the catalogue and nothing else, each with its type and labels', async () => {
  const served = await serveFunctions({
    functions: [
      {
        name: 'shown',
        code: 'return function() return "ok" end',
        triggers: [{ name: 'web', http: { path: 'shown', receiver: { open: {} } } }],
      },
    ],
  });
  try {
    await fetch(`${served.url}/default/shown`);
    await fetch(`${served.url}/default/none`);
    await served.runtime.records.query({});
    const text = await (await fetch(`${served.admin}/metrics`)).text();
    const types = new Map([...text.matchAll(/^# TYPE (moonhook_\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
    assert.deepEqual(
      [...types].map(([name, type]) => `${name} ${type}`).toSorted(),
      metricsCatalogue.map(({ name, type }) => `${metricPrefix}${name} ${type}`).toSorted(),
    );
    for (const [, name = '', labels = ''] of text.matchAll(/^moonhook_(\w+?)(?:\{(.*)\})? \S+$/gm)) {
      const entry = metricsCatalogue.find(
        (each) => name === each.name || name.replace(/_(bucket|sum|count)$/, '') === each.name,
      );
      assert.ok(entry, name);
      const known: readonly string[] = entry.labels;
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g))
        assert.ok(known.includes(label) || label === 'le', `${name} ${label}`);
    }
    assert.match(
      text,
      /moonhook_function_invocations_total\{namespace="default",function="shown",trigger="web",outcome="ok"\} 1/,
    );
    assert.match(text, /moonhook_http_requests_refused_total\{code="RouteNotFound"\} 1/);
    assert.match(
      text,
      /moonhook_function_duration_seconds_bucket\{namespace="default",function="shown",trigger="web",le="\+Inf"\} 1/,
    );
  } finally {
    await served.close();
  }
});
