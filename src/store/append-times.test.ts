import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appendBounds, createAppendClock } from './append-times.ts';

test('each append is in the bucket of the first bound it does not exceed, slower ones in the open one', () => {
  const clock = createAppendClock();
  for (const milliseconds of [0.1, 1, 1.5, 60_000]) clock.observe(milliseconds);
  const { buckets, seconds } = clock.read();
  assert.equal(buckets.length, appendBounds.length + 1);
  const filled = buckets.flatMap((count, index) => (count === 0 ? [] : [[appendBounds[index], count]]));
  assert.deepEqual(filled, [
    [0.00025, 1],
    [0.001, 1],
    [0.0025, 1],
    [undefined, 1],
  ]);
  assert.equal(Math.round(seconds * 10_000), 600_026);
});
