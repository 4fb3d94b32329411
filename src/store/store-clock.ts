/** The store's clock: wall time at opening plus monotonic time, never back, whatever happens to the machine's clock. */

export interface ClockSource {
  /** Milliseconds since the epoch; may jump. */
  wall(): number;
  /** Milliseconds from any start; never jumps. */
  monotonic(): number;
}

export interface StoreClock {
  /** Milliseconds since the epoch, integer; never smaller than any value answered or persisted before. */
  now(): number;
  monotonic(): number;
}

/** `persisted` is the last value a former process wrote down. */
export function createStoreClock(source: ClockSource, persisted: number): StoreClock {
  const base = Math.max(source.wall(), persisted) - source.monotonic();
  return { now: () => Math.floor(base + source.monotonic()), monotonic: () => source.monotonic() };
}
