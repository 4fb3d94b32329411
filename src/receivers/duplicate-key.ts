/** The key by which two deliveries of one endpoint are the same event. */
import { hash } from 'node:crypto';
import type { BatchItem, Identified, SenderProfile } from './types.ts';

/**
 * The sender's part of a duplicate key, without the endpoint; undefined: deliveries are never duplicates. An id that the
 * signature does not cover is joined with a hash of the body, so that nobody can silence an event by reusing its id.
 */
export function duplicateKey(
  profile: Pick<SenderProfile, 'duplicateBy'>,
  identified: Pick<Identified, 'deliveryId' | 'idSigned' | 'covered'>,
  body: Uint8Array,
): string | undefined {
  if (profile.duplicateBy === 'none') return undefined;
  if (profile.duplicateBy === 'body') return `body:${hash('sha256', body, 'base64url')}`;
  const id = identified.deliveryId;
  if (id === undefined) return undefined;
  return identified.idSigned ? `id:${id}` : `id:${hash('sha256', identified.covered ?? body, 'base64url')}:${id}`;
}

/** The same for one event of a batch: its id, which lies in the signed body, else its bytes. */
export function itemDuplicateKey(profile: Pick<SenderProfile, 'duplicateBy'>, item: BatchItem): string | undefined {
  if (profile.duplicateBy === 'none') return undefined;
  return item.deliveryId === undefined ? `body:${hash('sha256', item.body, 'base64url')}` : `id:${item.deliveryId}`;
}
