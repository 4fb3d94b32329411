/** Timers run on the monotonic clock, and some end a little early: who waits for a moment of the wall clock looks at it again. */
import type { Clock } from './worker-parts.ts';

/** A timer holds 31 bits. */
const longestTimerMs = 2 ** 31 - 1;

/** Calls back once, at a moment in milliseconds since the epoch; answers what stops it. */
export function callAt(
  moment: number,
  clock: Pick<Clock, 'wall'>,
  after: (milliseconds: number, callback: () => void) => () => void,
  callback: () => void,
): () => void {
  let stop: () => void;
  function wait(): void {
    const left = Math.max(0, moment - clock.wall());
    stop = after(Math.min(left, longestTimerMs), () => {
      if (clock.wall() >= moment) callback();
      else wait();
    });
  }
  wait();
  return () => stop();
}
