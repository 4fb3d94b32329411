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

function hash(parts: readonly string[]): Buffer {
  return digest('sha256', JSON.stringify(parts), 'buffer').subarray(0, 16);
}
