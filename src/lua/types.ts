/** What crosses the border between Lua and its host: values, host functions, calls and their results. */

import type { ProgramHandle } from './engine-contract.ts';
import type { JournalRecord } from './journal.ts';

/** The value `json.null` of Lua: a JSON null that has to stay visible (an element of an array). */
export const jsonNull: unique symbol = Symbol('json.null');

/** Keys of a table read from Lua. Keys of other types end the read with an error that names them. */
export type LuaKey = string | number | bigint | boolean;

/**
 * A value read from Lua. `undefined` is nil. Integers beyond ±(2^53−1) are bigint. A string is a JavaScript string when
 * its bytes are valid UTF-8, else a Uint8Array of its own. A sequence 1…n (and an empty table marked by `json.array`) is
 * an array, any other table a Map: names such as `__proto__` are ordinary keys.
 */
export type LuaValue =
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | typeof jsonNull
  | LuaValue[]
  | Map<LuaKey, LuaValue>;

/**
 * A value given to Lua. Integral safe numbers become Lua integers, bigint a 64-bit integer, other numbers floats.
 * `null` and `undefined` are nil at the top and as a member of an object or Map (absent); as an element of an array they
 * are `json.null`. Empty arrays and objects keep their kind through `json.encode`. Only own enumerable string keys of an
 * object are read.
 */
export type LuaInput =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | typeof jsonNull
  | readonly LuaInput[]
  | ReadonlyMap<LuaKey, LuaInput>
  | LazyTable
  | { readonly [key: string]: LuaInput };

/** Marks a LazyTable. */
export const lazy: unique symbol = Symbol('lazy');

/**
 * A table whose fields are made only when Lua reads them (`event`, `event.request`, `event.request.headers`). In Lua it is
 * an ordinary table: a value once read is stored in it, `pairs`, `next` through `pairs`, `#` and `json.encode` see every key, and
 * assignments stay within the call. `get` must be pure and quick, and answers `undefined` for an unknown key.
 */
export interface LazyTable {
  readonly [lazy]: true;
  keys(): readonly string[];
  get(key: string): LuaInput;
  /** True: keys are lower case and Lua may ask in any case (HTTP header names). */
  readonly caseInsensitive?: boolean;
}

/** Several results of a host function, in order. A plain LuaInput is one result. */
export class Results {
  readonly items: readonly LuaInput[];
  constructor(...items: readonly LuaInput[]) {
    this.items = items;
  }
}

/** Thrown by a host function to raise a Lua error at the user's line. `value` (default: the message) is the error value. */
export class LuaRaise extends Error {
  readonly value: LuaInput;
  constructor(message: string, value?: LuaInput) {
    super(message);
    this.value = value === undefined ? message : value;
  }
}

/**
 * Arguments of one host call, positions from 1. A wrong type raises Lua's usual
 * `bad argument #1 to 'sha256' (string expected, got nil)`. `text` and `bytes` accept numbers as Lua's own library does.
 */
export interface HostArguments {
  readonly count: number;
  type(position: number): 'nil' | 'boolean' | 'number' | 'string' | 'table' | 'function' | 'userdata' | 'thread';
  /** A string as UTF-8 text; bytes that are not UTF-8, or more than `maxBytes` (default 1 MiB), raise. */
  text(position: number, maxBytes?: number): string;
  /** A copy of the bytes of a string. */
  bytes(position: number): Uint8Array;
  number(position: number): number;
  /** An integer in the safe range. */
  integer(position: number): number;
  /** Truth as Lua sees it. */
  boolean(position: number): boolean;
  /** Any plain value, deep copied within the caps of the engine (depth, keys, bytes); cycles, functions, userdata raise. */
  value(position: number): LuaValue;
  optionalText(position: number, maxBytes?: number): string | undefined;
  optionalNumber(position: number): number | undefined;
  /** Raises `bad argument #position to 'name' (reason)`. */
  fail(position: number, reason: string): never;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Who is calling: lives in JavaScript only, set when a machine is restored. */
export interface HostCall<Context = unknown> {
  readonly callId: string;
  readonly namespaceUid: string;
  readonly namespace: string;
  readonly functionName: string;
  readonly revision: string;
  /** True while a module's top level runs: no clock, no randomness, no I/O. */
  readonly loading: boolean;
  /** Milliseconds left until the call's deadline. */
  remaining(): number;
  /** Aborted when the call ends for whatever reason; sockets and timers hang on it. */
  readonly signal: AbortSignal;
  /** What the embedder passed with the call (its outbound client, key-value store, settings …). */
  readonly context: Context;
  /** Wall clock, milliseconds since the epoch; recorded for replay. */
  now(): number;
  /** Bytes from the operating system; recorded for replay. */
  randomBytes(count: number): Uint8Array;
  /** Appends to the call's log within its caps. */
  log(level: LogLevel, message: string, fields?: ReadonlyMap<LuaKey, LuaValue>): void;
  /** Charges CPU for work over so many bytes. */
  charge(bytes: number): void;
  /** In a waiting function: a short line for the call's record, `GET https://api.example.com 200`. Never a secret. */
  note?(summary: string): void;
  /** Counts bytes held on the JavaScript side against the call's memory limit (negative: given back). */
  hold(bytes: number): void;
  /** In a waiting function: the handlers of the code that runs. */
  handlers?(): readonly string[];
}

interface HostFunctionBase {
  /** Full Lua name: `crypto.sha256`, `sleep`. */
  readonly name: string;
  /** May run while a module loads (pure functions only). */
  readonly atLoad: boolean;
}

/** A host function that needs no waiting: called in place, must end within 20 ms for any input. */
export interface DirectHostFunction<Context = unknown> extends HostFunctionBase {
  readonly kind: 'direct';
  /**
   * Reads or changes something outside the call other than `now()`, `randomBytes()` and the log (a cache, a queue):
   * its results are recorded, and when a call is run again in slices it is not repeated.
   */
  readonly effect?: boolean;
  run(args: HostArguments, call: HostCall<Context>): LuaInput | Results;
}

/**
 * A host function that waits: the call yields to the host, the machine is free meanwhile. Arguments are read before the
 * first wait. A rejected promise with LuaRaise raises in Lua; any other rejection is a defect, reported without details.
 */
export interface WaitingHostFunction<Context = unknown> extends HostFunctionBase {
  readonly kind: 'waiting';
  run(args: HostArguments, call: HostCall<Context>): Promise<LuaInput | Results>;
}

export type HostFunction<Context = unknown> = DirectHostFunction<Context> | WaitingHostFunction<Context>;

/**
 * Part of the frozen environment written in Lua (`dig`, `inspect`, `cjson`, …). Runs once when the base image is built, as a
 * chunk with `host` (table of raw host functions by full name) and `env` (the environment being built) as arguments.
 */
export interface Prelude {
  readonly name: string;
  readonly source: string;
}

/** Everything a script can reach besides the language: given to the engine once. */
export interface HostEnvironment<Context = unknown> {
  readonly functions: readonly HostFunction<Context>[];
  readonly preludes: readonly Prelude[];
  /** Modules for `require` that alias an environment table: `cjson` → `cjson`, `cjson.safe` → …. Value: a global name. */
  readonly requirable: ReadonlyMap<string, string>;
}

/** Limits of one call; all have defaults in `src/function`, these are complete. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly logBytes: number;
  readonly logLines: number;
  readonly hostCalls: number;
  readonly parallelHostCalls: number;
  readonly resultBytes: number;
}

/** One version of one function. `revision` changes with code, modules, env and secrets: it is the key of its image. */
export interface Program {
  readonly namespaceUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: string;
  readonly code: string;
  /** Name for `require` → source. */
  readonly modules: ReadonlyMap<string, string>;
  /** `spec.env`, read-only in Lua as `env`. */
  readonly env: ReadonlyMap<string, string>;
  /** Filters and expressions by a name of the caller's choice: an expression, or a chunk with `return`. */
  readonly expressions: ReadonlyMap<string, string>;
  readonly limits: CallLimits;
}

/** A mistake in a user's code. `file` is the function's name, a module's name or an expression's name. */
export interface LuaMistake {
  readonly kind: 'syntax' | 'load' | 'shape' | 'timeout' | 'cpu' | 'memory';
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly suggestion?: string;
}

export type LoadResult =
  | { readonly ok: true; readonly handlers: readonly string[]; readonly warnings: readonly LuaMistake[] }
  | { readonly ok: false; readonly mistakes: readonly LuaMistake[] };

export interface LogLine {
  readonly level: LogLevel;
  /** Milliseconds since the call began. */
  readonly at: number;
  readonly message: string;
  readonly fields?: ReadonlyMap<LuaKey, LuaValue>;
}

export interface HostCallRecord {
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
  /** A short line for people: `GET https://api.example.com 200`. Never a secret. */
  readonly summary?: string;
}

export interface CallUsage {
  readonly cpuMs: number;
  readonly memoryPeakBytes: number;
  readonly hostCalls: readonly HostCallRecord[];
  readonly log: readonly LogLine[];
  readonly logTruncated: boolean;
  /** With `record`: what the call learned from outside. */
  readonly journal?: JournalRecord;
}

/** An error that reached the top. `value` is set for tables (`fail`, `retry_after`, an `http` error), deep copied. */
export interface CallError {
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly traceback?: string;
  readonly value?: LuaValue;
}

export type CallResult = { readonly usage: CallUsage } & (
  | { readonly kind: 'ok'; readonly values: readonly LuaValue[] }
  | { readonly kind: 'exit'; readonly values: readonly LuaValue[] }
  | { readonly kind: 'error'; readonly error: CallError }
  | { readonly kind: 'timeout' | 'cpu' | 'memory' | 'cancelled'; readonly error: CallError }
  /** Not started: parked bytes at their cap, or the function is quarantined. */
  | { readonly kind: 'overloaded'; readonly retryAfterMs: number; readonly error: CallError }
);

export interface CallRequest<Context = unknown> {
  readonly callId: string;
  /** Revision given to `load` before. */
  readonly revision: string;
  /** What the same engine found for the revision; looked for if it is not given or no longer loaded. */
  readonly program?: ProgramHandle | undefined;
  /** A handler's name, or `{ expression }` for one of `Program.expressions`. */
  readonly target: { readonly handler: string } | { readonly expression: string };
  /** Globals for expressions besides the environment (`event`, or `object` and `previous`). */
  readonly globals?: Readonly<Record<string, LuaInput>>;
  readonly arguments: readonly LuaInput[];
  readonly limits?: Partial<CallLimits>;
  /** Seed of `math.random`; default from the operating system. */
  readonly seed?: readonly [bigint, bigint];
  readonly context: Context;
  /** Ends the call as `cancelled`. */
  readonly signal?: AbortSignal;
  /** Told whenever its Lua gets hold of the thread, and lets go of it. */
  readonly onSlice?: (running: boolean) => void;
  /** No waiting host function may be used (always so for expressions). */
  readonly pure?: boolean;
  /** Adds the call's journal to the usage, for `replay`. */
  readonly record?: boolean;
  /** Takes clock, randomness and host results from a journal instead of the world. */
  readonly replay?: JournalRecord;
}
