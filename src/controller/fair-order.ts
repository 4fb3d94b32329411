/**
 * In which order waiting statuses are written: mostly the newest first, so that whoever edits one function does not wait for
 * the ten thousand that were made before, and each fourth time the oldest, so that nobody waits for ever.
 */
export class FairOrder {
  /** When each was added last, the longest ago first. */
  readonly #waiting = new Map<string, number>();
  /** The newest last; what was taken or added again since is passed over. */
  #newest: { readonly key: string; readonly at: number }[] = [];
  #count = 0;
  #taken = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** One that waits already is the newest again. */
  add(key: string): void {
    this.#count += 1;
    this.#waiting.delete(key);
    this.#waiting.set(key, this.#count);
    this.#newest.push({ key, at: this.#count });
    // What is passed over must not pile up.
    if (this.#newest.length > 2 * this.#waiting.size + leastPile) {
      this.#newest = Array.from(this.#waiting, ([waiting, at]) => ({ key: waiting, at }));
    }
  }

  /** The next one; undefined: none waits. */
  take(): string | undefined {
    if (this.#waiting.size === 0) return undefined;
    this.#taken += 1;
    const key = this.#taken % oldestEach === 0 ? this.#oldest() : this.#newestWaiting();
    if (key !== undefined) this.#waiting.delete(key);
    return key;
  }

  #oldest(): string | undefined {
    return this.#waiting.keys().next().value;
  }

  #newestWaiting(): string | undefined {
    for (;;) {
      const last = this.#newest.pop();
      if (last === undefined || this.#waiting.get(last.key) === last.at) return last?.key;
    }
  }
}

const oldestEach = 4;
const leastPile = 64;
