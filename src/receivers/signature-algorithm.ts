/** The algorithms of signature schemes: HMAC, Ed25519, and the plain hash with the key in front that HubSpot began with. */
import { createHash, createHmac, sign, timingSafeEqual, verify, type KeyObject } from 'node:crypto';

/** Bytes of a signature. */
export const signatureLengths = {
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  ed25519: 64,
  'plain-sha256': 32,
} as const;

/** `sha…`: HMAC with that hash. */
export type SignatureAlgorithm = keyof typeof signatureLengths;

/**
 * So many signatures of a header are compared. With a public key each of them means to hash the whole text again, which
 * a stranger would have done sixteen times for each key; of a sender that changes its key there are two.
 */
export const mostCandidates = (algorithm: SignatureAlgorithm): number =>
  algorithm === 'ed25519' ? 4 : Number.POSITIVE_INFINITY;

/** Pieces of a signed text; strings are bytes of the wire (one per character). */
export type Chunks = readonly (string | Uint8Array)[];

/** For people: `HMAC-sha256`, `Ed25519`. */
export function algorithmTitle(algorithm: SignatureAlgorithm): string {
  if (algorithm === 'ed25519') return 'Ed25519';
  return algorithm === 'plain-sha256' ? 'SHA-256 behind the secret' : `HMAC-${algorithm}`;
}

/** Whether a key is of the kind the algorithm takes: a public key never serves as the secret of an HMAC. */
export function fits(algorithm: SignatureAlgorithm, key: KeyObject): boolean {
  return algorithm === 'ed25519' ? key.asymmetricKeyType === 'ed25519' : key.type === 'secret';
}

const bytesOf = (chunk: string | Uint8Array): Uint8Array =>
  typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk;

/** The signature of the text; Ed25519 needs a private key. */
export function computeSignature(algorithm: SignatureAlgorithm, chunks: Chunks, key: KeyObject): Buffer {
  if (algorithm === 'ed25519') {
    if (key.type !== 'private') throw new Error('a public key verifies and cannot sign: give the private key');
    return sign(null, Buffer.concat(chunks.map(bytesOf)), key);
  }
  const digest = algorithm === 'plain-sha256' ? createHash('sha256').update(key.export()) : createHmac(algorithm, key);
  for (const chunk of chunks) {
    if (typeof chunk === 'string') digest.update(chunk, 'latin1');
    else digest.update(chunk);
  }
  return digest.digest();
}

/** Position of the key that made one of the candidates, or -1; with secrets every one is compared, in constant time. */
export function findSigner(
  algorithm: SignatureAlgorithm,
  chunks: Chunks,
  keys: readonly KeyObject[],
  candidates: readonly Buffer[],
): number {
  let matched = -1;
  const text = algorithm === 'ed25519' ? Buffer.concat(chunks.map(bytesOf)) : undefined;
  for (const [index, key] of keys.entries()) {
    if (!fits(algorithm, key)) continue;
    const digest = text === undefined ? computeSignature(algorithm, chunks, key) : undefined;
    for (const candidate of candidates) {
      const equal =
        digest === undefined ? verify(null, text ?? candidate, key, candidate) : timingSafeEqual(digest, candidate);
      if (!equal || matched !== -1) continue;
      // Public keys and signatures: how long it takes tells nothing.
      if (digest === undefined) return index;
      matched = index;
    }
  }
  return matched;
}
