/**
 * Delivery ids in memory in order of arrival: what happened to them lies in one row of bytes, as it is written to disk, and
 * an index says where each key stands in it. Objects for each would be copied by the collector again and again.
 */

/** As `write` found it. */
export interface BufferedKey {
  readonly event: string;
  readonly endpoint: number;
  readonly expires: number;
  readonly windowMs: number;
}

/** What one step of a buffer was, for whoever goes through its bytes. */
export type KeyStep =
  | { readonly kind: 'added'; readonly key: Uint8Array; readonly entry: BufferedKey }
  | { readonly kind: 'removed'; readonly key: Uint8Array }
  /** What came before is only read from now on, and leaves in the order of its keys. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'left'; readonly count: number };

const kinds = { added: 1, removed: 2, closed: 3, left: 4 } as const;
const keyBytes = 16;
/** Kind, key, endpoint, end of the window, window, length of the event's id. */
const entryHead = 1 + keyBytes + 4 + 8 + 8 + 4;
/** In the index: a key that stood here has gone. Places are kept two higher than they are. */
const goneSlot = 1;
/** Keys in the order of their first 32 bits: as many fit beside them into a number. */
const mostOrdered = 2 ** 21;

export class KeyBuffer {
  #bytes = Buffer.allocUnsafeSlow(8192);
  #length = 0;
  #slots = new Uint32Array(256);
  #slotsTaken = 0;
  #added = 0;
  #live = 0;

  /** Bytes written. */
  get length(): number {
    return this.#length;
  }

  /** Keys that were ever added. */
  get added(): number {
    return this.#added;
  }

  /** Keys that are there. */
  get live(): number {
    return this.#live;
  }

  bytesFrom(from: number): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  /** A key that is not there; answers its place. */
  add(key: Uint8Array, { event, endpoint, expires, windowMs }: BufferedKey): number {
    const place = this.#room(entryHead + 3 * event.length, kinds.added);
    const bytes = this.#bytes;
    bytes.set(key, place + 1);
    bytes.writeUInt32LE(endpoint, place + 17);
    bytes.writeDoubleLE(expires, place + 21);
    bytes.writeDoubleLE(windowMs, place + 29);
    const length = bytes.write(event, place + entryHead);
    bytes.writeUInt32LE(length, place + 37);
    this.#length = place + entryHead + length;
    this.#added += 1;
    this.index(place);
    return place;
  }

  /** Takes back the last `add`. */
  undo(place: number): void {
    this.forget(place);
    this.#added -= 1;
    this.#length = place;
  }

  noteRemoved(key: Uint8Array): void {
    const place = this.#room(1 + keyBytes, kinds.removed);
    this.#bytes.set(key, place + 1);
    this.#length = place + 1 + keyBytes;
  }

  noteClosed(): void {
    this.#length = this.#room(1, kinds.closed) + 1;
  }

  noteLeft(count: number): void {
    const place = this.#room(5, kinds.left);
    this.#bytes.writeUInt32LE(count, place + 1);
    this.#length = place + 5;
  }

  /** Takes back what was noted since. */
  cutTo(length: number): void {
    this.#length = length;
  }

  /** Where the key stands; -1: nowhere. */
  find(key: Uint8Array): number {
    const slots = this.#slots;
    for (let at = hashOf(key, 0) & (slots.length - 1); ; at = (at + 1) & (slots.length - 1)) {
      const found = slots[at] as number;
      if (found === 0) return -1;
      if (found !== goneSlot && this.#isAt(found - 2, key)) return found - 2;
    }
  }

  keyAt(place: number): Uint8Array {
    return this.#bytes.subarray(place + 1, place + 1 + keyBytes);
  }

  entryAt(place: number): BufferedKey {
    const bytes = this.#bytes;
    const from = place + entryHead;
    return {
      event: bytes.toString('utf8', from, from + bytes.readUInt32LE(place + 37)),
      endpoint: this.endpointAt(place),
      expires: this.expiresAt(place),
      windowMs: bytes.readDoubleLE(place + 29),
    };
  }

  endpointAt(place: number): number {
    return this.#bytes.readUInt32LE(place + 17);
  }

  expiresAt(place: number): number {
    return this.#bytes.readDoubleLE(place + 21);
  }

  /** The key of this place is there. */
  index(place: number): void {
    if (2 * this.#slotsTaken >= this.#slots.length) this.#rebuild();
    const slots = this.#slots;
    let at = hashOf(this.#bytes, place + 1) & (slots.length - 1);
    while ((slots[at] as number) > goneSlot) at = (at + 1) & (slots.length - 1);
    if (slots[at] === 0) this.#slotsTaken += 1;
    slots[at] = place + 2;
    this.#live += 1;
  }

  /** The key of this place is not there any more. */
  forget(place: number): void {
    const slots = this.#slots;
    for (let at = hashOf(this.#bytes, place + 1) & (slots.length - 1); ; at = (at + 1) & (slots.length - 1)) {
      const found = slots[at] as number;
      if (found === 0) return;
      if (found !== place + 2) continue;
      slots[at] = goneSlot;
      this.#live -= 1;
      return;
    }
  }

  /** Places of the keys that are there, oldest first. */
  places(): Uint32Array {
    const places = new Uint32Array(this.#live);
    let count = 0;
    for (const slot of this.#slots) if (slot > goneSlot) places[count++] = slot - 2;
    return places.sort();
  }

  /** Places of the keys that are there, in the order of their keys. */
  placesByKey(): Uint32Array {
    const places = this.places();
    if (places.length > mostOrdered) throw new Error(`${places.length} delivery ids are too many to put in order`);
    // Loops: what `from` does with a function for each key takes three times as long.
    const ranks = new Float64Array(places.length);
    for (let index = 0; index < places.length; index += 1)
      ranks[index] = this.#bytes.readUInt32BE((places[index] as number) + 1) * mostOrdered + index;
    ranks.sort();
    const ordered = new Uint32Array(places.length);
    for (let index = 0; index < places.length; index += 1)
      ordered[index] = places[(ranks[index] as number) % mostOrdered] as number;
    return ordered;
  }

  /** Room for a step of so many bytes; answers where it begins. */
  #room(bytes: number, kind: number): number {
    const needed = this.#length + bytes;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#bytes[this.#length] = kind;
    return this.#length;
  }

  #isAt(place: number, key: Uint8Array): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < keyBytes; index += 1) if (bytes[place + 1 + index] !== key[index]) return false;
    return true;
  }

  #rebuild(): void {
    const places = this.places();
    let size = this.#slots.length;
    while (size < 4 * places.length) size *= 2;
    this.#slots = new Uint32Array(size);
    this.#slotsTaken = 0;
    this.#live = 0;
    for (const place of places) this.index(place);
  }
}

/** What the bytes of buffers say, in order. */
export function* readSteps(written: Uint8Array): Generator<KeyStep> {
  const bytes = Buffer.from(written.buffer, written.byteOffset, written.byteLength);
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at];
    const key = bytes.subarray(at + 1, at + 1 + keyBytes);
    if (kind === kinds.added) {
      const until = at + entryHead + bytes.readUInt32LE(at + 37);
      const entry = {
        event: bytes.toString('utf8', at + entryHead, until),
        endpoint: bytes.readUInt32LE(at + 17),
        expires: bytes.readDoubleLE(at + 21),
        windowMs: bytes.readDoubleLE(at + 29),
      };
      yield { kind: 'added', key, entry };
      at = until;
    } else if (kind === kinds.removed) {
      yield { kind: 'removed', key };
      at += 1 + keyBytes;
    } else if (kind === kinds.closed) {
      yield { kind: 'closed' };
      at += 1;
    } else if (kind === kinds.left) {
      yield { kind: 'left', count: bytes.readUInt32LE(at + 1) };
      at += 5;
    } else throw new Error(`the log of delivery ids has a step ${kind} that nobody knows`);
  }
}

/** Keys are hashes; filters use the first eight bytes. */
function hashOf(bytes: Uint8Array, from: number): number {
  return (
    (bytes[from + 8] as number) |
    ((bytes[from + 9] as number) << 8) |
    ((bytes[from + 10] as number) << 16) |
    ((bytes[from + 11] as number) << 24)
  );
}
