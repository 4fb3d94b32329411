/** Comparison that takes the same time whatever the bytes are: digests of equal length, every candidate looked at. */
import { hash, timingSafeEqual } from 'node:crypto';

/** Position of the secret that equals the given value, or -1. All secrets are compared; only lengths of digests matter. */
export function findEqualSecret(given: Uint8Array, secrets: readonly Uint8Array[]): number {
  const digest = hash('sha256', given, 'buffer');
  let found = -1;
  for (const [index, secret] of secrets.entries()) {
    const equal = timingSafeEqual(digest, hash('sha256', secret, 'buffer'));
    // An empty secret would let an empty token in; its comparison is done all the same.
    if (equal && secret.length > 0 && found === -1) found = index;
  }
  return found;
}

/** Text of a request header or URL as the bytes that came over the wire. */
export function wireBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
