/**
 * Shares lookups out among namespaces. The system's resolver holds a thread until slow servers have answered or time is up,
 * and cannot be told to stop: who names slow servers must wait for himself, not before others.
 */

export interface LookupLimits {
  /** At once, of all namespaces. */
  readonly all: number;
  /** At once, of one namespace; more than one only while at least half of all are free. */
  readonly perNamespace: number;
  /** Of one namespace, waiting for their turn. */
  readonly waiting: number;
}

type Job = () => void;

/** Too many lookups of the namespace wait already. */
export class TooManyLookups extends Error {}

/** Runs lookups within the limits; namespaces take turns. Rejects where too many wait already. */
export class LookupShares {
  readonly #limits: LookupLimits;
  /** The namespace whose turn is next comes first. */
  readonly #waiting = new Map<string, Job[]>();
  readonly #running = new Map<string, number>();
  #total = 0;

  constructor(limits: LookupLimits) {
    this.#limits = limits;
  }

  run<T>(namespaceUid: string, lookup: () => Promise<T>): Promise<T> {
    const waiting = this.#waiting.get(namespaceUid) ?? [];
    if (waiting.length >= this.#limits.waiting) {
      return Promise.reject(new TooManyLookups('too many names are being looked up'));
    }
    return new Promise<T>((resolve, reject) => {
      waiting.push(() => {
        this.#count(namespaceUid, 1);
        const settle = (): void => {
          this.#count(namespaceUid, -1);
          this.#start();
        };
        lookup().then(resolve, reject).finally(settle);
      });
      this.#waiting.set(namespaceUid, waiting);
      this.#start();
    });
  }

  #count(namespaceUid: string, by: 1 | -1): void {
    const running = (this.#running.get(namespaceUid) ?? 0) + by;
    if (running === 0) this.#running.delete(namespaceUid);
    else this.#running.set(namespaceUid, running);
    this.#total += by;
  }

  #start(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [namespaceUid, jobs] = next;
      const job = jobs.shift();
      this.#waiting.delete(namespaceUid);
      if (jobs.length > 0) this.#waiting.set(namespaceUid, jobs);
      job?.();
    }
  }

  #next(): [string, Job[]] | undefined {
    const { all, perNamespace } = this.#limits;
    if (this.#total >= all) return undefined;
    const allowed = this.#total < all / 2 ? perNamespace : 1;
    for (const entry of this.#waiting) {
      if ((this.#running.get(entry[0]) ?? 0) < allowed) return entry;
    }
    return undefined;
  }
}
