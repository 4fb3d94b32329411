import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAt } from './call-at.ts';

/** A wall clock, and timers that end when the test says so. */
function world(now: number) {
  const asked: number[] = [];
  let waiting: (() => void) | undefined;
  return {
    asked,
    clock: { wall: () => now },
    after(milliseconds: number, callback: () => void) {
      asked.push(milliseconds);
      waiting = callback;
      return () => void (waiting = undefined);
    },
    end(at: number) {
      now = at;
      const callback = waiting;
      waiting = undefined;
      callback?.();
    },
    waits: () => waiting !== undefined,
  };
}

test('a timer that ends before its moment waits for the rest: the call comes once, and not before', () => {
  const { asked, clock, after, end, waits } = world(1_000);
  const came: number[] = [];
  callAt(3_000, clock, after, () => void came.push(clock.wall()));
  end(2_999);
  assert.deepEqual(came, []);
  end(3_000);
  assert.deepEqual([came, asked, waits()], [[3_000], [2_000, 1], false]);
});

test('a moment far ahead takes more than one timer, a clock that is set back another one, the past none to wait for', () => {
  const { asked, clock, after, end } = world(0);
  const came: number[] = [];
  const moment = 2 ** 31 + 9;
  callAt(moment, clock, after, () => void came.push(clock.wall()));
  end(2 ** 31 - 1);
  end(5);
  end(moment + 1);
  assert.deepEqual([came, asked], [[moment + 1], [2 ** 31 - 1, 10, 2 ** 31 - 1]]);
  const past = world(50);
  callAt(20, past.clock, past.after, () => void came.push(past.clock.wall()));
  assert.deepEqual(past.asked, [0]);
});

test('what was stopped does not come, also after a timer that ended early', () => {
  const { clock, after, end, waits } = world(0);
  const stop = callAt(10, clock, after, () => assert.fail('it was stopped'));
  end(9);
  stop();
  assert.equal(waits(), false);
  end(10);
});
