/** How long appends took until they were synced: what a sender waits for besides everything else. */

/** Upper bounds in seconds; the last bucket is open. */
export const appendBounds: readonly number[] = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

export interface AppendTimes {
  /** Not cumulative; one more entry than `appendBounds`. */
  readonly buckets: readonly number[];
  readonly seconds: number;
}

export interface AppendClock {
  observe(milliseconds: number): void;
  read(): AppendTimes;
}

export function createAppendClock(): AppendClock {
  const buckets = Array.from({ length: appendBounds.length + 1 }, () => 0);
  let seconds = 0;
  return {
    observe(milliseconds) {
      const took = milliseconds / 1000;
      const found = appendBounds.findIndex((bound) => took <= bound);
      const index = found === -1 ? appendBounds.length : found;
      buckets[index] = (buckets[index] ?? 0) + 1;
      seconds += took;
    },
    read: () => ({ buckets: [...buckets], seconds }),
  };
}
