/** Memory images: what differs from the base image, found by comparing and put back by copying. */
import type { BaseImage } from './base-image.ts';
import { heapBase, lowEnd, lowStart, writableStart } from './layout.ts';

/** Memory is compared in pages first, then word by word: a loaded function changes some hundred words in as many places. */
const pageBytes = 1024;
/** Two runs this near are one: a word costs what the head of a run costs. */
const gapWords = 1;
/** A run's head: the index of its first word above, how many words follow below. */
const countBits = 12;
const longestRun = (1 << countBits) - 1;
/** What heads can address. */
export const imageLimit = 4 * 2 ** (32 - countBits);

/** What has to be written over the base image. */
export interface Delta {
  /** Runs of words: each a head, then its words. */
  readonly runs: Int32Array;
  /** The heap beyond the base image's end. */
  readonly tail: Uint8Array | undefined;
  readonly heapEnd: number;
  readonly bytes: number;
}

/** A delta applied: the writable data and the whole heap, for functions called often. */
export interface FlatImage {
  readonly low: Uint8Array;
  readonly heap: Uint8Array;
  readonly heapEnd: number;
}

/** Finds the difference between a memory and the base image; `shared`: other threads may read it too. The constant data is taken for unchanged. */
export function difference(memory: Uint8Array, base: BaseImage, heapEnd: number, use: 'shared' | 'own'): Delta {
  const current = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  const words = new Int32Array(memory.buffer, memory.byteOffset, memory.byteLength >>> 2);
  // First and past-the-last word of each run.
  const found: number[] = [];
  let dirty = 0;
  let last = -1;
  const compare = (image: Uint8Array, imageWords: Int32Array, from: number, start: number): void => {
    const shift = from >>> 2;
    for (let offset = start; offset < image.length; offset += pageBytes) {
      const end = Math.min(offset + pageBytes, image.length);
      if (current.compare(image, offset, end, from + offset, from + end) === 0) continue;
      for (let at = offset >>> 2, stop = end >>> 2; at < stop; at += 1) {
        const word = at + shift;
        if (imageWords[at] === words[word]) continue;
        if (last !== -1 && word - last <= gapWords && word - (found[found.length - 2] ?? 0) < longestRun) {
          dirty += word + 1 - last;
          found[found.length - 1] = word + 1;
        } else {
          dirty += 1;
          found.push(word, word + 1);
        }
        last = word + 1;
      }
    }
  };
  compare(base.low, base.lowWords, lowStart, writableStart - lowStart);
  compare(base.heap, base.heapWords, heapBase, 0);
  const tailBytes = Math.max(0, heapEnd - base.heapEnd);
  const runBytes = (found.length / 2 + dirty) * 4;
  const size = runBytes + tailBytes;
  const store = use === 'shared' ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
  const runs = new Int32Array(store, 0, runBytes >>> 2);
  let to = 0;
  for (let index = 0; index < found.length; index += 2) {
    const begin = found[index] ?? 0;
    const end = found[index + 1] ?? 0;
    runs[to] = (begin << countBits) | (end - begin);
    to += 1;
    for (let word = begin; word < end; word += 1) {
      runs[to] = words[word] ?? 0;
      to += 1;
    }
  }
  let tail: Uint8Array | undefined;
  if (tailBytes > 0) {
    tail = new Uint8Array(store, runBytes);
    tail.set(memory.subarray(base.heapEnd, heapEnd));
  }
  return { runs, tail, heapEnd, bytes: size };
}

/** Writes a delta into a memory that holds the base image. */
export function applyDelta(memory: Uint8Array, memoryWords: Int32Array, base: BaseImage, delta: Delta): void {
  const { runs, tail } = delta;
  for (let from = 0; from < runs.length;) {
    const head = runs[from] ?? 0;
    let to = head >>> countBits;
    from += 1;
    for (const end = from + (head & longestRun); from < end; from += 1) {
      memoryWords[to] = runs[from] ?? 0;
      to += 1;
    }
  }
  if (tail !== undefined) memory.set(tail, base.heapEnd);
}

/** Copies a memory that holds a function image and nothing else. */
export function flatten(memory: Uint8Array, heapEnd: number): FlatImage {
  return { low: memory.slice(writableStart, lowEnd), heap: memory.slice(heapBase, heapEnd), heapEnd };
}

/** Copies the memory of a machine that was just built. Sizes are whole words. */
export function capture(
  memory: Uint8Array,
  heapEnd: number,
): Pick<BaseImage, 'low' | 'lowWords' | 'heap' | 'heapWords' | 'heapEnd'> {
  const end = Math.ceil(heapEnd / 64) * 64;
  if (end > imageLimit) throw new Error(`the base image is larger than ${imageLimit} bytes`);
  const low = memory.slice(lowStart, lowEnd);
  const heap = memory.slice(heapBase, end);
  return {
    low,
    lowWords: new Int32Array(low.buffer),
    heap,
    heapWords: new Int32Array(heap.buffer),
    heapEnd: end,
  };
}
