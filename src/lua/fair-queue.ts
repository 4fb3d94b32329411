/** A queue in which namespaces take turns, then the functions of a namespace, then the calls of a function. */

/** Whose turn an item takes. */
export interface Owner {
  readonly namespaceUid: string;
  readonly revision: string;
}

const anyone = (): boolean => true;

/** Who has many items waits for itself, not before others. */
export class FairQueue<Item> {
  readonly #namespaces = new Map<string, Map<string, Item[]>>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push({ namespaceUid, revision }: Owner, item: Item): void {
    let functions = this.#namespaces.get(namespaceUid);
    if (functions === undefined) this.#namespaces.set(namespaceUid, (functions = new Map()));
    const items = functions.get(revision);
    if (items === undefined) functions.set(revision, [item]);
    else items.push(item);
    this.#length += 1;
  }

  /** Whose turn it is, among those who may have it. */
  next(may: (owner: Owner) => boolean = anyone): Owner | undefined {
    for (const [namespaceUid, functions] of this.#namespaces) {
      for (const revision of functions.keys()) {
        const owner = { namespaceUid, revision };
        if (may(owner)) return owner;
      }
    }
    return undefined;
  }

  /** The first item of the owner whose turn it is; then its function and its namespace go to the end of their rows. */
  take({ namespaceUid, revision }: Owner): Item | undefined {
    const functions = this.#namespaces.get(namespaceUid);
    const items = functions?.get(revision);
    if (functions === undefined || items === undefined) return undefined;
    const item = items.shift();
    this.#length -= 1;
    functions.delete(revision);
    if (items.length > 0) functions.set(revision, items);
    this.#namespaces.delete(namespaceUid);
    if (functions.size > 0) this.#namespaces.set(namespaceUid, functions);
    return item;
  }

  /** Takes out the first item of an owner that is meant; undefined: there is none. */
  remove({ namespaceUid, revision }: Owner, isMeant: (item: Item) => boolean): Item | undefined {
    const functions = this.#namespaces.get(namespaceUid);
    const items = functions?.get(revision);
    const index = items?.findIndex(isMeant) ?? -1;
    if (functions === undefined || items === undefined || index < 0) return undefined;
    const [item] = items.splice(index, 1);
    this.#length -= 1;
    if (items.length === 0) functions.delete(revision);
    if (functions.size === 0) this.#namespaces.delete(namespaceUid);
    return item;
  }
}
