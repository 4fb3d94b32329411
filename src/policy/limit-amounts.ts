/** Amounts as users write them, by kind: durations, sizes, counts. */
import { formatDuration, parseDuration } from '../function/duration.ts';
import { formatQuantity, parseQuantity } from '../function/quantity.ts';

export type AmountKind = 'duration' | 'bytes' | 'count';

/** Milliseconds, bytes or a count; undefined: not an amount of that kind. */
export function parseAmount(value: string | number, kind: AmountKind): number | undefined {
  if (kind === 'duration') return typeof value === 'string' ? parseDuration(value) : undefined;
  if (kind === 'bytes') return parseQuantity(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** The amount as its user would write it. */
export function formatAmount(amount: number, kind: AmountKind): string {
  if (kind === 'duration') return formatDuration(amount);
  return kind === 'bytes' ? formatQuantity(amount) : String(amount);
}
