/** Memory images: what differs from the base image, found by comparing and put back by copying. */
import type { BaseImage } from './base-image.ts';
import { heapBase, lowEnd, lowStart, writableStart } from './layout.ts';

/** Memory is compared in pages first, then kept in blocks: a loaded function changes some thousand bytes in many places. */
const pageBytes = 1024;
const blockWords = 16;
const blockBytes = blockWords * 4;

/** What has to be written over the base image. */
export interface Delta {
  /** Addresses of the blocks. */
  readonly blocks: Uint32Array;
  readonly words: Int32Array;
  /** The heap beyond the base image's end. */
  readonly tail: Uint8Array;
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
  const found = new Int32Array(Math.ceil((base.lowWords.length + base.heapWords.length) / blockWords));
  let count = 0;
  const compare = (image: Uint8Array, imageWords: Int32Array, from: number, start: number): void => {
    const shift = from >>> 2;
    for (let offset = start; offset < image.length; offset += pageBytes) {
      const end = Math.min(offset + pageBytes, image.length);
      if (current.compare(image, offset, end, from + offset, from + end) === 0) continue;
      for (let block = offset >>> 2; block < end >>> 2; block += blockWords) {
        const last = block + blockWords;
        let at = block;
        while (at < last && imageWords[at] === words[at + shift]) at += 1;
        if (at === last) continue;
        found[count] = (block + shift) * 4;
        count += 1;
      }
    }
  };
  compare(base.low, base.lowWords, lowStart, writableStart - lowStart);
  compare(base.heap, base.heapWords, heapBase, 0);
  const tailBytes = Math.max(0, heapEnd - base.heapEnd);
  const size = count * (4 + blockBytes) + tailBytes;
  const store = use === 'shared' ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
  const blocks = new Uint32Array(store, 0, count);
  const kept = new Int32Array(store, count * 4, count * blockWords);
  const tail = new Uint8Array(store, count * (4 + blockBytes));
  for (let index = 0; index < count; index += 1) {
    const address = found[index] ?? 0;
    blocks[index] = address;
    for (let word = 0; word < blockWords; word += 1) {
      kept[index * blockWords + word] = words[(address >>> 2) + word] ?? 0;
    }
  }
  if (tailBytes > 0) tail.set(memory.subarray(base.heapEnd, heapEnd));
  return { blocks, words: kept, tail, heapEnd, bytes: size };
}

/** Writes a delta into a memory that holds the base image. */
export function applyDelta(memory: Uint8Array, memoryWords: Int32Array, base: BaseImage, delta: Delta): void {
  const { blocks, words } = delta;
  let from = 0;
  for (let index = 0; index < blocks.length; index += 1) {
    let to = (blocks[index] ?? 0) >>> 2;
    for (const end = from + blockWords; from < end; from += 1) {
      memoryWords[to] = words[from] ?? 0;
      to += 1;
    }
  }
  if (delta.tail.length > 0) memory.set(delta.tail, base.heapEnd);
}

/** Copies a memory that holds a function image and nothing else. */
export function flatten(memory: Uint8Array, heapEnd: number): FlatImage {
  return { low: memory.slice(writableStart, lowEnd), heap: memory.slice(heapBase, heapEnd), heapEnd };
}

/** Copies the memory of a machine that was just built. Sizes are whole blocks. */
export function capture(
  memory: Uint8Array,
  heapEnd: number,
): Pick<BaseImage, 'low' | 'lowWords' | 'heap' | 'heapWords' | 'heapEnd'> {
  const end = Math.ceil(heapEnd / blockBytes) * blockBytes;
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
