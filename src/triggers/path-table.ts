/**
 * Values by their text, for texts that are asked for once among ten thousand others: what lies between a text and its value
 * is in no cache then, and a Map has three such steps. Not complete: a value whose places are all taken is not kept.
 */

interface Texted {
  readonly text: string;
}

/** One, or several that have the same text. */
type OneOrAll<Item extends Texted> = Item | readonly Item[];

/** So many places next to each other are looked at. */
const looks = 12;
const leastPlaces = 16;
/** Of longer texts the end is hashed: who is crowded out is found as if there were no table. */
const hashed = 32;

export class PathTable<Item extends Texted> {
  #hashes = new Int32Array(leastPlaces);
  #values: (OneOrAll<Item> | undefined)[] = emptyPlaces(leastPlaces);
  #count = 0;

  get(text: string): OneOrAll<Item> | undefined {
    const at = this.#find(text);
    return at === -1 ? undefined : this.#values[at];
  }

  #find(text: string): number {
    const hash = hashOf(text);
    const [hashes, values] = [this.#hashes, this.#values];
    const mask = hashes.length - 1;
    for (let look = 0; look < looks; look += 1) {
      const at = (hash + look) & mask;
      if (hashes[at] !== hash) continue;
      const value = values[at];
      if (value !== undefined && textOf(value) === text) return at;
    }
    return -1;
  }

  /** In place of what has the same text. */
  set(value: OneOrAll<Item>): void {
    this.delete(textOf(value));
    if ((this.#count + 1) * 2 > this.#values.length) this.#grow();
    this.#put(value);
  }

  /** Answers what stood there. */
  delete(text: string): OneOrAll<Item> | undefined {
    const at = this.#find(text);
    if (at === -1) return undefined;
    const value = this.#values[at];
    this.#values[at] = undefined;
    this.#count -= 1;
    return value;
  }

  #put(value: OneOrAll<Item>): void {
    const hash = hashOf(textOf(value));
    const mask = this.#hashes.length - 1;
    for (let look = 0; look < looks; look += 1) {
      const at = (hash + look) & mask;
      if (this.#values[at] !== undefined) continue;
      this.#values[at] = value;
      this.#hashes[at] = hash;
      this.#count += 1;
      return;
    }
  }

  #grow(): void {
    const before = this.#values;
    this.#hashes = new Int32Array(before.length * 2);
    this.#values = emptyPlaces(before.length * 2);
    this.#count = 0;
    for (const value of before) if (value !== undefined) this.#put(value);
  }
}

function emptyPlaces(length: number): undefined[] {
  return Array.from({ length }, () => undefined);
}

function textOf(value: OneOrAll<Texted>): string {
  return 'text' in value ? value.text : (value[0]?.text ?? '');
}

function hashOf(text: string): number {
  let hash = text.length;
  for (let at = Math.max(0, text.length - hashed); at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
