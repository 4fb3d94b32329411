/** Runs something once for many touches: after a little quiet, but never much later than the first of them. */
import type { Clock } from './clock.ts';

export interface Gatherer {
  touch(): void;
}

/** `run` must not throw. */
export function createGatherer(options: {
  readonly quietMs: number;
  readonly mostMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  run(): void;
}): Gatherer {
  const { quietMs, mostMs, clock, signal, run } = options;
  let lastTouch = 0;
  let waiting = false;

  async function wait(): Promise<void> {
    const first = clock.now();
    for (;;) {
      const left = Math.min(lastTouch + quietMs, first + mostMs) - clock.now();
      if (left <= 0 || signal.aborted) break;
      await clock.sleep(left, signal);
    }
    waiting = false;
    if (!signal.aborted) run();
  }

  return {
    touch: () => {
      lastTouch = clock.now();
      if (waiting || signal.aborted) return;
      waiting = true;
      void wait();
    },
  };
}
