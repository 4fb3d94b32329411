/** Verifies tokens with `jose`: by keys at hand, or by the set of keys an issuer publishes, with its rotation. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { compactVerify, createLocalJWKSet, errors, type CompactVerifyGetKey, type CryptoKey } from 'jose';
import { parseJson } from '../function/parse-json.ts';
import { checkClaims } from './check-claims.ts';
import type { JwtOptions } from './jwt-fields.ts';
import { algorithmsOf } from './jwt-key.ts';
import type { RefusalReason } from './reasons.ts';
import type { VerifyTools } from './types.ts';

/** Clocks of issuers may be off by so much. */
const clockToleranceSeconds = 60;

export type TokenVerdict =
  | { readonly ok: true; readonly payload: Readonly<Record<string, unknown>>; readonly by: string }
  | { readonly ok: false; readonly reason: RefusalReason; readonly step: string; readonly detail?: string };

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** Parsed sets by the bytes they came as: a set is parsed once as long as it is cached. */
export interface KeySets {
  of(bytes: Uint8Array): KeySet | undefined;
}

export function createKeySets(): KeySets {
  const known = new WeakMap<Uint8Array, KeySet | null>();
  return {
    of: (bytes) => {
      let set = known.get(bytes);
      if (set === undefined) {
        set = parseSet(bytes) ?? null;
        known.set(bytes, set);
      }
      return set ?? undefined;
    },
  };
}

function parseSet(bytes: Uint8Array): KeySet | undefined {
  try {
    const { keys } = parseJson(Buffer.from(bytes).toString('utf8')) as { readonly keys?: unknown };
    if (!Array.isArray(keys)) return undefined;
    // Only what may be published: a shared secret in a public set proves nothing.
    const usable = keys.filter((key: unknown) => {
      const { kty } = (key ?? {}) as { readonly kty?: unknown };
      return kty === 'RSA' || kty === 'EC' || kty === 'OKP';
    });
    return createLocalJWKSet({ keys: usable.slice(0, 64) });
  } catch {
    // Not a set of keys: the caller says that none could be had.
    return undefined;
  }
}

/** Signature first, then what the token says; throws what the library says of the signature. */
async function verify(
  token: string,
  key: KeyObject | CryptoKey | CompactVerifyGetKey,
  options: JwtOptions,
  algorithms: readonly string[],
  nowMs: number,
  by: string,
): Promise<TokenVerdict> {
  const rules = { algorithms: [...algorithms] };
  const { payload, protectedHeader } =
    typeof key === 'function' ? await compactVerify(token, key, rules) : await compactVerify(token, key, rules);
  // RFC 7797: what is signed would not be what is read.
  if (protectedHeader.b64 === false) return { ok: false, reason: 'TokenMalformed', step: 'token' };
  const verdict = checkClaims(payload, {
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...(options.audiences === undefined ? {} : { audiences: options.audiences }),
    toleranceSeconds: clockToleranceSeconds,
    nowMs,
    endRequired: true,
  });
  if (verdict.ok) return { ok: true, payload: verdict.claims, by };
  const refused = refusals[verdict.why];
  return { ...refused, ...(verdict.claim === undefined || verdict.why === 'expired' ? {} : { detail: verdict.claim }) };
}

const refusals = {
  malformed: { ok: false, reason: 'TokenMalformed', step: 'token' },
  expired: { ok: false, reason: 'TokenExpired', step: 'time' },
  early: { ok: false, reason: 'TokenExpired', step: 'claims' },
  mismatch: { ok: false, reason: 'ClaimMismatch', step: 'claims' },
} as const;

/** By keys at hand: each is only used with the algorithms it is made for. */
export async function verifyWithKeys(
  token: string,
  options: JwtOptions,
  keys: readonly KeyObject[],
  nowMs: number,
): Promise<TokenVerdict> {
  let refused: TokenVerdict = { ok: false, reason: 'TokenMismatch', step: 'token', detail: 'signature' };
  for (const [index, key] of keys.entries()) {
    const fitting = algorithmsOf(key).filter((name) => options.algorithms.includes(name));
    try {
      // A private key that is here to sign (`send`) verifies with its public half.
      const verifying = key.type === 'private' ? createPublicKey(key) : key;
      // A right signature decides, whatever the claims say.
      return await verify(token, verifying, options, fitting, nowMs, `key ${index + 1} of ${keys.length}`);
    } catch (error) {
      const verdict = judge(error);
      if (!verdict.ok && verdict.reason !== 'TokenMismatch') refused = verdict;
    }
  }
  return refused;
}

/** By the issuer's set; a key that is not in it makes it be fetched anew, at most once a minute. */
export async function verifyWithSet(
  token: string,
  options: JwtOptions,
  url: string,
  sets: KeySets,
  tools: VerifyTools,
): Promise<TokenVerdict> {
  const unavailable = (detail: string): TokenVerdict => ({
    ok: false,
    reason: 'KeysUnavailable',
    step: 'keys',
    detail,
  });
  if (tools.fetchDocument === undefined) return unavailable('nothing can be fetched here');
  for (const refresh of [false, true]) {
    const fetched = await tools.fetchDocument(url, refresh);
    if (!fetched.ok) return unavailable(fetched.message);
    const set = sets.of(fetched.bytes);
    if (set === undefined) return unavailable('what came is not a set of keys');
    try {
      return await verify(token, set, options, options.algorithms, tools.now(), 'key of the issuer');
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && !refresh) continue;
      if (error instanceof errors.JWKSMultipleMatchingKeys) return tryEach(error, token, options, tools.now());
      if (error instanceof errors.JWKSNoMatchingKey) return { ok: false, reason: 'KeyUnknown', step: 'keys' };
      return judge(error);
    }
  }
  return { ok: false, reason: 'KeyUnknown', step: 'keys' };
}

/** A token that does not say which of several keys made it. */
async function tryEach(
  keys: errors.JWKSMultipleMatchingKeys,
  token: string,
  options: JwtOptions,
  nowMs: number,
): Promise<TokenVerdict> {
  let refused: TokenVerdict = { ok: false, reason: 'TokenMismatch', step: 'token', detail: 'signature' };
  for await (const key of keys) {
    try {
      return await verify(token, key, options, options.algorithms, nowMs, 'key of the issuer');
    } catch (error) {
      const verdict = judge(error);
      if (!verdict.ok && verdict.reason !== 'TokenMismatch') refused = verdict;
    }
  }
  return refused;
}

/** What `jose` says, in our words; its messages hold values of the token. */
function judge(error: unknown): TokenVerdict {
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof TypeError
  ) {
    return { ok: false, reason: 'TokenMismatch', step: 'token', detail: 'signature' };
  }
  if (error instanceof errors.JOSEError) return { ok: false, reason: 'TokenMalformed', step: 'token' };
  throw error;
}
