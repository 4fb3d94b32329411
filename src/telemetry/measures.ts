/** What was measured over the last minutes, as charts take it. */

export type MeasureName =
  | 'callsPerSecond'
  | 'failedPerSecond'
  | 'refusedPerSecond'
  | 'p50Ms'
  | 'p99Ms'
  | 'running'
  | 'waiting'
  | 'oldestDueMs'
  | 'deadLetters';

/** Points in time, oldest first; each series has one value per time, `null` where there was nothing to measure. */
export interface Measures {
  /** Milliseconds between two points. */
  readonly everyMs: number;
  /** Milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly series: Readonly<Record<MeasureName, readonly (number | null)[]>>;
}

/** How one function did over the last minute. */
export interface FunctionMeasures {
  readonly perSecond: number;
  /** Of the calls that reached it, 0 to 1. */
  readonly failedShare: number;
  /** Absent: nothing ran. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Calls per second, oldest first. */
  readonly recent: readonly number[];
}
