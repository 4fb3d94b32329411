/**
 * May events be sent there, and how often? The asking side of the handshake of CloudEvents web hooks. Pure.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
 */
import type { OutgoingAnswer } from './judge-answer.ts';

export interface Rate {
  readonly requests: number;
  readonly perMs: number;
}

/** `rate`: what the receiver set; absent, as often as one likes. */
export type Permission =
  | { readonly granted: true; readonly rate?: Rate }
  | { readonly granted: false; readonly answer: OutgoingAnswer };

const minuteMs = 60_000;

/** Deliveries repeat the origin that asked (§4.1.1). */
export const originHeader = 'webhook-request-origin';

/** Headers of the request for permission; rates are requests in a minute (§4.1.3). */
export function permissionHeaders(origin: string, rate: Rate | undefined): readonly (readonly [string, string])[] {
  const perMinute = rate === undefined ? undefined : Math.max(1, Math.ceil((rate.requests * minuteMs) / rate.perMs));
  return [
    [originHeader, origin],
    ...(perMinute === undefined ? [] : [['webhook-request-rate', `${perMinute}`] as const]),
  ];
}

/**
 * A status alone is no consent (§4.2): the receiver names the origin, or `*`. What is not consent is tried again as a
 * failed attempt is; 410, 429 and 5xx mean what they mean for a delivery.
 */
export function judgePermission(answer: OutgoingAnswer, origin: string): Permission {
  if (answer.kind !== 'answered') return { granted: false, answer };
  const { status, headers } = answer;
  if (status === 410 || status === 429 || status >= 500) return { granted: false, answer: { ...answer, asked: true } };
  const allowed = headers?.get('webhook-allowed-origin')?.map((value) => value.trim());
  const names = allowed?.length === 1 ? (allowed[0] ?? '') : undefined;
  if (status < 200 || status > 299 || names === undefined) {
    return refused(`answered ${status} without WebHook-Allowed-Origin`);
  }
  if (names !== '*' && names.toLowerCase() !== origin.toLowerCase()) {
    return refused(`allows another origin than ${origin}`);
  }
  const rate = headers?.get('webhook-allowed-rate')?.[0]?.trim();
  if (rate === undefined || rate === '*') return { granted: true };
  if (!/^[1-9]\d{0,8}$/.test(rate)) return refused('allows a rate that is neither a number from 1 nor *');
  return { granted: true, rate: { requests: Number(rate), perMs: minuteMs } };
}

const refused = (what: string): Permission => ({
  granted: false,
  answer: { kind: 'notAllowed', message: `the receiver, asked with OPTIONS whether events may be sent, ${what}` },
});

/** The slower one of two rates. */
export function slowerRate(one: Rate | undefined, other: Rate | undefined): Rate | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.requests / one.perMs <= other.requests / other.perMs ? one : other;
}
