/** What a benchmark says: one measure a line, with the goal it is judged by. */
import { cpus, loadavg, totalmem } from 'node:os';

export interface Measure {
  /** `engine: warm call, p50`. */
  readonly name: string;
  readonly value: number;
  /** `µs`, `ms`, `MB`, `×` (a ratio), `/s`. */
  readonly unit: string;
  readonly goal?: { readonly compare: '<=' | '>='; readonly value: number };
  /** Spread, sample size, what was compared. */
  readonly note?: string;
}

/** A part of a benchmark that could not be measured here, and why. */
export interface Unmeasured {
  readonly name: string;
  readonly reason: string;
}

export interface Suite {
  readonly name: string;
  run(progress: (line: string) => void): Promise<readonly (Measure | Unmeasured)[]>;
}

export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** One-minute load average before the run: above 0.5 the machine was not idle. */
  readonly load: number;
}

export function describeMachine(): Machine {
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** Undefined where there is no goal. */
export function meetsGoal({ value, goal }: Measure): boolean | undefined {
  if (goal === undefined) return undefined;
  return goal.compare === '<=' ? value <= goal.value : value >= goal.value;
}

/** The value below which `fraction` of the samples lie; 0.5 is the median. Samples need not be sorted. */
export function quantile(samples: readonly number[], fraction: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

const significant = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));

/** A table for people. */
export function formatMeasures(measures: readonly (Measure | Unmeasured)[]): string {
  const rows = measures.map((measure) => {
    if ('reason' in measure) return ['-', measure.name, 'not measured', '', measure.reason];
    const verdict = meetsGoal(measure);
    const goal = measure.goal === undefined ? '' : `${measure.goal.compare} ${significant(measure.goal.value)}`;
    return [
      verdict === undefined ? ' ' : verdict ? 'ok' : 'NO',
      measure.name,
      `${significant(measure.value)} ${measure.unit}`,
      goal,
      measure.note ?? '',
    ];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
