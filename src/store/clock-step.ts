/** Notices that the clock of a database server was set, by comparing it with time that cannot be set. */

export interface ClockReading {
  /** Milliseconds since the epoch, as the server says. */
  readonly server: number;
  /** Milliseconds, monotonic, of this process. */
  readonly monotonic: number;
}

/** Below, it may be the network, a slow answer, or a clock that is slewed. */
const smallestMs = 10_000;

/** The sentence for people; undefined: the clock ran as clocks do. */
export function describeClockStep(before: ClockReading, after: ClockReading): string | undefined {
  const step = after.server - before.server - (after.monotonic - before.monotonic);
  if (Math.abs(step) < smallestMs) return undefined;
  const seconds = Math.round(Math.abs(step) / 1000);
  return step > 0
    ? `the clock of the PostgreSQL server jumped ${seconds} s forward: leases of that time have lapsed, and their calls run again`
    : `the clock of the PostgreSQL server jumped ${seconds} s back: what was due before runs up to ${seconds} s late`;
}
