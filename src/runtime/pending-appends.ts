/** What was handed to the store for senders and is not kept yet: a store that falls behind is not handed more. */
import type { AppendItem } from '../store/store.ts';

/** Nothing was handed to the store: it is behind, or what waits for it is too much. */
export class StoreBehind extends Error {}

export interface PendingBounds {
  /** Bytes of events that are not kept yet. */
  readonly unansweredBytes: number;
  /** The oldest of them may wait so long. */
  readonly unansweredMs: number;
}

/** An event beside its body and attributes. */
const rowBytes = 512;

export class PendingAppends {
  readonly #bounds: PendingBounds;
  readonly #now: () => number;
  /** The first is the oldest. */
  readonly #begun = new Set<{ readonly at: number }>();
  #bytes = 0;

  /** `now`: monotonic milliseconds. */
  constructor(bounds: PendingBounds, now: () => number) {
    this.#bounds = bounds;
    this.#now = now;
  }

  /** Throws `StoreBehind` and calls nothing when the bounds are met. */
  async run<Value>(items: readonly AppendItem[], append: () => Promise<Value>): Promise<Value> {
    let bytes = 0;
    for (const { event } of items) bytes += rowBytes + event.attributes.length + event.body.length;
    const begun = { at: this.#now() };
    const [oldest] = this.#begun;
    if (oldest !== undefined) {
      const { unansweredBytes, unansweredMs } = this.#bounds;
      const waitsMs = begun.at - oldest.at;
      if (waitsMs > unansweredMs) {
        throw new StoreBehind(`an event has waited ${Math.round(waitsMs)} ms for the store to keep it`);
      }
      if (this.#bytes + bytes > unansweredBytes) {
        throw new StoreBehind(`${this.#bytes} bytes of events wait for the store to keep them`);
      }
    }
    this.#begun.add(begun);
    this.#bytes += bytes;
    try {
      return await append();
    } finally {
      this.#begun.delete(begun);
      this.#bytes -= bytes;
    }
  }
}
