/** Memory images: what differs from an image that is common to all, found by comparing and put back by copying. */
import type { LuaExports } from './instance.ts';
import { heapBase, lowEnd, lowStart, pageBytes, stillStart, writableStart } from './layout.ts';

/** Memory is compared in stretches first, then word by word: a loaded function changes some hundred words in as many places. */
const stretchBytes = 1024;
/** What is compared inside WebAssembly is whole blocks. */
const blockBytes = 64;
/** Two runs this near are one: a word costs what the head of a run costs. */
const gapWords = 1;
/** A run's head: the index of its first word above, how many words follow below. */
export const countBits = 12;
export const longestRun = (1 << countBits) - 1;
/** Up to here a copy for each thread takes less than what a thread needs to know of memory that is shared. */
export const smallImage = 2048;
/** What heads can address. */
export const imageLimit = 4 * 2 ** (32 - countBits);

/** The memory of a machine that was just built: the writable and constant data, and the heap. */
export interface Capture {
  readonly low: Uint8Array;
  readonly still: Uint8Array;
  readonly heap: Uint8Array;
  /** End of the heap in the image, rounded up to whole blocks. */
  readonly heapEnd: number;
}

/** Memory that others are a difference over. It lies in a memory of WebAssembly that Lua cannot reach. */
export interface Ground extends Capture {
  /** The parts of `low`. */
  readonly constants: Uint8Array;
  readonly writable: Uint8Array;
  readonly lowWords: Int32Array;
  readonly stillWords: Int32Array;
  readonly heapWords: Int32Array;
  readonly images: WebAssembly.Memory;
  /** Room to gather a difference in, a part of the same memory. */
  readonly found: Int32Array;
}

/** The ground with what several images have in common; what stands still is the ground's. */
export interface CommonImage {
  readonly writable: Uint8Array;
  readonly heap: Uint8Array;
  /** What differs from the ground. */
  readonly runs: Int32Array;
}

/** What has to be written over the ground. */
export interface Delta {
  /** Runs of words: each a head, then its words. They lie here, beside those of other images where they are few. */
  readonly runs: Int32Array;
  readonly from: number;
  readonly to: number;
  /** What it is a difference over in place of the ground. */
  readonly under: CommonImage | undefined;
  /** The heap beyond the ground's end. */
  readonly tail: Uint8Array | undefined;
  readonly heapEnd: number;
  readonly bytes: number;
  /** Something that stands still in the ground is another here, or the collector is at work. */
  readonly movesStill: boolean;
}

/** A delta applied: the writable data and the whole heap, for functions called often. */
export interface FlatImage {
  readonly writable: Uint8Array;
  /** Of most functions the ground's own. */
  readonly still: Uint8Array;
  readonly heap: Uint8Array;
  readonly heapEnd: number;
}

/**
 * Finds the difference between a memory and the ground, word by word: it is kept long and read by other threads. The
 * constant data is taken for unchanged.
 */
export function difference(memory: Uint8Array, ground: Ground, heapEnd: number): Delta {
  const current = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  const words = new Int32Array(memory.buffer, memory.byteOffset, memory.byteLength >>> 2);
  const { low, lowWords, still, stillWords, heap, heapWords, found } = ground;
  let length = compare(current, words, low, lowWords, lowStart, writableStart - lowStart, found, 0);
  const before = length;
  length = compare(current, words, still, stillWords, stillStart, 0, found, length);
  const movesStill = length > before;
  length = compare(current, words, heap, heapWords, heapBase, 0, found, length);
  const size = length * 4 + Math.max(0, heapEnd - ground.heapEnd);
  const store = size <= smallImage ? new ArrayBuffer(size) : new SharedArrayBuffer(size);
  return delta(store, found.subarray(0, length), memory, ground, heapEnd, movesStill);
}

/** The same while a call waits: in blocks of 16 bytes, compared inside WebAssembly, which is quicker. */
export function differenceInBlocks(exports: LuaExports, memory: Uint8Array, ground: Ground, heapEnd: number): Delta {
  const { low, still, heap, found } = ground;
  const start = writableStart - lowStart;
  let end = exports.mh_difference(writableStart, low.byteOffset + start, low.length - start, found.byteOffset);
  end = exports.mh_difference(stillStart, still.byteOffset, still.length, end);
  end = exports.mh_difference(heapBase, heap.byteOffset, heap.length, end);
  const bytes = end - found.byteOffset;
  const size = bytes + Math.max(0, heapEnd - ground.heapEnd);
  return delta(new ArrayBuffer(size), found.subarray(0, bytes >>> 2), memory, ground, heapEnd, true);
}

/** `store` has room for the runs and what lies beyond the ground's end. */
function delta(
  store: ArrayBuffer | SharedArrayBuffer,
  found: Int32Array,
  memory: Uint8Array,
  ground: Ground,
  heapEnd: number,
  movesStill: boolean,
): Delta {
  const runs = new Int32Array(store, 0, found.length);
  runs.set(found);
  const bytes = store.byteLength;
  const all = { runs, from: 0, to: runs.length, under: undefined, heapEnd, bytes, movesStill };
  if (heapEnd <= ground.heapEnd) return { ...all, tail: undefined };
  const tail = new Uint8Array(store, found.byteLength);
  tail.set(memory.subarray(ground.heapEnd, heapEnd));
  return { ...all, tail };
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
): number {
  const shift = from >>> 2;
  let to = length;
  // Where the last run's head is, and the words from its first to past its last.
  let [head, first, last] = [0, 0, -longestRun];
  for (let offset = start; offset < image.length; offset += stretchBytes) {
    const end = Math.min(offset + stretchBytes, image.length);
    if (current.compare(image, offset, end, from + offset, from + end) === 0) continue;
    for (let block = offset >>> 2, stop = end >>> 2; block < stop; block += 8) {
      if (isEqualBlock(words, block + shift, imageWords, block)) continue;
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

/** Writes a delta into a memory that holds the ground, or what is `under` it. */
export function applyDelta(
  memory: Uint8Array,
  memoryWords: Int32Array,
  ground: Pick<Ground, 'heapEnd'>,
  delta: Delta,
): void {
  const { runs, from, to, tail } = delta;
  for (let at = from; at < to;) {
    const head = runs[at] ?? 0;
    let word = head >>> countBits;
    at += 1;
    for (const end = at + (head & longestRun); at < end; at += 1) {
      memoryWords[word] = runs[at] ?? 0;
      word += 1;
    }
  }
  if (tail !== undefined) memory.set(tail, ground.heapEnd);
}

/** Copies a memory that holds a function image and nothing else. */
export function flatten(memory: Uint8Array, ground: Ground, heapEnd: number): FlatImage {
  const still = memory.subarray(stillStart, stillStart + ground.still.length);
  return {
    writable: memory.slice(writableStart, lowEnd),
    still: Buffer.compare(still, ground.still) === 0 ? ground.still : still.slice(),
    heap: memory.slice(heapBase, heapEnd),
    heapEnd,
  };
}

/** Copies the memory of a machine that was just built. Sizes are whole blocks. */
export function capture(memory: Uint8Array, stillEnd: number, heapEnd: number): Capture {
  const whole = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;
  const end = whole(heapEnd);
  if (end > imageLimit) throw new Error(`an image is larger than ${imageLimit} bytes`);
  return {
    low: memory.slice(lowStart, lowEnd),
    still: memory.slice(stillStart, stillStart + whole(stillEnd - stillStart)),
    heap: memory.slice(heapBase, end),
    heapEnd: end,
  };
}

/** Lays captures side by side in a memory of their own, and behind them room for a difference over the largest. */
export function layGrounds<Name extends string>(captures: Readonly<Record<Name, Capture>>): Record<Name, Ground> {
  const all = Object.entries<Capture>(captures);
  const sizes = all.map(([, { low, still, heap }]) => low.length + still.length + heap.length);
  const start = sizes.reduce((sum, size) => sum + size, 0);
  // Blocks of 16 bytes with a head each are the most there can be.
  const room = Math.ceil(Math.max(...sizes) / 16) * 20 + blockBytes;
  const pages = Math.ceil((start + room) / pageBytes);
  const images = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const found = new Int32Array(images.buffer, start, room >>> 2);
  let at = 0;
  const lay = (bytes: Uint8Array): Uint8Array => {
    const laid = new Uint8Array(images.buffer, at, bytes.length);
    laid.set(bytes);
    at += bytes.length;
    return laid;
  };
  const words = ({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array =>
    new Int32Array(buffer, byteOffset, byteLength >>> 2);
  const grounds = all.map(([name, each]): readonly [string, Ground] => {
    const [low, still, heap] = [lay(each.low), lay(each.still), lay(each.heap)];
    const views = { lowWords: words(low), stillWords: words(still), heapWords: words(heap) };
    const parts = {
      constants: low.subarray(0, writableStart - lowStart),
      writable: low.subarray(writableStart - lowStart),
    };
    return [name, { low, ...parts, still, heap, heapEnd: each.heapEnd, ...views, images, found }];
  });
  return Object.fromEntries(grounds) as Record<Name, Ground>;
}
