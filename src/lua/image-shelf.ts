/** Small images side by side in a few large pieces of memory: on its own each would take four times the objects and pages. */
import { wholeRuns } from './image-families.ts';
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
    const { runs, from, to, under, heapEnd, bytes, movesStill } = delta;
    if (this.#used + to - from > this.#piece.length) {
      this.#piece = new Int32Array(pieceWords);
      this.#used = 0;
    }
    const start = this.#used;
    this.#piece.set(runs.subarray(from, to), start);
    this.#used += to - from;
    // Written out, since a copy of what came from another thread would keep members in a list of their own.
    return { runs: this.#piece, from: start, to: this.#used, under, tail: undefined, heapEnd, bytes, movesStill };
  }
}

/** The image in memory of its own, for other threads. */
export function takeFromShelf(delta: Delta): Delta {
  const { tail, heapEnd, bytes, movesStill } = delta;
  const small = ImageShelf.takes(delta);
  const runs = small ? wholeRuns(delta) : delta.runs;
  return {
    runs,
    from: 0,
    to: runs.length,
    under: undefined,
    tail,
    heapEnd,
    bytes: small ? runs.byteLength : bytes,
    movesStill,
  };
}
