/** Bytes that come in pieces: small ones are copied together, or millions of one byte each would take a hundred times what they hold. */

const small = 4 * 1024;
const together = 64 * 1024;

export class GatheredBytes {
  readonly #pieces: Uint8Array[] = [];
  /** The last of the pieces where it has room left. */
  #open: Buffer | undefined;
  #used = 0;
  size = 0;

  /** Of objects that hold them. */
  get pieces(): number {
    return this.#pieces.length + (this.#open === undefined ? 0 : 1);
  }

  add(bytes: Uint8Array): void {
    this.size += bytes.length;
    if (bytes.length > small) {
      this.#close();
      this.#pieces.push(bytes);
      return;
    }
    if (this.#open !== undefined && this.#used + bytes.length > this.#open.length) this.#close();
    // The first small piece may be all there is.
    this.#open ??= Buffer.allocUnsafeSlow(this.size === bytes.length ? small : together);
    this.#open.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  all(): Buffer {
    this.#close();
    return Buffer.concat(this.#pieces, this.size);
  }

  #close(): void {
    if (this.#open !== undefined) this.#pieces.push(this.#open.subarray(0, this.#used));
    this.#open = undefined;
    this.#used = 0;
  }
}
