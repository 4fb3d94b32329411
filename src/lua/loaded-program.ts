/** A program as the engine keeps it: bytecode, and its image while that is in use. */
import type { BaseImage } from './base-image.ts';
import type { Delta, FlatImage } from './image.ts';
import type { NamespaceBook } from './namespace-books.ts';
import type { CallLimits } from './types.ts';

/** Bytecode made by this process from text: nothing else is ever undumped. */
export interface Bytecode {
  readonly code: Uint8Array;
  readonly modules: ReadonlyMap<string, Uint8Array>;
  readonly expressions: readonly (readonly [string, Uint8Array])[];
}

/** What is written over the base image, in the program itself: between ten thousand others a further object is a wait for memory. */
type OwnImage = { -readonly [Key in keyof Delta]: Delta[Key] };

export interface LoadedProgram extends OwnImage {
  readonly base: BaseImage;
  readonly namespaceUid: string;
  readonly namespace: string;
  /** What all programs of the namespace take together. */
  readonly book: NamespaceBook;
  readonly name: string;
  readonly revision: string;
  /** `functionMark` of the revision. */
  readonly mark: number;
  readonly env: ReadonlyMap<string, string>;
  readonly limits: CallLimits;
  readonly bytecode: Bytecode;
  /** Position of each handler on the thread's stack, from 1. */
  readonly handlers: ReadonlyMap<string, number>;
  readonly expressions: ReadonlyMap<string, number>;
  /** Values on the thread's stack before a call. */
  readonly stackBase: number;
  /** Chunk names whose lines are the user's. */
  readonly files: readonly string[];
  /** What its top level took when it was loaded. */
  readonly startMs: number;
  /** It is its function image, as a `Delta`; false: that is not cached, and its members say nothing. */
  hasImage: boolean;
  /** The image in one piece, for functions called often. */
  flat: FlatImage | undefined;
  /** Calls close after one another, and the number of the restore of the last one. */
  uses: number;
  usedAt: number;
  /** A call outlived the plain entry once: calls enter through `promising`. */
  long: boolean;
  /** The last stretch of a call was shorter than `quickMs`. */
  quick: boolean;
  /** Recent bytes of a parked call: a maximum that decays. */
  parkedEstimate: number;
  parkedBytes: number;
  unloaded: boolean;
}

/** Of an image that is not there. */
export const noRuns = new Int32Array(0);

const noImage: Delta = {
  runs: noRuns,
  from: 0,
  to: 0,
  under: undefined,
  tail: undefined,
  heapEnd: 0,
  bytes: 0,
  movesStill: false,
};

/** The program has this image from now on; undefined: none. */
export function setImage(program: LoadedProgram, image: Delta | undefined): void {
  const { runs, from, to, under, tail, heapEnd, bytes, movesStill } = image ?? noImage;
  program.hasImage = image !== undefined;
  program.runs = runs;
  program.from = from;
  program.to = to;
  program.under = under;
  program.tail = tail;
  program.heapEnd = heapEnd;
  program.bytes = bytes;
  program.movesStill = movesStill;
}
