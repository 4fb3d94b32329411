/** What the embedder gives an engine, and what it becomes inside. */
import type { NamespaceAllowance } from './namespace-books.ts';
import type { HostEnvironment } from './types.ts';

/** Options of `createEngine`. */
export interface EngineOptions<Context = unknown> {
  /** From `meterLua`, once per process. */
  readonly module: WebAssembly.Module;
  readonly environment: HostEnvironment<Context>;
  /** Monotonic milliseconds; default `performance.now`. */
  readonly clock?: () => number;
  /** CPU time of this thread in milliseconds; default: the operating system's, or `clock` where that is given. */
  readonly threadCpu?: () => number;
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly now?: () => number;
  readonly randomBytes?: (count: number) => Uint8Array;
  /** A defect in a host function or in the engine: for the log of the installation, never for the user. */
  readonly onDefect?: (
    error: unknown,
    where: { readonly name: string; readonly callId: string; readonly functionName: string },
  ) => void;
  /** Function images kept, in bytes; default 96 MiB. */
  readonly imageBytes?: number;
  /** Machines whose calls wait before they are parked; default 8. */
  readonly machines?: number;
  /** Machines for calls that run in slices; default 16. */
  readonly slicedMachines?: number;
  /** Bytes of parked calls: per process (default 256 MiB), namespace (half of it) and function (a quarter). */
  readonly parkedBytes?: number;
  readonly parkedBytesPerNamespace?: number;
  readonly parkedBytesPerFunction?: number;
  /** By the name of a namespace; asked when its first program is loaded, and by `renewAllowances`. */
  readonly allowance?: (namespace: string) => NamespaceAllowance;
  /**
   * Shared with the watchdog, at least two slots: [0] changes at every call and at every look at the clock; [1] is
   * `functionMark(revision)` while Lua runs, else 0. A thread is stuck when [1] is not 0 and [0] stands still.
   */
  readonly heartbeat?: Int32Array;
  /** Shared by all threads: marks functions that outlived the plain entry once. */
  readonly longMarks?: Int32Array;
}

/** Options after defaults. */
export interface EngineSettings {
  readonly imageBytes: number;
  readonly machines: number;
  readonly slicedMachines: number;
  readonly parkedBytes: number;
  readonly parkedBytesPerNamespace: number;
  readonly parkedBytesPerFunction: number;
}

/** Applies the defaults. */
export function engineSettings(options: EngineOptions<never>): EngineSettings {
  const parkedBytes = options.parkedBytes ?? 256 * 1024 * 1024;
  return {
    imageBytes: options.imageBytes ?? 96 * 1024 * 1024,
    machines: options.machines ?? 8,
    slicedMachines: options.slicedMachines ?? 16,
    parkedBytes,
    parkedBytesPerNamespace: options.parkedBytesPerNamespace ?? parkedBytes / 2,
    parkedBytesPerFunction: options.parkedBytesPerFunction ?? parkedBytes / 4,
  };
}

/** CPU time of the calling thread. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** A revision's mark in heartbeats and long marks: never 0. */
export function functionMark(revision: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < revision.length; at += 1) hash = Math.imul(hash ^ revision.charCodeAt(at), 0x01000193);
  return hash | 1;
}
