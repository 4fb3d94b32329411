/**
 * Whether a key may be among many: a Bloom filter whose bits for one key lie in one word, so that asking is one read of
 * memory. Keys are hashes already. At one key a word one of some eight hundred strangers is taken for a known one, at two, as
 * older filters have, one of some two hundred.
 */

const keysPerWord = 1;

export class KeyFilter {
  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  /** Empty, for so many keys. */
  static for(keys: number): KeyFilter {
    let words = 16;
    while (words * keysPerWord < keys) words *= 2;
    return new KeyFilter(new Uint32Array(words));
  }

  /** As `bytes` gave it. */
  static of(bytes: Uint8Array): KeyFilter {
    const words = new Uint32Array(bytes.length / 4);
    new Uint8Array(words.buffer).set(bytes);
    return new KeyFilter(words);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer);
  }

  add(place: number, bits: number): void {
    const at = place & (this.#words.length - 1);
    this.#words[at] = (this.#words[at] as number) | bits;
  }

  mayHold(place: number, bits: number): boolean {
    return ((this.#words[place & (this.#words.length - 1)] as number) & bits) === bits;
  }

  /** The same, half as large as long as there is room for so many keys. */
  shrunkTo(keys: number): KeyFilter {
    let words = this.#words;
    while (words.length > 16 && (words.length / 2) * keysPerWord >= keys) {
      const half = words.length / 2;
      const folded = words.slice(0, half);
      for (let at = 0; at < half; at += 1) folded[at] = (folded[at] as number) | (words[half + at] as number);
      words = folded;
    }
    return new KeyFilter(words);
  }
}

/** Where a key's bits lie. */
export function placeOf(key: Uint8Array): number {
  return (key[0] as number) | ((key[1] as number) << 8) | ((key[2] as number) << 16) | ((key[3] as number) << 24);
}

/** The bits of a key, five at most. */
export function bitsOf(key: Uint8Array): number {
  const hash = (key[4] as number) | ((key[5] as number) << 8) | ((key[6] as number) << 16) | ((key[7] as number) << 24);
  // Five bits choose one of 32: a shift takes no more of its right side.
  return (1 << hash) | (1 << (hash >>> 5)) | (1 << (hash >>> 10)) | (1 << (hash >>> 15)) | (1 << (hash >>> 20));
}
