/**
 * The newest quiet records of each function, under one bound for all: where there are many functions, each keeps its share,
 * and what one calls often does not push out the only record of another.
 */

/** Remembers the shelf of a function: looking for one among ten thousand costs more than all else that is done with a record. */
interface ShelfOwner<Item> {
  shelf: Shelf<Item> | undefined;
}

/** One function's records; full, the next one takes the place of the oldest. */
export interface Shelf<Item> {
  items: Item[];
  /** Whose it is; undefined: it has been emptied, and there is another one, or none. */
  keeper: object | undefined;
  /** Position of the oldest. */
  oldest: number;
}

export class QuietRecords<Item> {
  readonly #shelves = new Map<string, Shelf<Item>>();
  readonly #perFunction: number;
  readonly #max: number;
  #held = 0;
  /** Where the search for a shelf above its share goes on. */
  #search: Iterator<[string, Shelf<Item>]>;

  constructor(perFunction: number, max: number) {
    this.#perFunction = perFunction;
    this.#max = max;
    this.#search = this.#shelves.entries();
  }

  get held(): number {
    return this.#held;
  }

  /** `make` is given what the new one takes the place of, which nobody has any more: it may be used again. */
  add(functionUid: string, make: (replaced: Item | undefined) => Item, owner?: ShelfOwner<Item>): void {
    const shelf = this.#find(functionUid, owner);
    if (shelf === undefined) {
      this.#shelves.set(functionUid, { items: [make(undefined)], oldest: 0, keeper: this });
      this.#hold();
      return;
    }
    const { items } = shelf;
    if (items.length >= this.#share()) {
      items[shelf.oldest] = make(items[shelf.oldest]);
      shelf.oldest = shelf.oldest + 1 === items.length ? 0 : shelf.oldest + 1;
      return;
    }
    if (shelf.oldest !== 0) shelf.items = inOrder(shelf);
    shelf.oldest = 0;
    shelf.items.push(make(undefined));
    this.#hold();
  }

  #find(functionUid: string, owner: ShelfOwner<Item> | undefined): Shelf<Item> | undefined {
    if (owner?.shelf?.keeper === this) return owner.shelf;
    const shelf = this.#shelves.get(functionUid);
    if (owner !== undefined) owner.shelf = shelf;
    return shelf;
  }

  #hold(): void {
    this.#held += 1;
    if (this.#held > this.#max) this.#giveUpOne();
  }

  /** All, each function's in order; none are left. */
  drain(): Item[] {
    const all = [...this.#shelves.values()].flatMap(inOrder);
    for (const shelf of this.#shelves.values()) shelf.keeper = undefined;
    this.#shelves.clear();
    this.#search = this.#shelves.entries();
    this.#held = 0;
    return all;
  }

  #share(): number {
    return Math.min(this.#perFunction, Math.max(1, Math.floor(this.#max / this.#shelves.size)));
  }

  /** The oldest of the next shelf that holds more than its share; of any, where there are more shelves than room. */
  #giveUpOne(): void {
    const share = this.#shelves.size > this.#max ? 0 : this.#share();
    for (let turns = 0; turns < 2;) {
      const next = this.#search.next();
      if (next.done === true) {
        this.#search = this.#shelves.entries();
        turns += 1;
        continue;
      }
      const [functionUid, shelf] = next.value;
      if (shelf.items.length <= share) continue;
      const items = inOrder(shelf);
      items.shift();
      shelf.items = items;
      shelf.oldest = 0;
      this.#held -= 1;
      if (items.length > 0) return;
      shelf.keeper = undefined;
      this.#shelves.delete(functionUid);
      return;
    }
  }
}

function inOrder<Item>({ items, oldest }: Shelf<Item>): Item[] {
  return oldest === 0 ? items : [...items.slice(oldest), ...items.slice(0, oldest)];
}
