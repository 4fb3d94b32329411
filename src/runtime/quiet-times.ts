/** When the first event of a burst came: what `maxWait` of a debounce is measured from. */

const maxKeys = 10_000;

export class QuietTimes {
  readonly #first = new Map<string, { readonly at: number; until: number }>();
  readonly #now: () => number;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How long an event of this key waits for quiet: `waitMs`, and less once the burst has gone on for long. */
  delay(key: string, waitMs: number, maxWaitMs: number | undefined): number {
    const now = this.#now();
    const burst = this.#first.get(key);
    const running = burst !== undefined && burst.until > now;
    const began = running ? burst.at : now;
    const delay = maxWaitMs === undefined ? waitMs : Math.max(0, Math.min(waitMs, began + maxWaitMs - now));
    if (running) burst.until = now + delay;
    else {
      this.#first.delete(key);
      if (this.#first.size >= maxKeys) this.#forgetOldest();
      this.#first.set(key, { at: now, until: now + delay });
    }
    return delay;
  }

  #forgetOldest(): void {
    const [oldest] = this.#first.keys();
    if (oldest !== undefined) this.#first.delete(oldest);
  }
}
