/**
 * Counters of calls as rows of a typed array in shared memory: a worker adds a few numbers, the main thread reads them at
 * a scrape. One writer per array, so no atomics; a torn read is impossible for an aligned 64-bit float.
 */
import { outcomeIndex, outcomes, type Outcome } from './call-outcomes.ts';

/** Upper bounds of the duration histogram, seconds; the last bucket is open. */
export const durationBounds: readonly number[] = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const bucketsAt = outcomes.length;
const sumAt = bucketsAt + durationBounds.length + 1;
const cpuAt = sumAt + 1;
const peakAt = cpuAt + 1;
const rowLength = peakAt + 1;

/** What one row holds, for the scrape. */
export interface CallTotals {
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Not cumulative; one more entry than `durationBounds`. */
  readonly buckets: readonly number[];
  readonly durationSeconds: number;
  readonly cpuSeconds: number;
  /** The highest of all calls. */
  readonly memoryPeakBytes: number;
}

/** Bytes for so many rows. */
export function callCounterBytes(rows: number): number {
  return rows * rowLength * Float64Array.BYTES_PER_ELEMENT;
}

/** A thread's view of its rows. */
export class CallCounters {
  readonly #cells: Float64Array;

  constructor(buffer: SharedArrayBuffer | ArrayBuffer) {
    this.#cells = new Float64Array(buffer);
  }

  /** Counts a call that ended without running Lua. */
  count(row: number, outcome: Outcome): void {
    this.#bump(row * rowLength + outcomeIndex[outcome], 1);
  }

  /** Counts a call that ran. */
  countRun(row: number, outcome: Outcome, durationMs: number, cpuMs: number, memoryPeakBytes: number): void {
    const base = row * rowLength;
    const seconds = durationMs / 1000;
    this.#bump(base + outcomeIndex[outcome], 1);
    let bucket = 0;
    while (bucket < durationBounds.length && seconds > (durationBounds[bucket] as number)) bucket += 1;
    this.#bump(base + bucketsAt + bucket, 1);
    this.#bump(base + sumAt, seconds);
    this.#bump(base + cpuAt, cpuMs / 1000);
    if (memoryPeakBytes > (this.#cells[base + peakAt] as number)) this.#cells[base + peakAt] = memoryPeakBytes;
  }

  #bump(cell: number, by: number): void {
    this.#cells[cell] = (this.#cells[cell] as number) + by;
  }

  /** Forgets a row whose function is gone, before another gets it. */
  clear(row: number): void {
    this.#cells.fill(0, row * rowLength, (row + 1) * rowLength);
  }

  /** Adds one row to `into`; a peak is the higher of both. */
  addRow(row: number, into: Float64Array): void {
    const base = row * rowLength;
    for (let cell = 0; cell < rowLength; cell += 1) {
      const value = this.#cells[base + cell] as number;
      into[cell] = cell === peakAt ? Math.max(into[cell] as number, value) : (into[cell] as number) + value;
    }
  }
}

/** Sums one row over several threads. */
export function sumCalls(counters: readonly CallCounters[], row: number): CallTotals {
  const cells = new Float64Array(rowLength);
  for (const counter of counters) counter.addRow(row, cells);
  const at = (index: number): number => cells[index] as number;
  return {
    outcomes: Object.fromEntries(outcomes.map((outcome, index) => [outcome, at(index)])) as Record<Outcome, number>,
    buckets: [...cells.subarray(bucketsAt, sumAt)],
    durationSeconds: at(sumAt),
    cpuSeconds: at(cpuAt),
    memoryPeakBytes: at(peakAt),
  };
}
