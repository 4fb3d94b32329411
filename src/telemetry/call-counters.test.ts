import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { callCounterBytes, CallCounters, durationBounds, sumCalls } from './call-counters.ts';

suite('CallCounters', () => {
  test('rows are apart, threads are summed, a peak is the highest', () => {
    const threads = [0, 1].map(() => new CallCounters(new SharedArrayBuffer(callCounterBytes(3))));
    const [one, other] = threads as [CallCounters, CallCounters];
    one.countRun(1, 'ok', 3, 2, 1000);
    other.countRun(1, 'ok', 20_000, 4, 500);
    other.countRun(1, 'timeout', 0.1, 0, 0);
    one.count(1, 'unverified');
    one.count(2, 'unverified');
    const totals = sumCalls(threads, 1);
    assert.equal(totals.outcomes.ok, 2);
    assert.equal(totals.outcomes.timeout, 1);
    assert.equal(totals.outcomes.unverified, 1);
    assert.equal(totals.memoryPeakBytes, 1000);
    assert.equal(totals.cpuSeconds, 0.006);
    assert.ok(Math.abs(totals.durationSeconds - 20.0031) < 1e-9);
    assert.equal(totals.buckets.length, durationBounds.length + 1);
    assert.equal(
      totals.buckets.reduce((sum, each) => sum + each, 0),
      3,
    );
    assert.equal(totals.buckets.at(-1), 1);
    assert.equal(totals.buckets[durationBounds.indexOf(0.005)], 1);
  });

  test('a cleared row is empty and its neighbours are not', () => {
    const counters = new CallCounters(new ArrayBuffer(callCounterBytes(3)));
    for (const row of [0, 1, 2]) counters.countRun(row, 'ok', 1, 1, 1);
    counters.clear(1);
    assert.deepEqual(
      [0, 1, 2].map((row) => sumCalls([counters], row).outcomes.ok),
      [1, 0, 1],
    );
  });
});
