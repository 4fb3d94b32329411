/** What a subscriber's answer means for a delivery and for its destination. Pure. */
import { parseTime } from '../host/time.ts';
import type { AttemptResult } from './retry-schedule.ts';

export type OutgoingAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfterMs?: number;
      readonly excerpt: string;
      /** Names in lower case. */
      readonly headers?: ReadonlyMap<string, readonly string[]>;
      /** The answer is to the question whether events may be sent. */
      readonly asked?: true;
    }
  /** Asked for permission, the receiver gave none. */
  | { readonly kind: 'notAllowed'; readonly message: string }
  /** No answer: name, connection, time, or the outbound guard. */
  | { readonly kind: 'failed'; readonly message: string; readonly refusedByGuard: boolean; readonly byLookup?: true };

export interface Judgement {
  readonly result: AttemptResult;
  /** What the breaker of the destination's host hears. */
  readonly health: 'success' | 'failure' | 'neutral';
  /** 410: the subscriber wants no more. */
  readonly gone: boolean;
}

/** Statuses that a later attempt may change (RFC 9110 §15; 425: RFC 8470). */
const again: ReadonlySet<number> = new Set([408, 409, 425, 429]);

export function judgeAnswer(answer: OutgoingAnswer): Judgement {
  if (answer.kind === 'notAllowed') {
    return { result: { kind: 'again', error: answer.message }, health: 'neutral', gone: false };
  }
  if (answer.kind === 'failed') {
    const { message, refusedByGuard } = answer;
    if (refusedByGuard)
      return { result: { kind: 'dead', reason: 'EgressDenied', error: message }, health: 'neutral', gone: false };
    // What a name leads to for a moment says nothing about the receiver.
    const health = answer.byLookup === true ? 'neutral' : 'failure';
    return { result: { kind: 'again', error: message }, health, gone: false };
  }
  const { status, retryAfterMs, excerpt, asked = false } = answer;
  if (status >= 200 && status < 300) return { result: { kind: 'done' }, health: 'success', gone: false };
  const error = `${asked ? 'asked whether events may be sent, ' : ''}answered ${status}${excerpt === '' ? '' : `: ${excerpt}`}`;
  if (status >= 500 || again.has(status)) {
    const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
    return { result: { kind: 'again', error, ...retry }, health: status === 409 ? 'neutral' : 'failure', gone: false };
  }
  if (status === 410) return { result: { kind: 'dead', reason: 'Gone', error }, health: 'neutral', gone: true };
  // A redirect is not followed: the receiver of a signed event is the one that was configured.
  const reason = status >= 300 && status < 400 ? 'Redirected' : 'Refused';
  return { result: { kind: 'dead', reason, error }, health: 'neutral', gone: false };
}

/** `Retry-After` as seconds or an HTTP date (RFC 9110 §10.2.3), milliseconds from `now`. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d{1,64}$/.test(text)) return Number(text) * 1000;
  // `Date.parse` takes any text with a number in it: -3600 is the year 3600.
  const date = text.length > 64 ? undefined : parseTime(text);
  return date === undefined ? undefined : Math.max(0, date - now);
}
