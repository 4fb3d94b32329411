/** Verifies tokens with `jose`: by keys at hand, or by the set of keys an issuer publishes, with its rotation. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { JwtOptions } from './jwt-fields.ts';
import { algorithmsOf } from './jwt-key.ts';
import type { RefusalReason } from './reasons.ts';
import type { VerifyTools } from './types.ts';

/** Clocks of issuers may be off by so much. */
const clockToleranceSeconds = 60;

export type TokenVerdict =
  | { readonly ok: true; readonly payload: JWTPayload; readonly by: string }
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
    const { keys } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly keys?: unknown };
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

function optionsFor(options: JwtOptions, nowMs: number): JWTVerifyOptions {
  return {
    algorithms: [...options.algorithms],
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...(options.audiences === undefined ? {} : { audience: [...options.audiences] }),
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(nowMs),
    requiredClaims: ['exp'],
  };
}

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
      const { payload } = await jwtVerify(token, verifying, {
        ...optionsFor(options, nowMs),
        algorithms: [...fitting],
      });
      return { ok: true, payload, by: `key ${index + 1} of ${keys.length}` };
    } catch (error) {
      const verdict = judge(error);
      // A right signature with wrong claims says more than a wrong signature.
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
      const { payload } = await jwtVerify(token, set, optionsFor(options, tools.now()));
      return { ok: true, payload, by: 'key of the issuer' };
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
      const { payload } = await jwtVerify(token, key, optionsFor(options, nowMs));
      return { ok: true, payload, by: 'key of the issuer' };
    } catch (error) {
      const verdict = judge(error);
      if (!verdict.ok && verdict.reason !== 'TokenMismatch') refused = verdict;
    }
  }
  return refused;
}

/** What `jose` says, in our words; its messages hold values of the token. */
function judge(error: unknown): TokenVerdict {
  if (error instanceof errors.JWTExpired) return { ok: false, reason: 'TokenExpired', step: 'time' };
  if (error instanceof errors.JWTClaimValidationFailed) {
    const reason = error.claim === 'nbf' ? 'TokenExpired' : 'ClaimMismatch';
    return { ok: false, reason, step: 'claims', detail: error.claim };
  }
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
