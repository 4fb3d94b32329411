import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Watchdog } from './watchdog.ts';

suite('Watchdog', () => {
  test('names a worker whose heartbeat stands still for longer than allowed', () => {
    const watchdog = new Watchdog({ silenceMs: 100 });
    watchdog.watch(0, 5, 0);
    watchdog.watch(1, 5, 0);
    let beats = 5;
    const look = (now: number): readonly number[] => watchdog.look((worker) => (worker === 0 ? (beats += 1) : 5), now);
    for (const now of [20, 40, 60, 80, 100]) assert.deepEqual(look(now), [], String(now));
    assert.deepEqual(look(120), [1]);
  });

  test('judges nobody when it was late itself', () => {
    const watchdog = new Watchdog({ silenceMs: 100 });
    watchdog.watch(0, 5, 0);
    assert.deepEqual(
      watchdog.look(() => 5, 20),
      [],
    );
    assert.deepEqual(
      watchdog.look(() => 5, 5000),
      [],
      'the machine slept',
    );
    assert.deepEqual(
      watchdog.look(() => 5, 5040),
      [],
    );
    assert.deepEqual(
      watchdog.look(() => 5, 5080),
      [],
    );
    assert.deepEqual(
      watchdog.look(() => 5, 5120),
      [0],
    );
  });

  test('forgets a worker that is not watched any more', () => {
    const watchdog = new Watchdog({ silenceMs: 10 });
    watchdog.watch(0, 1, 0);
    watchdog.unwatch(0);
    assert.deepEqual(
      watchdog.look(() => 1, 4),
      [],
    );
    assert.deepEqual(
      watchdog.look(() => 1, 20),
      [],
    );
  });
});
