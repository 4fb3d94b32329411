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
  /** Whose place the next one takes when the shelf is full: one step away, since with many functions each has one. */
  oldest: Item | undefined;
  /** The others in a ring, and where the second oldest stands. */
  others: Item[];
  second: number;
  /** Whose it is; undefined: it has been emptied, and there is another one, or none. */
  keeper: object | undefined;
}

/** Of shelves with one item: never written to. */
const none: never[] = [];

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
      const made: Shelf<Item> = { oldest: make(undefined), others: none, second: 0, keeper: this };
      this.#shelves.set(functionUid, made);
      if (owner !== undefined) owner.shelf = made;
      this.#hold();
      return;
    }
    const { others } = shelf;
    if (others.length + 1 < this.#share()) {
      if (others.length === 0) shelf.others = [make(undefined)];
      else {
        if (shelf.second !== 0) refill(shelf, inOrder(shelf));
        shelf.others.push(make(undefined));
      }
      this.#hold();
      return;
    }
    const newest = make(shelf.oldest);
    if (others.length === 0) {
      shelf.oldest = newest;
      return;
    }
    shelf.oldest = others[shelf.second] as Item;
    others[shelf.second] = newest;
    shelf.second = shelf.second + 1 === others.length ? 0 : shelf.second + 1;
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

  /** Those of the functions that have waited longest, each function's in order, until there are so many. */
  drain(most = Number.POSITIVE_INFINITY): Item[] {
    const drained: Item[] = [];
    for (const [functionUid, shelf] of this.#shelves) {
      if (drained.length >= most) break;
      drained.push(...inOrder(shelf));
      this.#forget(functionUid, shelf);
    }
    this.#held -= drained.length;
    return drained;
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
      if (shelf.others.length + 1 <= share) continue;
      this.#held -= 1;
      if (shelf.others.length > 0) {
        refill(shelf, inOrder(shelf).slice(1));
        return;
      }
      this.#forget(functionUid, shelf);
      return;
    }
  }

  /** Its owner may remember it for long: it keeps no record alive. */
  #forget(functionUid: string, shelf: Shelf<Item>): void {
    this.#shelves.delete(functionUid);
    shelf.keeper = undefined;
    shelf.oldest = undefined;
    shelf.others = none;
  }
}

function inOrder<Item>({ oldest, others, second }: Shelf<Item>): Item[] {
  return [oldest as Item, ...others.slice(second), ...others.slice(0, second)];
}

function refill<Item>(shelf: Shelf<Item>, [oldest, ...others]: readonly Item[]): void {
  shelf.oldest = oldest as Item;
  shelf.others = others;
  shelf.second = 0;
}
