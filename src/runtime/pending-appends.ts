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
/** Those at the front that have ended are taken out of the list when there are so many. */
const mostEnded = 256;

/** What was begun together. */
interface Begun {
  readonly at: number;
  readonly bytes: number;
  ended: boolean;
}

export class PendingAppends {
  readonly #bounds: PendingBounds;
  readonly #now: () => number;
  /** In order of time; behind `#first`, nearly all are pending. A set that changes so often would be made anew again and again. */
  #begun: Begun[] = [];
  #first = 0;
  #bytes = 0;

  /** `now`: monotonic milliseconds. */
  constructor(bounds: PendingBounds, now: () => number) {
    this.#bounds = bounds;
    this.#now = now;
  }

  /** To be ended when the store has answered. Throws `StoreBehind`, and nothing has begun, when the bounds are met. */
  begin(items: readonly AppendItem[]): Begun {
    let bytes = 0;
    for (const { event } of items) bytes += rowBytes + event.attributes.length + event.body.length;
    const at = this.#now();
    const oldest = this.#begun[this.#first];
    if (oldest !== undefined) {
      const { unansweredBytes, unansweredMs } = this.#bounds;
      const waitsMs = at - oldest.at;
      if (waitsMs > unansweredMs) {
        throw new StoreBehind(`an event has waited ${Math.round(waitsMs)} ms for the store to keep it`);
      }
      if (this.#bytes + bytes > unansweredBytes) {
        throw new StoreBehind(`${this.#bytes} bytes of events wait for the store to keep them`);
      }
    }
    const begun = { at, bytes, ended: false };
    this.#begun.push(begun);
    this.#bytes += bytes;
    return begun;
  }

  end(begun: Begun): void {
    if (begun.ended) return;
    begun.ended = true;
    this.#bytes -= begun.bytes;
    while (this.#begun[this.#first]?.ended === true) this.#first += 1;
    if (this.#first === this.#begun.length) {
      this.#begun = [];
      this.#first = 0;
    } else if (this.#first >= mostEnded) {
      this.#begun = this.#begun.slice(this.#first);
      this.#first = 0;
    }
  }
}
