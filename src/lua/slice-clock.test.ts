import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SliceClock } from './slice-clock.ts';

/** A machine that advances wall time, and CPU time of the thread in steps as kernels do. */
function machine(step = 4) {
  let wall = 1000;
  let cpu = 500;
  return {
    now: () => wall,
    clock: new SliceClock(() => Math.floor(cpu / step) * step),
    run(ms: number): void {
      wall += ms;
      cpu += ms;
    },
    preempt(ms: number): void {
      wall += ms;
    },
  };
}

describe('CPU of a slice', () => {
  for (const known of [true, false]) {
    test(`is what was used, although the CPU time of a thread moves in steps of 4 ms (${known ? 'asked at the start' : 'asked later'})`, () => {
      const { clock, now, run } = machine();
      clock.start(now(), known);
      for (let look = 0; look < 4000; look += 1) {
        run(0.05);
        clock.cpu(now());
      }
      assert.ok(Math.abs(clock.stop(now()) - 200) < 0.001);
    });
  }

  test('leaves out what others used in between, but for a step of the clock', () => {
    const { clock, now, run, preempt } = machine();
    clock.start(now(), true);
    for (let turn = 0; turn < 10; turn += 1) {
      for (let look = 0; look < 40; look += 1) {
        run(0.05);
        clock.cpu(now());
      }
      preempt(30);
      clock.cpu(now());
    }
    const cpu = clock.stop(now());
    assert.ok(cpu >= 20 - 0.001 && cpu <= 24, `${cpu} ms`);
  });

  test('counts long work between two looks', () => {
    const { clock, now, run } = machine();
    clock.start(now(), true);
    for (let call = 0; call < 10; call += 1) {
      run(18);
      clock.cpu(now());
    }
    const cpu = clock.stop(now());
    assert.ok(cpu >= 176 && cpu <= 180, `${cpu} ms`);
  });

  test('counts 5 ms of one long gap while nothing is known of the thread', () => {
    const { clock, now, preempt } = machine();
    clock.start(now(), false);
    preempt(100);
    assert.equal(clock.stop(now()), 5);
  });
});
