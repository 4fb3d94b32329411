/** The text that HTTP Message Signatures sign (RFC 9421 §2), and the algorithms of §3.3. */
import {
  constants,
  createHmac,
  sign as signWith,
  timingSafeEqual,
  verify as verifyWith,
  type KeyObject,
  type SignKeyObjectInput,
} from 'node:crypto';
import { pathOf } from './signed-template.ts';
import type { InnerList, InnerListItem } from './structured-field.ts';
import type { RawRequest } from './types.ts';

export const httpSignatureAlgorithms = [
  'hmac-sha256',
  'ed25519',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'rsa-pss-sha512',
  'rsa-v1_5-sha256',
] as const;
export type HttpSignatureAlgorithm = (typeof httpSignatureAlgorithms)[number];

export type SignatureBase =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly component: string };

/** The host of a URL in lower case, without the standard port of its scheme. */
function authorityOf(url: string): string {
  const match = /^(https?):\/\/(?:[^/?#@]*@)?([^/?#]+)/i.exec(url);
  const standard = match?.[1]?.toLowerCase() === 'https' ? ':443' : ':80';
  const authority = (match?.[2] ?? '').toLowerCase();
  return authority.endsWith(standard) ? authority.slice(0, -standard.length) : authority;
}

/** The value of a derived component; the URL is the configured one, never what headers say. */
function derivedValue(name: string, request: RawRequest, item: InnerListItem): string | undefined {
  const target = pathOf(request.publicUrl);
  const question = target.indexOf('?');
  switch (name) {
    case '@method':
      return request.method;
    case '@target-uri':
      return request.publicUrl;
    case '@authority':
      return authorityOf(request.publicUrl);
    case '@scheme':
      return /^[a-z]+/i.exec(request.publicUrl)?.[0].toLowerCase();
    case '@request-target':
      return target;
    case '@path':
      return question === -1 ? target : target.slice(0, question);
    case '@query':
      return question === -1 ? '?' : target.slice(question);
    case '@query-param': {
      const wanted = item.parameters.get('name');
      const values = typeof wanted === 'string' ? request.query.get(decodeURIComponentSafely(wanted)) : undefined;
      // Several of one name have no order in the base: refused rather than guessed.
      return values?.length === 1 && values[0] !== undefined ? encodeURIComponent(values[0]) : undefined;
    }
    default:
      return undefined;
  }
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A broken escape names no parameter.
    return text;
  }
}

function headerValue(name: string, request: RawRequest): string | undefined {
  const values = request.headers.get(name);
  return values?.map((value) => value.trim()).join(', ');
}

/** The signature base of one label; a component that cannot be had, or is not supported, is named. */
export function signatureBase(input: InnerList, request: RawRequest): SignatureBase {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const item of input.items) {
    const derived = item.value.startsWith('@');
    const known = item.value === '@query-param' ? item.parameters.size === 1 : item.parameters.size === 0;
    const value = derived ? derivedValue(item.value, request, item) : headerValue(item.value, request);
    if (value === undefined || !known || seen.has(item.text) || item.value !== item.value.toLowerCase()) {
      return { ok: false, component: item.text };
    }
    seen.add(item.text);
    lines.push(`${item.text}: ${value}`);
  }
  lines.push(`"@signature-params": ${input.text}`);
  return { ok: true, text: lines.join('\n') };
}

/** Whether a key is of the kind an algorithm takes: the algorithm belongs to the key, not to the request. */
export function fitsAlgorithm(algorithm: HttpSignatureAlgorithm, key: KeyObject): boolean {
  if (algorithm === 'hmac-sha256') return key.type === 'secret';
  if (algorithm === 'ed25519') return key.asymmetricKeyType === 'ed25519';
  if (algorithm.startsWith('rsa')) return key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss';
  const curve = algorithm === 'ecdsa-p256-sha256' ? 'prime256v1' : 'secp384r1';
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;
}

const digests = {
  ed25519: null,
  'ecdsa-p256-sha256': 'sha256',
  'ecdsa-p384-sha384': 'sha384',
  'rsa-pss-sha512': 'sha512',
  'rsa-v1_5-sha256': 'sha256',
} as const;

function keyOptions(algorithm: HttpSignatureAlgorithm, key: KeyObject, saltLength: number): SignKeyObjectInput {
  if (algorithm === 'rsa-pss-sha512') return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return { key, dsaEncoding: 'ieee-p1363' };
}

/** Whether the key made the signature of the text. */
export function verifyBase(
  algorithm: HttpSignatureAlgorithm,
  text: string,
  key: KeyObject,
  signature: Buffer,
): boolean {
  const data = Buffer.from(text, 'latin1');
  if (algorithm === 'hmac-sha256') {
    const digest = createHmac('sha256', key).update(data).digest();
    return digest.length === signature.length && timingSafeEqual(digest, signature);
  }
  // The RFC says 64; senders whose library takes the longest salt there is are as safe.
  return verifyWith(digests[algorithm], data, keyOptions(algorithm, key, constants.RSA_PSS_SALTLEN_AUTO), signature);
}

/** The signature of the text. */
export function signBase(algorithm: HttpSignatureAlgorithm, text: string, key: KeyObject): Buffer {
  const data = Buffer.from(text, 'latin1');
  if (algorithm === 'hmac-sha256') return createHmac('sha256', key).update(data).digest();
  if (key.type === 'public') throw new Error('a public key verifies and cannot sign: give the private key');
  return signWith(digests[algorithm], data, keyOptions(algorithm, key, 64));
}
