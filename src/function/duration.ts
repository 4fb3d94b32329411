/** Durations as users write them: `500ms`, `10s`, `5m`, `1h`, `7d`. */

/** A whole number and a unit; zero is a duration. */
export const durationPattern = '^[0-9]+(ms|s|m|h|d)$';

/** The same without zero. */
export const positiveDurationPattern = '^[0-9]*[1-9][0-9]*(ms|s|m|h|d)$';

/** Longest text of a duration. */
export const durationMaxLength = 10;

const milliseconds: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]);

const durationForm = new RegExp(durationPattern);

/** Milliseconds of a duration, at most the largest exact integer; undefined: not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = durationForm.exec(text);
  if (!match) return undefined;
  const unit = match[1] ?? '';
  return Math.min(Number(text.slice(0, -unit.length)) * (milliseconds.get(unit) ?? 1), Number.MAX_SAFE_INTEGER);
}

/** The shortest text of whole milliseconds: `90000` is `90s`. */
export function formatDuration(duration: number): string {
  if (duration === 0) return '0s';
  for (const [unit, size] of milliseconds) {
    if (duration % size === 0) return `${duration / size}${unit}`;
  }
  return `${Math.round(duration)}ms`;
}
