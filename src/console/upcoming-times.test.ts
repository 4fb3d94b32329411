/** Times of a schedule as its writer sees them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upcomingTimes } from './upcoming-times.ts';

const january = Date.UTC(2026, 0, 31, 12);

test('times are those of the time zone, across the change of its clock', () => {
  const found = upcomingTimes('30 2 * * *', 'Europe/Berlin', Date.UTC(2026, 2, 28));
  assert.ok(found.ok);
  const [first, , third] = found.times.map(({ at }) => new Date(at).toISOString());
  assert.equal(first, '2026-03-28T01:30:00.000Z');
  assert.equal(third, '2026-03-30T00:30:00.000Z');
  assert.match(found.times[0]?.local ?? '', /^Sat, 28 Mar 2026, 02:30 (CET|GMT\+1)$/);
});

test('five times are told, and what is wrong is said with its field', () => {
  const found = upcomingTimes('@daily', 'UTC', january);
  assert.equal(found.ok && found.times.length, 5);
  assert.deepEqual(upcomingTimes('61 * * * *', 'UTC', january).ok, false);
  const wrong = upcomingTimes('@daily', 'Europe/Nowhere', january);
  assert.equal(!wrong.ok && wrong.field, 'timeZone');
});
