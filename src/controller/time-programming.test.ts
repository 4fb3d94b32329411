import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgrammingTimes } from './time-programming.ts';

test('a change is counted once, from its first arrival to the last acknowledgement', () => {
  const times = createProgrammingTimes();
  assert.equal(times.waits('a'), false);
  times.arrived('a', 1_000);
  times.arrived('a', 1_010);
  assert.equal(times.waits('a'), true);
  times.programmed('a', 1_012);
  assert.equal(times.waits('a'), false);
  times.programmed('a', 9_999);
  const { bounds, buckets, sum } = times.histogram;
  assert.equal(sum, 0.012);
  assert.equal(buckets[bounds.indexOf(0.015)], 1);
  assert.equal(
    buckets.reduce((all, count) => all + count, 0),
    1,
  );
});

test('what took longer than any bound is in the last bucket, and what was deleted is in none', () => {
  const times = createProgrammingTimes();
  times.arrived('slow', 0);
  times.arrived('gone', 0);
  times.forget('gone');
  times.programmed('gone', 100_000);
  times.programmed('slow', 100_000);
  assert.equal(times.histogram.buckets.at(-1), 1);
  assert.equal(times.histogram.sum, 100);
});
