/** How long to wait after failures in a row: doubling from one bound to the other, each wait up to twice as long by chance. */

export interface BackOffTiming {
  readonly leastMs: number;
  readonly mostMs: number;
}

export interface BackOff {
  /** The next wait; at least what the server asked for. */
  next(retryAfterMs?: number): number;
  /** It went well for long enough: begin anew. */
  reset(): void;
}

/** A server may ask for a longer wait than ours, but not for ever. */
const longestRetryAfterMs = 5 * 60_000;

/** `random` answers from 0 to below 1. */
export function createBackOff({ leastMs, mostMs }: BackOffTiming, random: () => number): BackOff {
  let failures = 0;
  return {
    next: (retryAfterMs = 0) => {
      // Beyond that the power is above any bound.
      const step = Math.min(mostMs, leastMs * 2 ** Math.min(failures, 30));
      failures += 1;
      const own = Math.min(mostMs, step * (1 + random()));
      return Math.max(own, Math.min(retryAfterMs, longestRetryAfterMs));
    },
    reset: () => {
      failures = 0;
    },
  };
}
