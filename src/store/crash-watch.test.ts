import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aloneWeight, crashesAfterDeath, CrashWatch, patienceMs, settledMs } from './crash-watch.ts';
import { crashLimit } from './store.ts';

const wish = (destination: string) => ({ destination, max: 9 });

/** Of a process that has been up for a while. */
function settledWatch(clock = { now: 0 }): CrashWatch {
  const watch = new CrashWatch(() => clock.now);
  clock.now += settledMs;
  return watch;
}

test('deaths in company never bring a row to the limit', () => {
  assert.deepEqual(crashesAfterDeath(0), { crashes: 1, delayMs: 0 });
  assert.equal(crashesAfterDeath(1).crashes, 2);
  assert.equal(crashesAfterDeath(2).crashes, 2);
  assert.ok(crashesAfterDeath(2).delayMs > 0, 'others get on first');
});

test('a death alone was counted when the row was leased; half of it is taken back where its Lua did not run', () => {
  // For the first time and for the second.
  assert.equal(crashesAfterDeath(4, 'running').crashes, 4);
  assert.ok(crashesAfterDeath(4, 'running').delayMs > 0);
  assert.deepEqual(crashesAfterDeath(crashLimit, 'running'), { crashes: crashLimit, delayMs: 0 });
  assert.equal(crashesAfterDeath(4).crashes, 4, 'where nobody knows it counts whole');
  assert.deepEqual(crashesAfterDeath(crashLimit), { crashes: crashLimit, delayMs: 0 });
  let crashes = 2;
  let deaths = 0;
  for (; crashes < crashLimit; deaths += 1) ({ crashes } = crashesAfterDeath(crashes + aloneWeight, 'waiting'));
  assert.equal(deaths, 4);
  assert.equal(crashes, crashLimit);
});

test('suspects run a few at a time, beside fresh rows; what is only to be ended does not count', () => {
  const watch = settledWatch();
  for (let delivery = 0; delivery < 16; delivery += 1) {
    assert.equal(watch.judge(delivery, 1, 'd'), 'lease');
    watch.taken(delivery, 1, false);
  }
  assert.equal(watch.judge(16, 1, 'd'), 'skip');
  assert.equal(watch.judge(17, 0, 'd'), 'lease');
  assert.equal(watch.judge(18, crashLimit, 'd'), 'lease');
  watch.taken(18, crashLimit, false);
  watch.forget(18);
  watch.forget(3);
  assert.equal(watch.judge(16, 1, 'd'), 'lease');
});

test('a row that died twice waits until nothing else runs, then nothing starts beside it', () => {
  const watch = settledWatch();
  watch.taken(1, 0, false);
  assert.equal(watch.judge(7, 2, 'a'), 'wait');
  assert.deepEqual(watch.narrow([wish('b'), wish('a')]), [wish('a')]);
  assert.equal(watch.judge(8, 0, 'a'), 'skip', 'its neighbours wait with it');
  watch.forget(1);
  assert.equal(watch.judge(7, 2, 'a'), 'alone');
  watch.taken(7, 2, true);
  assert.ok(watch.isAlone(7));
  assert.deepEqual(watch.narrow([wish('a'), wish('b')]), []);
  watch.forget(7);
  assert.deepEqual(watch.narrow([wish('b')]), [wish('b')]);
});

test('patience ends: a call that runs on for long does not stop everything else', () => {
  const clock = { now: 0 };
  const watch = settledWatch(clock);
  watch.taken(1, 0, false);
  assert.equal(watch.judge(7, 2, 'a'), 'wait');
  clock.now += patienceMs;
  assert.deepEqual(watch.narrow([wish('b')]), [wish('b')]);
  assert.equal(watch.judge(7, 2, 'a'), 'postpone');
  assert.equal(watch.judge(9, 0, 'b'), 'lease');
});

test('a row that is cancelled while it waits to be alone holds nobody up', () => {
  const watch = settledWatch();
  watch.taken(1, 0, false);
  watch.judge(7, 2, 'a');
  watch.forget(7);
  assert.deepEqual(watch.narrow([wish('b')]), [wish('b')]);
});

test('nothing runs alone in a process that has just started: it may be killed by what has nothing to do with the row', () => {
  const clock = { now: 0 };
  const watch = new CrashWatch(() => clock.now);
  assert.equal(watch.judge(7, 2, 'a'), 'skip');
  assert.equal(watch.judge(8, 3, 'a'), 'skip');
  assert.equal(watch.judge(9, 0, 'a'), 'lease', 'what is fresh runs meanwhile');
  watch.taken(9, 0, false);
  watch.forget(9);
  clock.now = settledMs;
  assert.equal(watch.judge(8, 3, 'a'), 'alone');
});
