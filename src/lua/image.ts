/** Memory images: what differs from the base image, found by comparing and put back by copying. */
import type { BaseImage } from './base-image.ts';
import { heapBase, lowEnd, lowStart } from './layout.ts';

/** A stretch of memory. */
export interface Run {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** What has to be written over the base image. */
export interface Delta {
  readonly runs: readonly Run[];
  readonly heapEnd: number;
  readonly bytes: number;
}

/** Pages of this size are compared and kept. */
const page = 1024;

/** Finds the difference between a memory and the base image; adjacent pages become one run. */
export function difference(memory: Uint8Array, base: BaseImage, heapEnd: number): Delta {
  const ranges: [number, number][] = [];
  const add = (start: number, end: number): void => {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === start) last[1] = end;
    else ranges.push([start, end]);
  };
  const current = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  const compare = (bytes: Uint8Array, from: number): void => {
    for (let offset = 0; offset < bytes.length; offset += page) {
      const end = Math.min(offset + page, bytes.length);
      if (current.compare(bytes, offset, end, from + offset, from + end) !== 0) add(from + offset, from + end);
    }
  };
  compare(base.low, lowStart);
  compare(base.heap, heapBase);
  if (heapEnd > base.heapEnd) add(base.heapEnd, heapEnd);
  const bytes = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const store = new Uint8Array(new SharedArrayBuffer(bytes));
  let at = 0;
  const runs = ranges.map(([address, end]) => {
    const piece = store.subarray(at, at + end - address);
    piece.set(memory.subarray(address, end));
    at += end - address;
    return { address, bytes: piece };
  });
  return { runs, heapEnd, bytes };
}

/** Copies the memory of a machine that was just built. */
export function capture(memory: Uint8Array, heapEnd: number): { low: Uint8Array; heap: Uint8Array } {
  return { low: memory.slice(lowStart, lowEnd), heap: memory.slice(heapBase, heapEnd) };
}
