import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from './look-turns.ts';

/** A clock whose timers ring when it is moved. */
function clock() {
  let time = 0;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  return {
    now: () => time,
    after(milliseconds: number, callback: () => void) {
      const timer = { at: time + milliseconds, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async pass(milliseconds: number) {
      time += milliseconds;
      for (const timer of timers) if (timer.at <= time) timer.callback();
      await new Promise(setImmediate);
    },
  };
}

test('after a look the next one waits four times as long as it took', async () => {
  const { pass, ...time } = clock();
  const turns = createTurns(time);
  const began: number[] = [];
  const look = async (): Promise<void> => {
    began.push(time.now());
    await pass(10);
  };
  const both = [turns.take(look), turns.take(look)];
  await both[0];
  await pass(39);
  assert.deepEqual(began, [0]);
  await pass(1);
  await both[1];
  assert.deepEqual(began, [0, 50]);
});

test('a look that fails keeps nobody else waiting, and at the end nobody waits any more', async () => {
  const { pass, ...time } = clock();
  const turns = createTurns(time);
  const failing = turns.take(async () => {
    await pass(1_000);
    throw new Error('no store');
  });
  const next = turns.take(async () => 'seen');
  await assert.rejects(failing, /no store/);
  turns.close();
  assert.equal(await next, 'seen');
  assert.equal(time.now(), 1_000);
});
