/**
 * Notices delivery ids that come again with other content where the signature does not cover the id: whoever holds one
 * signed request can send it under any id, and such a delivery is taken as a new event.
 */

/** A power of two; with three words each, 48 KiB a thread. */
const places = 4096;

/** Looks back over the latest few thousand ids of its thread; what was pushed out since is taken for new. */
export class ReusedIds {
  /** Of each place: two hashes of the id, one of the content. */
  readonly #seen = new Int32Array(places * 3);

  /** Whether `id` of `endpoint` came before with other content. `content` is a digest. */
  isReused(endpoint: string, id: string, content: string): boolean {
    const first = hashed(id, hashed(endpoint, 0x811c9dc5));
    const second = hashed(id, hashed(endpoint, 0x9747b28c));
    const bytes = hashed(content, 0x811c9dc5);
    const at = ((first ^ (first >>> 16)) & (places - 1)) * 3;
    const seen = this.#seen;
    const isKnown = seen[at] === first && seen[at + 1] === second;
    const other = isKnown && seen[at + 2] !== bytes;
    seen[at] = first;
    seen[at + 1] = second;
    seen[at + 2] = bytes;
    return other;
  }
}

/** FNV-1a over code units; nothing is refused by it, so nobody gains by a collision. */
function hashed(text: string, start: number): number {
  let hash = start | 0;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
