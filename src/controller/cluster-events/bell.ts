/** A bell that one loop waits for and others ring: rings while it works are not lost. */
import type { Clock } from '../clock.ts';

export interface Bell {
  ring(): void;
  /** Resolves with the next ring since the last wait, after so long, or when the signal says so. */
  wait(clock: Clock, signal: AbortSignal, mostMs?: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(clock, signal, mostMs) {
      if (!rung && !signal.aborted) {
        const over = new AbortController();
        const either = AbortSignal.any([signal, over.signal]);
        wake = () => over.abort();
        await clock.sleep(mostMs ?? longestMs, either);
        wake = undefined;
        over.abort();
      }
      rung = false;
    },
  };
}

/** Nobody should have to rely on it. */
const longestMs = 60_000;
