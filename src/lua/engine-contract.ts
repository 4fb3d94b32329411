/** The engine as its embedder sees it. */
import type { CallRequest, CallResult, LoadResult, Program } from './types.ts';

/**
 * A loaded program as bytes that all threads of the process can share (its large parts are SharedArrayBuffers): bytecode
 * and image. Made and read by engines only; never stored, never sent to another process.
 */
export interface ProgramImage {
  /** Of the base image it lies over: an engine with another one compiles from source. */
  readonly baseDigest: string;
  readonly revision: string;
  readonly parts: unknown;
}

/** A loaded program as its engine finds it without a search. */
export interface ProgramHandle {
  /** It has been unloaded, or loaded anew. */
  readonly unloaded: boolean;
}

/** The engine of one thread. It knows nothing of HTTP, Kubernetes or files. */
export interface Engine<Context = unknown> {
  /** Compiles, runs the top level (metered), keeps bytecode and image under `program.revision`. Effects outside: none. */
  load(program: Program, image?: ProgramImage): Promise<LoadResult>;
  /** What another thread of this process needs to load the revision without compiling; undefined: not loaded, or evicted. */
  image(revision: string): ProgramImage | undefined;
  /** For calls of a program that are many: spares each the search among all. */
  find(revision: string): ProgramHandle | undefined;
  /** Forgets the program and wipes idle machines of its namespace: they may still hold its values. */
  unload(revision: string): void;
  /** Answers at once (no promise) when the call ends without waiting: the fast path. Never throws for what a script does. */
  call(request: CallRequest<Context>): CallResult | Promise<CallResult>;
  /** What namespaces may take has changed: it is asked anew. */
  renewAllowances(): void;
  stats(): EngineStats;
  close(): Promise<void>;
}

export interface EngineStats {
  readonly functions: number;
  readonly functionImageBytes: number;
  readonly imageRestores: number;
  /** Instances of Lua, and the bytes of memory they have reached. */
  readonly machines: number;
  readonly machineBytes: number;
  readonly runningCalls: number;
  readonly parkedCalls: number;
  readonly parkedBytes: number;
  readonly killsByReason: ReadonlyMap<string, number>;
}
