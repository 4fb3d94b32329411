/**
 * The registered claims of a token whose signature holds (RFC 7519 §4.1): read with our own reader, because the texts of
 * all tenants are read in one process.
 */
import { isObject } from '../function/is-object.ts';
import { parseJson } from '../function/parse-json.ts';

interface ClaimRules {
  readonly issuer?: string;
  /** One of them must be the token's. */
  readonly audiences?: readonly string[];
  readonly toleranceSeconds: number;
  readonly nowMs: number;
  /** A token without an end is refused. */
  readonly endRequired: boolean;
}

type Claims = Readonly<Record<string, unknown>>;

type ClaimsVerdict =
  | { readonly ok: true; readonly claims: Claims }
  /** `claim`: which one; absent: the payload is no JSON object. */
  | { readonly ok: false; readonly why: 'malformed' | 'mismatch' | 'expired' | 'early'; readonly claim?: string };

/**
 * Whether the header of a compact token may go to a library that reads it with `JSON.parse`, which takes a key that begins
 * with an escape for another. No signer writes one.
 */
export function hasPlainHeader(token: string): boolean {
  const end = token.indexOf('.');
  return end > 0 && !Buffer.from(token.slice(0, end), 'base64url').includes('"\\');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function checkClaims(payload: Uint8Array, rules: ClaimRules): ClaimsVerdict {
  const claims = readClaims(payload);
  if (claims === undefined) return { ok: false, why: 'malformed' };
  const { iss, aud } = claims;
  if (rules.issuer !== undefined && iss !== rules.issuer) return { ok: false, why: 'mismatch', claim: 'iss' };
  if (rules.audiences !== undefined) {
    const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
    if (!rules.audiences.some((audience) => named.includes(audience))) {
      return { ok: false, why: 'mismatch', claim: 'aud' };
    }
  }
  return checkTimes(claims, rules);
}

function checkTimes(claims: Claims, { nowMs, toleranceSeconds, endRequired }: ClaimRules): ClaimsVerdict {
  const now = Math.floor(nowMs / 1000);
  for (const claim of ['iat', 'nbf', 'exp']) {
    const value = claims[claim];
    const missing = value === undefined && !(claim === 'exp' && endRequired);
    if (!missing && typeof value !== 'number') return { ok: false, why: 'mismatch', claim };
  }
  const { nbf, exp } = claims;
  if (typeof nbf === 'number' && nbf > now + toleranceSeconds) return { ok: false, why: 'early', claim: 'nbf' };
  if (typeof exp === 'number' && exp <= now - toleranceSeconds) return { ok: false, why: 'expired', claim: 'exp' };
  return { ok: true, claims };
}

/** The claims of a payload, believed or not; undefined: no JSON object. */
export function readClaims(payload: Uint8Array): Claims | undefined {
  try {
    const value = parseJson(utf8.decode(payload));
    return isObject(value) ? value : undefined;
  } catch {
    // Neither text nor JSON: no claims, and the caller says so.
    return undefined;
  }
}
