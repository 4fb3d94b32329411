import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FanOutRooms } from './fan-out-room.ts';

test('a namespace that publishes to very many at once has to wait, others do not, and single deliveries never', () => {
  let now = 0;
  const rooms = new FanOutRooms(() => now);
  const stored = (uid: string, times: number): number =>
    Array.from({ length: times }, () => rooms.take(uid, 1_000)).filter(Boolean).length;
  assert.equal(stored('loud', 500), 5);
  assert.equal(stored('quiet', 1), 1);
  assert.equal(rooms.take('loud', 1), true);
  assert.equal(rooms.take('loud', 0), true);
  now = 100;
  assert.equal(stored('loud', 500), 2);
  now = 60_000;
  assert.equal(stored('loud', 500), 5, 'rest gives no more than a burst');
});

test('namespaces without end are not remembered without end, and who is loud is not forgotten for them', () => {
  let now = 0;
  const rooms = new FanOutRooms(() => now);
  for (let index = 0; index < 5_000; index += 1) {
    now += 1;
    assert.equal(rooms.take(`n${index}`, 100), true);
    while (rooms.take('loud', 500));
  }
  assert.equal(rooms.take('loud', 1_000), false);
});
