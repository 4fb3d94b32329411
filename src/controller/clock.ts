/** Time and chance for the loops of the controller: given to each, so that tests decide both. */
import { setTimeout as wait } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Milliseconds since the epoch. */
  wallNow(): number;
  /** From 0 to below 1. */
  random(): number;
  /** Resolves after so long, or as soon as the signal says so; never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's. */
export function createClock(): Clock {
  return {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    random: () => Math.random(),
    sleep: async (milliseconds, signal) => {
      try {
        await wait(milliseconds, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
    },
  };
}
