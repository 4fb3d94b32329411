/** Limits and retries of a function or trigger: what the user asked for, else the default, never above the ceiling. */
import type { Limits, ResolvedLimits, Retry } from '../function/types.ts';
import type { InstallationPolicy } from './installation-policy.ts';
import { formatAmount, parseAmount, type AmountKind } from './limit-amounts.ts';

/** A value the installation does not allow, or cannot read. */
export interface LimitProblem {
  readonly reason: 'PolicyDenied' | 'Invalid';
  /** Below the function's resource: `spec.limits.timeout`. */
  readonly path: string;
  readonly message: string;
}

/** How each field of `limits` is written, and what it sets. */
export const limitFields = {
  timeout: { value: 'timeoutMs', kind: 'duration' },
  cpuTime: { value: 'cpuMs', kind: 'duration' },
  memory: { value: 'memoryBytes', kind: 'bytes' },
  concurrency: { value: 'concurrency', kind: 'count' },
  requestBody: { value: 'requestBodyBytes', kind: 'bytes' },
  responseBody: { value: 'responseBodyBytes', kind: 'bytes' },
  log: { value: 'logBytes', kind: 'bytes' },
  hostCalls: { value: 'hostCalls', kind: 'count' },
} as const satisfies Record<keyof Limits, { readonly value: keyof ResolvedLimits; readonly kind: AmountKind }>;

const fieldNames = Object.keys(limitFields) as (keyof Limits)[];

/** The defaults of the installation, held under its ceilings. */
export function defaultLimitsOf(policy: InstallationPolicy): ResolvedLimits {
  const names = Object.keys(policy.defaults.limits) as (keyof ResolvedLimits)[];
  // One object for all functions without limits of their own.
  if (names.every((name) => policy.defaults.limits[name] <= policy.ceilings.limits[name]))
    return policy.defaults.limits;
  return Object.fromEntries(
    names.map((name) => [name, Math.min(policy.defaults.limits[name], policy.ceilings.limits[name])]),
  ) as unknown as ResolvedLimits;
}

/** Applies the user's fields over `base`; a field that is refused keeps the base value and is a problem. */
export function resolveLimits(
  policy: InstallationPolicy,
  base: ResolvedLimits,
  wanted: Limits | undefined,
  path: string,
): { readonly limits: ResolvedLimits; readonly problems: readonly LimitProblem[] } {
  if (wanted === undefined) return { limits: base, problems: [] };
  const limits: { -readonly [Name in keyof ResolvedLimits]: ResolvedLimits[Name] } = { ...base };
  const problems: LimitProblem[] = [];
  for (const field of fieldNames) {
    const text = wanted[field];
    if (text === undefined) continue;
    const { value, kind } = limitFields[field];
    const minimum = field === 'hostCalls' ? 0 : 1;
    const checked = checkAmount(text, kind, policy.ceilings.limits[value], `${path}.${field}`, minimum);
    if (checked.ok) limits[value] = checked.amount;
    else problems.push(checked.problem);
  }
  return { limits, problems };
}

/** Waits between attempts, in milliseconds. */
export function resolveRetry(
  policy: InstallationPolicy,
  base: readonly number[],
  wanted: Retry | undefined,
  path: string,
): { readonly scheduleMs: readonly number[]; readonly problems: readonly LimitProblem[] } {
  if (wanted?.schedule === undefined) return { scheduleMs: base, problems: [] };
  const { retryAttempts, retryWaitMs } = policy.ceilings;
  if (wanted.schedule.length + 1 > retryAttempts) {
    const message = `${wanted.schedule.length + 1} attempts are above the ceiling of this installation, ${retryAttempts}`;
    return { scheduleMs: base, problems: [{ reason: 'PolicyDenied', path: `${path}.schedule`, message }] };
  }
  const waits = wanted.schedule.map((text, index) =>
    checkAmount(text, 'duration', retryWaitMs, `${path}.schedule[${index}]`, 0),
  );
  const problems = waits.flatMap((wait) => (wait.ok ? [] : [wait.problem]));
  return problems.length > 0
    ? { scheduleMs: base, problems }
    : { scheduleMs: waits.flatMap((wait) => (wait.ok ? [wait.amount] : [])), problems };
}

const expected: Readonly<Record<AmountKind, string>> = {
  duration: 'a duration such as 500ms or 10s',
  bytes: 'a size such as 64Ki or 16Mi',
  count: 'a whole number',
};

/** One amount as the user wrote it, against its ceiling. */
export function checkAmount(
  text: string | number,
  kind: AmountKind,
  ceiling: number,
  path: string,
  minimum = 1,
): { readonly ok: true; readonly amount: number } | { readonly ok: false; readonly problem: LimitProblem } {
  const amount = parseAmount(text, kind);
  if (amount === undefined || amount < minimum) {
    const message = `"${text}" is not ${expected[kind]}${minimum === 0 ? '' : ' above zero'}`;
    return { ok: false, problem: { reason: 'Invalid', path, message } };
  }
  if (amount > ceiling) {
    const message = `${text} is above the ceiling of this installation, ${formatAmount(ceiling, kind)}`;
    return { ok: false, problem: { reason: 'PolicyDenied', path, message } };
  }
  return { ok: true, amount };
}
