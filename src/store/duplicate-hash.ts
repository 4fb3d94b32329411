/** Names of duplicate keys as they are kept: 16 bytes of SHA-256, so that short rows keep the index of millions of keys small. */
import { hash as digest } from 'node:crypto';
import type { DuplicateKey } from './store.ts';

export function hashKey(namespaceUid: string, { endpoint, key }: DuplicateKey): Buffer {
  return hash([namespaceUid, endpoint, key]);
}

/** Whose key it is, without the namespace's and the trigger's names. */
export function hashEndpoint(namespaceUid: string, { endpoint }: DuplicateKey): Buffer {
  return hash([namespaceUid, endpoint]);
}

/** Whose key it is as a whole number of 64 bits: the namespace above, the endpoint in it below. */
export function endpointNumber(namespaceUid: string, { endpoint }: Pick<DuplicateKey, 'endpoint'>): string {
  const halves = [hash([namespaceUid]), hash([namespaceUid, endpoint])].map((each) => each.subarray(0, 4));
  return String(Buffer.concat(halves).readBigInt64BE());
}

/** The upper half of `endpointNumber`, by which a namespace's keys are found: two share one once in four thousand million. */
export function namespaceNumber(namespaceUid: string): number {
  return hash([namespaceUid]).readInt32BE();
}

function hash(parts: readonly string[]): Buffer {
  return digest('sha256', JSON.stringify(parts), 'buffer').subarray(0, 16);
}
