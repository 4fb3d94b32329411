/** Who may use the call listener of a local run: the start-up token, a Host of this machine, no page of another origin. */
import { timingSafeEqual, createHash } from 'node:crypto';
import type { FailureCode } from '../failures/catalogue.ts';

export interface CallHeaders {
  readonly authorization?: string | undefined;
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

export type CallVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: FailureCode; readonly reason: string; readonly publicDetail?: string };

const hosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Hashing first makes the comparison independent of lengths as well. */
function sameToken(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** `port` is the listener's own. Host and origin are judged before the token: a page learns nothing from guesses. */
export function authorizeCall(headers: CallHeaders, token: string | undefined, port: number): CallVerdict {
  const place = authorizePlace(headers, port);
  if (!place.ok) return place;
  const given = bearerOf(headers.authorization);
  if (token === undefined) return unauthorized('no start-up token is set: the call listener is closed');
  if (given === undefined) return unauthorized('no bearer token was sent');
  return sameToken(given, token) ? { ok: true } : unauthorized('the token is not the start-up token');
}

/** Who calls through this process itself: named behind its own token (`TOKEN.BASE64URL`), from this machine alone. */
export function readOwnCaller(headers: CallHeaders, token: string | undefined, port: number): string | undefined {
  const given = bearerOf(headers.authorization) ?? '';
  const at = given.lastIndexOf('.');
  if (token === undefined || at === -1 || !sameToken(given.slice(0, at), token)) return undefined;
  if (!authorizePlace(headers, port).ok) return undefined;
  return Buffer.from(given.slice(at + 1), 'base64url').toString('utf8');
}

/** The token of `Authorization: Bearer …` (RFC 6750 §2.1). */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1];
}

/** Whether a request comes from this machine and from no page of another origin, also one whose name was bent to loopback. */
export function authorizePlace(headers: CallHeaders, port: number): CallVerdict {
  const { host, origin } = headers;
  if (host === undefined || !isOwnHost(host, port)) {
    return forbidden(`the Host header must be localhost, 127.0.0.1 or [::1] with port ${port}`);
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return forbidden('requests of another site are refused (Sec-Fetch-Site)');
  }
  if (origin !== undefined && origin !== `http://${host}`) return forbidden('requests of another origin are refused');
  return { ok: true };
}

function isOwnHost(host: string, port: number): boolean {
  const at = host.lastIndexOf(':');
  const name = at === -1 || host.endsWith(']') ? host : host.slice(0, at);
  const given = at === -1 || host.endsWith(']') ? 80 : Number(host.slice(at + 1));
  return hosts.has(name.toLowerCase()) && given === port;
}

const forbidden = (publicDetail: string): CallVerdict => ({
  ok: false,
  code: 'Forbidden',
  reason: publicDetail,
  publicDetail,
});
/** The same words for a missing and a wrong one: whoever started the run learns where to look, a guess learns nothing. */
const unauthorized = (reason: string): CallVerdict => ({
  ok: false,
  code: 'Unauthorized',
  reason,
  publicDetail: 'send the token of this start (of a local run: in the data directory): each start makes a new one',
});
