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
  const both = [turns.take('a', look), turns.take('a', look)];
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
  const failing = turns.take('a', async () => {
    await pass(1_000);
    throw new Error('no store');
  });
  const next = turns.take('a', async () => 'seen');
  await assert.rejects(failing, /no store/);
  turns.close();
  assert.equal(await next, 'seen');
  assert.equal(time.now(), 1_000);
});

test('whoever has many looks waits for his own, and looks that nobody wants any more take no time', async () => {
  const { pass, ...time } = clock();
  const turns = createTurns(time);
  const order: string[] = [];
  const look = (name: string) => async (): Promise<string> => {
    order.push(name);
    await pass(10);
    return name;
  };
  let wanted = true;
  const many = ['a1', 'a2', 'a3'].map((name) => turns.take('a', look(name)));
  const left = turns.take('a', look('left'), () => wanted);
  const other = turns.take('b', look('b1'));
  wanted = false;
  for (let turn = 0; turn < 100; turn += 1) await pass(50);
  assert.deepEqual(await Promise.all([...many, other]), ['a1', 'a2', 'a3', 'b1']);
  assert.deepEqual(order, ['a1', 'b1', 'a2', 'a3']);
  assert.equal(await left, undefined);
});
