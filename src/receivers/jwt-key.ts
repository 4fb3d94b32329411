/** Keys of tokens: which algorithms a key may be used with, and tokens made with it (RFC 7518). */
import { createHmac, createPrivateKey, createPublicKey, createSecretKey, sign, type KeyObject } from 'node:crypto';
import { parseJson } from '../function/parse-json.ts';

/** Algorithms that can be listed; `none` is not one. */
export const jwtAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
] as const;
export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

const curves: Readonly<Record<string, JwtAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** Those a key can be used with: the public key of an issuer never becomes the secret of an HMAC. */
export function algorithmsOf(key: KeyObject): readonly JwtAlgorithm[] {
  if (key.type === 'secret') return ['HS256', 'HS384', 'HS512'];
  if (key.asymmetricKeyType === 'rsa') return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
  if (key.asymmetricKeyType === 'ed25519') return ['EdDSA'];
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  return curve === undefined ? [] : [curve];
}

/** A key from a Secret: PEM (public, private, certificate), a JWK, or else the bytes of a shared secret. */
export function readJwtKey(secret: Uint8Array): KeyObject | undefined {
  const text = Buffer.from(secret).toString('latin1').trim();
  try {
    if (text.startsWith('-----BEGIN'))
      return text.includes('PRIVATE KEY') ? createPrivateKey(text) : createPublicKey(text);
    if (!text.startsWith('{')) return secret.length === 0 ? undefined : createSecretKey(secret);
    const key = parseJson(Buffer.from(secret).toString('utf8')) as {
      readonly kty?: unknown;
      readonly k?: unknown;
      readonly d?: unknown;
    };
    if (key.kty === 'oct' && typeof key.k === 'string') return createSecretKey(Buffer.from(key.k, 'base64url'));
    return typeof key.d === 'string'
      ? createPrivateKey({ key: key as never, format: 'jwk' })
      : createPublicKey({ key: key as never, format: 'jwk' });
  } catch {
    // Looks like a key and is none: unusable, which is told without its content.
    return undefined;
  }
}

/** A signed token, as an issuer would make it. */
export function makeToken(claims: Readonly<Record<string, unknown>>, key: KeyObject, algorithm: JwtAlgorithm): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: algorithm, typ: 'JWT' })}.${encode(claims)}`;
  const digest = `sha${algorithm.slice(2)}`;
  if (key.type === 'secret') return `${text}.${createHmac(digest, key).update(text).digest('base64url')}`;
  if (key.type === 'public') throw new Error('a public key verifies and cannot sign: give the private key');
  const data = Buffer.from(text);
  if (algorithm === 'EdDSA') return `${text}.${sign(null, data, key).toString('base64url')}`;
  // RSASSA-PSS: padding 6, the salt as long as the digest (-1).
  const padding = algorithm.startsWith('PS') ? { padding: 6, saltLength: -1 } : {};
  return `${text}.${sign(digest, data, { key, dsaEncoding: 'ieee-p1363', ...padding }).toString('base64url')}`;
}
