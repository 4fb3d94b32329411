/** Small images side by side in a few large pieces of memory: on its own each would take four times the objects and pages. */
import { smallImage, type Delta } from './image.ts';

const pieceWords = 1 << 18;

/** Images are only added: when many have gone, those that are left move to a new shelf. */
export class ImageShelf {
  #piece = new Int32Array(0);
  #used = 0;

  /** Whether an image belongs here. */
  static takes({ bytes, tail }: Delta): boolean {
    return bytes <= smallImage && tail === undefined;
  }

  /** The same image, lying here. */
  place(delta: Delta): Delta {
    const { runs, from, to, heapEnd, bytes, movesStill } = delta;
    if (this.#used + to - from > this.#piece.length) {
      this.#piece = new Int32Array(pieceWords);
      this.#used = 0;
    }
    const start = this.#used;
    this.#piece.set(runs.subarray(from, to), start);
    this.#used += to - from;
    // Written out, since a copy of what came from another thread would keep members in a list of their own.
    return { runs: this.#piece, from: start, to: this.#used, tail: undefined, heapEnd, bytes, movesStill };
  }
}

/** The image in memory of its own, for other threads. */
export function takeFromShelf(delta: Delta): Delta {
  const { runs, from, to, tail, heapEnd, bytes, movesStill } = delta;
  const own = ImageShelf.takes(delta) ? runs.slice(from, to) : runs;
  return { runs: own, from: 0, to: own.length, tail, heapEnd, bytes, movesStill };
}
