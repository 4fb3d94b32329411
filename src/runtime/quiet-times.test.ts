import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuietTimes } from './quiet-times.ts';

test('a burst waits for quiet, but not longer than maxWait from its first event', () => {
  let now = 0;
  const times = new QuietTimes(() => now);
  const delays: number[] = [];
  // The event at 800 waits until 1000: the one that comes then begins the next burst.
  for (now = 0; now <= 1000; now += 200) delays.push(times.delay('k', 300, 1000));
  assert.deepEqual(delays, [300, 300, 300, 300, 200, 300]);
  now = 5000;
  assert.equal(times.delay('k', 300, 1000), 300, 'the next burst begins anew');
  assert.equal(times.delay('other', 300, undefined), 300);
});
