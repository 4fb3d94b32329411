/** Keys of JSON Web Tokens: read from what Lua gives, bounded in what one use can cost, and that cost. */
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import type { HostArguments } from '../lua/types.ts';

const keyCap = 64 * 1024;
/**
 * The work of RSA grows with the third power of the size: at 32,768 bits one signature holds a thread of the pool for 10 s.
 * OpenSSL does not verify with more than 16,384.
 */
const bitsCap = { sign: 4096, verify: 16_384 };
const integerTag = 2;
/** Bytes of work that count as one millisecond of CPU. */
const bytesPerMs = 4 * 1024 * 1024;

/** Milliseconds that one signature takes, about (Node 24, x86-64); to verify takes less. */
const curveMs: Readonly<Record<string, number>> = { prime256v1: 0.3, secp384r1: 2, secp521r1: 4 };
const rsa2048Ms = 0.8;
/** Bits of a public exponent: above 3,072 of the modulus OpenSSL takes no longer one, and honest ones have 17. */
const mostExponent = 64;

export type KeyUse = 'sign' | 'verify';

/** A PEM text is an asymmetric key and never an HMAC secret: a public key must not verify what anyone can sign with it. */
export function readKey(args: HostArguments, position: number, use: KeyUse): KeyObject {
  const bytes = args.bytes(position);
  if (bytes.length > keyCap) args.fail(position, 'longer than 64 KiB');
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.includes('-----BEGIN')) {
    if (bytes.length < 16) return args.fail(position, 'a secret of at least 16 bytes or a key in PEM expected');
    return createSecretKey(bytes);
  }
  const key = parsePem(text, use);
  if (key === undefined)
    return args.fail(position, use === 'sign' ? 'not a private key in PEM' : 'not a public key or certificate in PEM');
  const largest = Math.max(...(partsOfRsa(key) ?? [0]));
  if (largest > bitsCap[use]) return args.fail(position, `an RSA key with a part of more than ${bitsCap[use]} bits`);
  return key;
}

function parsePem(text: string, use: KeyUse): KeyObject | undefined {
  try {
    return use === 'sign' ? createPrivateKey(text) : createPublicKey(text);
  } catch {
    return undefined;
  }
}

/**
 * Bits of the integers of an RSA key in their order (RFC 8017 §A.1); undefined: it is another kind of key. The modulus alone
 * says nothing of a made-up key: its primes and exponents are what is computed with. Node is not asked for details: of
 * a key above 16,384 bits that leaves an error behind which fails the next reading of a key.
 */
function partsOfRsa(key: KeyObject): readonly number[] | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  let der: Buffer;
  try {
    der = key.export({ type: 'pkcs1', format: 'der' });
  } catch {
    return [Infinity];
  }
  const parts: number[] = [];
  for (let at = elementAt(der, 0).start; at < der.length;) {
    const { tag, start, end } = elementAt(der, at);
    // More primes than two: nobody uses them for tokens.
    if (tag !== integerTag) return [Infinity];
    parts.push((end - start - (der[start] === 0 ? 1 : 0)) * 8);
    at = end;
  }
  return parts;
}

/** One element of DER (X.690 §8.1): where its content begins and ends. */
function elementAt(der: Buffer, at: number): { readonly tag: number; readonly start: number; readonly end: number } {
  const [tag = 0, short = 0] = der.subarray(at, at + 2);
  if (short < 0x80) return { tag, start: at + 2, end: at + 2 + short };
  const start = at + 2 + (short & 0x7f);
  return { tag, start, end: start + der.readUIntBE(at + 2, short & 0x7f) };
}

/** What one signature by this key is charged as: it is made on another thread, out of sight of the call's clock. */
export function signatureWork(key: KeyObject, use: KeyUse): number {
  const parts = partsOfRsa(key);
  const ms =
    parts === undefined
      ? (curveMs[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 0.1)
      : rsa2048Ms * rsaShare(parts, use);
  return Math.ceil(ms * bytesPerMs);
}

/** Of the time of a signature by an honest key of 2,048 bits. */
function rsaShare(parts: readonly number[], use: KeyUse): number {
  if (use === 'verify') {
    const [modulus = 0, exponent = 0] = parts;
    return (modulus / 2048) ** 2 * (exponent > mostExponent ? 2 : 1 / 4);
  }
  const [, modulus = 0, , , ...primes] = parts;
  // Honest primes are half as long as the modulus.
  return (Math.max(modulus, 2 * Math.max(0, ...primes)) / 2048) ** 2;
}
