/** Memory images: what differs from an image that is common to all, found by comparing and put back by copying. */
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

/** Memory that others are a difference over: the writable and constant data, and the heap. */
export interface Ground {
  readonly low: Uint8Array;
  readonly lowWords: Int32Array;
  readonly heap: Uint8Array;
  readonly heapWords: Int32Array;
  /** End of the heap in the image, rounded up to whole blocks. */
  readonly heapEnd: number;
  /** Room to gather a difference in. */
  readonly found: Int32Array;
}

/** What has to be written over the ground. */
export interface Delta {
  /** Runs of words: each a head, then its words. */
  readonly runs: Int32Array;
  /** The heap beyond the ground's end. */
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

/**
 * Finds the difference between a memory and the ground; `shared`: kept long and read by other threads, so word
 * by word; `own`: kept while a call waits, so in blocks, which is quicker. The constant data is taken for unchanged.
 */
export function difference(memory: Uint8Array, ground: Ground, heapEnd: number, use: 'shared' | 'own'): Delta {
  const current = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  const words = new Int32Array(memory.buffer, memory.byteOffset, memory.byteLength >>> 2);
  const { low, lowWords, heap, heapWords, found } = ground;
  const whole = use === 'own';
  const lowLength = compare(current, words, low, lowWords, lowStart, writableStart - lowStart, found, 0, whole);
  const length = compare(current, words, heap, heapWords, heapBase, 0, found, lowLength, whole);
  const tailBytes = Math.max(0, heapEnd - ground.heapEnd);
  const size = length * 4 + tailBytes;
  const store = use === 'shared' ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
  const runs = new Int32Array(store, 0, length);
  runs.set(found.subarray(0, length));
  let tail: Uint8Array | undefined;
  if (tailBytes > 0) {
    tail = new Uint8Array(store, length * 4);
    tail.set(memory.subarray(ground.heapEnd, heapEnd));
  }
  return { runs, tail, heapEnd, bytes: size };
}

/** Eight words at once: in a changed page most are as they were. Regions are whole blocks. */
function isEqualBlock(words: Int32Array, word: number, imageWords: Int32Array, at: number): boolean {
  const differing =
    ((words[word] ?? 0) ^ (imageWords[at] ?? 0)) |
    ((words[word + 1] ?? 0) ^ (imageWords[at + 1] ?? 0)) |
    ((words[word + 2] ?? 0) ^ (imageWords[at + 2] ?? 0)) |
    ((words[word + 3] ?? 0) ^ (imageWords[at + 3] ?? 0)) |
    ((words[word + 4] ?? 0) ^ (imageWords[at + 4] ?? 0)) |
    ((words[word + 5] ?? 0) ^ (imageWords[at + 5] ?? 0)) |
    ((words[word + 6] ?? 0) ^ (imageWords[at + 6] ?? 0)) |
    ((words[word + 7] ?? 0) ^ (imageWords[at + 7] ?? 0));
  return differing === 0;
}

/** Writes the runs of one region into `found` from `length` on; gives the new length. */
function compare(
  current: Buffer,
  words: Int32Array,
  image: Uint8Array,
  imageWords: Int32Array,
  from: number,
  start: number,
  found: Int32Array,
  length: number,
  whole: boolean,
): number {
  const shift = from >>> 2;
  let to = length;
  // Where the last run's head is, and the words from its first to past its last.
  let [head, first, last] = [0, 0, -longestRun];
  for (let offset = start; offset < image.length; offset += pageBytes) {
    const end = Math.min(offset + pageBytes, image.length);
    if (current.compare(image, offset, end, from + offset, from + end) === 0) continue;
    for (let block = offset >>> 2, stop = end >>> 2; block < stop; block += 8) {
      if (isEqualBlock(words, block + shift, imageWords, block)) continue;
      if (whole) {
        const word = block + shift;
        if (word !== last || word - first > longestRun - 8) {
          head = to++;
          first = word;
        }
        for (let at = word; at < word + 8; at += 1) found[to++] = words[at] ?? 0;
        last = word + 8;
        found[head] = (first << countBits) | (last - first);
        continue;
      }
      for (let at = block; at < block + 8; at += 1) {
        const word = at + shift;
        const value = words[word] ?? 0;
        if (imageWords[at] === value) continue;
        if (word - last <= gapWords && word - first < longestRun) {
          for (; last < word; last += 1) found[to++] = words[last] ?? 0;
        } else {
          head = to++;
          first = word;
        }
        found[to++] = value;
        last = word + 1;
        found[head] = (first << countBits) | (last - first);
      }
    }
  }
  return to;
}

/** Writes a delta into a memory that holds the ground. */
export function applyDelta(memory: Uint8Array, memoryWords: Int32Array, ground: Ground, delta: Delta): void {
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
  if (tail !== undefined) memory.set(tail, ground.heapEnd);
}

/** Copies a memory that holds a function image and nothing else. */
export function flatten(memory: Uint8Array, heapEnd: number): FlatImage {
  return { low: memory.slice(writableStart, lowEnd), heap: memory.slice(heapBase, heapEnd), heapEnd };
}

/** Copies the memory of a machine that was just built. Sizes are whole words. */
export function capture(memory: Uint8Array, heapEnd: number): Ground {
  const end = Math.ceil(heapEnd / 64) * 64;
  if (end > imageLimit) throw new Error(`an image is larger than ${imageLimit} bytes`);
  const low = memory.slice(lowStart, lowEnd);
  const heap = memory.slice(heapBase, end);
  return {
    low,
    lowWords: new Int32Array(low.buffer),
    heap,
    heapWords: new Int32Array(heap.buffer),
    heapEnd: end,
    // All words in runs of the longest kind are the most there can be.
    found: new Int32Array(((low.length + heap.length) >>> 2) + 64),
  };
}
