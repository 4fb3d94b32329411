/**
 * Who is here now, for what comes and goes thousands of times a second. A `Map` or `Set` would do the same, but V8 makes a new
 * table for it now and then, and the old one still points to the new one and to what was in it. Once one of them lies among
 * old objects, all that come after it are kept, with everything that passed through, until the whole heap is collected.
 */

/** What can stand on a roll: on one at a time. */
export interface OnRoll {
  /** Where it stands; belongs to the roll. */
  place: number;
}

export class Roll<Item extends OnRoll> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  has(item: Item): boolean {
    return this.#items[item.place] === item;
  }

  add(item: Item): void {
    if (this.has(item)) return;
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** The last one takes its place. */
  delete(item: Item): void {
    if (!this.has(item)) return;
    const last = this.#items.pop() as Item;
    if (last === item) return;
    this.#items[item.place] = last;
    last.place = item.place;
  }

  /** All who are here now: they may leave meanwhile. */
  all(): readonly Item[] {
    return [...this.#items];
  }
}
