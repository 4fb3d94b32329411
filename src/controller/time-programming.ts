/** How long changes take from the API server's line to the acknowledgement of the last runtime. */

export interface ProgrammingTimes {
  /** A change of the resource arrived. */
  arrived(uid: string, at: number): void;
  /** Whether a change of it is not programmed yet, as far as was said here. */
  waits(uid: string): boolean;
  /** Every ready runtime has acknowledged the newest revision. */
  programmed(uid: string, at: number): void;
  forget(uid: string): void;
  readonly histogram: Histogram;
}

/** Counts per bucket, not cumulative, one more than bounds. Seconds. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly buckets: readonly number[];
  readonly sum: number;
}

const bounds = [0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createProgrammingTimes(): ProgrammingTimes {
  const waiting = new Map<string, number>();
  const buckets = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  return {
    get histogram() {
      return { bounds, buckets: [...buckets], sum };
    },
    arrived: (uid, at) => {
      // An edit upon an edit that is not programmed yet: counted from the first.
      if (!waiting.has(uid)) waiting.set(uid, at);
    },
    waits: (uid) => waiting.has(uid),
    programmed: (uid, at) => {
      const since = waiting.get(uid);
      if (since === undefined) return;
      waiting.delete(uid);
      const seconds = (at - since) / 1000;
      sum += seconds;
      const index = bounds.findIndex((bound) => seconds <= bound);
      const bucket = index === -1 ? bounds.length : index;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    },
    forget: (uid) => void waiting.delete(uid),
  };
}
