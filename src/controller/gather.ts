/**
 * Runs something once for many touches. The first after a rest runs it at once: nobody who edits alone waits. Those that
 * follow closely run it together, after a little quiet, but never much later than the first of them.
 */
import type { Clock } from './clock.ts';

export interface Gatherer {
  touch(): void;
}

/** `run` must not throw. */
export function createGatherer(options: {
  readonly restMs: number;
  readonly quietMs: number;
  readonly mostMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Calls back in a later turn: what has arrived already is taken before. */
  soon(callback: () => void): void;
  run(): void;
}): Gatherer {
  const { restMs, quietMs, mostMs, clock, signal, soon } = options;
  let lastTouch = 0;
  let lastRun = -Infinity;
  let waiting = false;

  function run(): void {
    waiting = false;
    if (signal.aborted) return;
    options.run();
    lastRun = clock.now();
  }

  async function wait(): Promise<void> {
    const first = clock.now();
    for (;;) {
      const left = Math.min(lastTouch + quietMs, first + mostMs) - clock.now();
      if (left <= 0 || signal.aborted) break;
      await clock.sleep(left, signal);
    }
    run();
  }

  return {
    touch: () => {
      lastTouch = clock.now();
      if (waiting || signal.aborted) return;
      waiting = true;
      if (lastTouch - lastRun >= restMs) soon(run);
      else void wait();
    },
  };
}
