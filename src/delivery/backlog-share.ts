/**
 * How much of a worker's time a backlog gets while synchronous calls come: what is left, and never less than a floor. The
 * end of each pause tells what a call that comes now waits: where it is late the share is halved, otherwise it grows.
 */

/** A million rows still drain: at 0.1 ms each these are 1,000 a second. */
const leastShare = 0.1;
const mostShare = 0.5;
const growth = 0.001;
/** Timers are up to a millisecond late by themselves. */
const lateMs = 2;
/** One piece of work may take long: what comes after it does not wait for as long as its share would mean. */
const longestRestMs = 50;

export class BacklogShare {
  #share = mostShare / 2;

  /** The pause after so much work. */
  rest(workedMs: number): number {
    return Math.min(longestRestMs, Math.max(1, Math.round((workedMs * (1 - this.#share)) / this.#share)));
  }

  /** A pause ended so much later than it was to. */
  rested(lateByMs: number): void {
    this.#share = lateByMs > lateMs ? Math.max(leastShare, this.#share / 2) : Math.min(mostShare, this.#share + growth);
  }

  get share(): number {
    return this.#share;
  }
}
