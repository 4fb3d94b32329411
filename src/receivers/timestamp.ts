/** Times in signed requests: how senders write them, and how far from now they may be. */

export type TimeUnit = 's' | 'ms' | 'rfc3339';

/** A time that is part of the signed text. */
export interface TimestampRule {
  /** Lower-case header, the field of the signature header that holds it, or the place in a body that is signed whole. */
  readonly from: { readonly header: string } | { readonly field: string } | { readonly body: readonly string[] };
  readonly unit: TimeUnit;
  /** Milliseconds either way; 0: the sender states none and the time is not compared. */
  readonly toleranceMs: number;
}

const digits = /^[0-9]{1,15}$/;
// RFC 3339 §5.6
const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds since the epoch, or undefined: digits only (no sign, no blank), or an RFC 3339 date. */
export function parseTimestamp(text: string, unit: TimeUnit): number | undefined {
  if (unit === 'rfc3339') {
    if (!rfc3339.test(text)) return undefined;
    const time = Date.parse(text);
    return Number.isNaN(time) ? undefined : time;
  }
  if (!digits.test(text)) return undefined;
  return unit === 's' ? Number(text) * 1000 : Number(text);
}

/** Whether a time is close enough: compared in the sender's unit, so that 300 s passes and 301 s does not. */
export function withinTolerance(timeMs: number, nowMs: number, rule: TimestampRule): boolean {
  const now = rule.unit === 's' ? Math.floor(nowMs / 1000) * 1000 : nowMs;
  return Math.abs(now - timeMs) <= rule.toleranceMs;
}

/** A time as the sender would write it. */
export function formatTimestamp(timeMs: number, unit: TimeUnit): string {
  if (unit === 's') return String(Math.floor(timeMs / 1000));
  return unit === 'ms' ? String(timeMs) : new Date(timeMs).toISOString();
}

const duration = /^([0-9]{1,9})(ms|s|m|h|d)$/;
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as the resources write it (`5m`) in milliseconds. */
export function parseTolerance(text: string): number | undefined {
  const match = duration.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}
