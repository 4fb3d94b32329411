/** What stored rows count as, in bytes: what strangers chose, and a fixed part for everything around it. */
import type { StoredEvent } from './store.ts';

/** A delivery with its event; columns, indexes, a share of pages that are not full. */
const deliveryRow = 300;
/** A key-value row beside its name, key and value. */
export const keyValueRow = 64;

export function deliveryBytes({ id, type, source, attributes, body }: StoredEvent): number {
  const words = Buffer.byteLength(id) + Buffer.byteLength(type) + Buffer.byteLength(source);
  return deliveryRow + words + Buffer.byteLength(attributes) + body.length;
}

export function keyValueBytes(space: string, key: string, value: Uint8Array): number {
  return keyValueRow + Buffer.byteLength(space) + Buffer.byteLength(key) + value.length;
}
