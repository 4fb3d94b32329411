/** A bucket of tokens: so many a second on average, so many at once. */

export class RateBucket {
  readonly #perMs: number;
  readonly #most: number;
  readonly #now: () => number;
  #left: number;
  #filledAt: number;

  /** `now`: monotonic milliseconds. */
  constructor(perSecond: number, burst: number, now: () => number) {
    this.#perMs = perSecond / 1000;
    this.#most = burst;
    this.#now = now;
    this.#left = burst;
    this.#filledAt = now();
  }

  /** False: there are not so many left; nothing is taken then. */
  take(count: number): boolean {
    const now = this.#now();
    this.#left = Math.min(this.#most, this.#left + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }
}
