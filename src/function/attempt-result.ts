/** What the end of an asynchronous call means for its event: done, again, or dead. */
import { isTable, type PlainValue } from './plain-value.ts';
import { statusOf } from './result.ts';

/** The end of a call that ran; calls that were cancelled or never started are their caller's business. */
export type AttemptEnd =
  | { readonly kind: 'ok'; readonly values: readonly PlainValue[] }
  | { readonly kind: 'exit' }
  | {
      readonly kind: 'error' | 'timeout' | 'cpu' | 'memory';
      readonly error: { readonly message: string; readonly value?: PlainValue };
    };

export type AttemptResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly error: string; readonly retryAfterMs?: number }
  | { readonly kind: 'dead'; readonly reason: 'Failed' | 'StatusRefused'; readonly error: string };

const retriedStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * A value or nothing is done, and so is `exit`. An error, or status 408, 425, 429, 5xx, is tried again; another 4xx, or
 * `error(fail "reason")`, is dead at once. `nil, err` is an error: it is how functions of ours say that something failed.
 */
export function toAttemptResult(end: AttemptEnd): AttemptResult {
  if (end.kind === 'exit') return { kind: 'done' };
  if (end.kind === 'ok') return ofValues(end.values);
  return ofError(end.error.message, end.error.value);
}

function ofValues(values: readonly PlainValue[]): AttemptResult {
  const [first, second] = values;
  if (first === undefined && second !== undefined) {
    const message = isTable(second) ? second.get('message') : second;
    return ofError(typeof message === 'string' ? message : 'the handler returned nil and an error', second);
  }
  const read = statusOf(values);
  // Only what names a status is a response here; any other value counts as done, whatever its shape.
  if (!read.ok)
    return typeof first === 'number' || isTable(first) ? { kind: 'again', error: read.message } : { kind: 'done' };
  const { status } = read;
  if (status === undefined || status < 400) return { kind: 'done' };
  const error = `the handler answered ${status}`;
  if (status < 500 && !retriedStatuses.has(status)) return { kind: 'dead', reason: 'StatusRefused', error };
  return { kind: 'again', error, ...retryAfter(headerOf(read.headers, 'retry-after')) };
}

function ofError(error: string, value: PlainValue): AttemptResult {
  if (!isTable(value)) return { kind: 'again', error };
  if (value.get('permanent') === true) return { kind: 'dead', reason: 'Failed', error };
  return { kind: 'again', error, ...retryAfter(value.get('retry_after')) };
}

function headerOf(headers: PlainValue, name: string): PlainValue {
  if (!isTable(headers)) return undefined;
  for (const [key, value] of headers) if (typeof key === 'string' && key.toLowerCase() === name) return value;
  return undefined;
}

/** Seconds; dates and nonsense are left to the schedule. */
function retryAfter(value: PlainValue): { readonly retryAfterMs?: number } {
  const seconds = typeof value === 'string' && /^[0-9]{1,9}$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0
    ? { retryAfterMs: Math.ceil(seconds * 1000) }
    : {};
}
