import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMeasureHistory } from './measure-history.ts';
import { snapshotMetrics, type MetricSnapshot } from './snapshot-metrics.ts';
import { durationBounds } from './call-counters.ts';

/** `calls` calls that took up to a millisecond, `failed` of them with an error. */
function snapshotOf(calls: number, failed = 0): Promise<MetricSnapshot> {
  return snapshotMetrics((sample) => {
    const labels = { namespace: 'team-a', function: 'deploy', trigger: 'push' };
    sample.set('function_invocations_total', calls - failed, { ...labels, outcome: 'ok' });
    sample.set('function_invocations_total', failed, { ...labels, outcome: 'error' });
    const buckets = durationBounds.map((bound) => (bound === 0.001 ? calls : 0));
    sample.histogram('function_duration_seconds', durationBounds, [...buckets, 0], 0, labels);
    sample.set('deliveries', 3, { state: 'waiting' });
    sample.set('deliveries', 9, { state: 'done' });
    sample.set('dead_letters', 2);
  });
}

test('rates are those between two snapshots, the first says nothing', async () => {
  const history = createMeasureHistory({ everyMs: 2000, points: 10 });
  history.add(1000, await snapshotOf(500));
  assert.deepEqual(history.measures().times, []);
  history.add(3000, await snapshotOf(520, 5));
  const { times, series } = history.measures();
  assert.deepEqual(times, [3000]);
  assert.deepEqual(series.callsPerSecond, [10]);
  assert.deepEqual(series.failedPerSecond, [2.5]);
  assert.deepEqual(series.waiting, [3]);
  assert.deepEqual(series.deadLetters, [2]);
  assert.deepEqual(series.p50Ms, [0.75]);
});

test('a time without calls has no durations, and counters that began anew are no negative rate', async () => {
  const history = createMeasureHistory({ everyMs: 1000, points: 10 });
  history.add(1000, await snapshotOf(10));
  history.add(2000, await snapshotOf(10));
  history.add(3000, await snapshotOf(4));
  const { series } = history.measures();
  assert.deepEqual(series.p50Ms, [null, 0.75]);
  assert.deepEqual(series.callsPerSecond, [0, 4]);
});

test('a function is told of for a minute, charts for as long as there is room', async () => {
  const history = createMeasureHistory({ everyMs: 20_000, points: 4 });
  for (let turn = 0; turn < 6; turn += 1) history.add(turn * 20_000, await snapshotOf(turn < 2 ? turn * 40 : 40));
  assert.equal(history.measures().times.length, 4);
  assert.equal(history.functions().size, 0);
  history.add(120_000, await snapshotOf(60, 10));
  const own = history.functions().get('team-a/deploy');
  assert.deepEqual(own?.recent, [0, 0, 1]);
  assert.equal(own?.failedShare, 0.5);
  assert.equal(own?.perSecond, 20 / 60);
});

test('a time that could not be measured breaks the lines, and no rate reaches across it', async () => {
  const history = createMeasureHistory({ everyMs: 1000, points: 10 });
  history.add(1000, await snapshotOf(10));
  history.add(2000, undefined);
  history.add(3000, await snapshotOf(900));
  history.add(4000, await snapshotOf(905));
  const { times, series } = history.measures();
  assert.deepEqual(times, [2000, 4000]);
  assert.deepEqual(series.callsPerSecond, [null, 5]);
});
