/** What host functions reach beyond the engine: given with each call as its context. */
import type { HostFunction, LuaValue } from '../lua/types.ts';
import type { Outbound } from '../policy/outbound-types.ts';
import type { KubernetesCaller } from './kubernetes-types.ts';
import type { KeyValueStore, LaterQueue, EventBus } from '../store/types.ts';

/** Calls another function of the own namespace now. `hops`: calls before the caller's own; the callee's are one more. */
export interface FunctionCaller {
  call(
    name: string,
    handler: string | undefined,
    data: LuaValue,
    remainingMs: number,
    hops: number,
    /** How many events may descend from the called function's call. */
    budget: number,
  ): Promise<CalledResult>;
}

export type CalledResult =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
    }
  | { readonly ok: false; readonly message: string; readonly status?: number };

/** The per-process cache behind `cache.get`: per function, bounded, single flight. */
export interface CacheStore {
  read(key: string): { readonly value: LuaValue } | undefined;
  write(key: string, value: LuaValue, ttlMs: number): void;
  /** Resolves when another call that loads this key has ended; undefined: this call loads. `owner` stands for the call. */
  claim(key: string, owner: object): Promise<void> | undefined;
  /** Ends the claim if it is the owner's. */
  release(key: string, owner: object): void;
}

/** How many events may still descend from one call: `src/triggers/event-budget.ts`. */
export interface ChainBudget {
  /** For an event it publishes or puts off; undefined: used up. */
  child(): number | undefined;
  /** For a request or a call it makes; 0: whoever gets it sets nothing off. */
  outgoing(): number;
}

export interface HostContext {
  readonly outbound: Outbound;
  readonly keyValue: KeyValueStore;
  readonly later: LaterQueue;
  readonly events: EventBus;
  readonly caller: FunctionCaller;
  readonly cache: CacheStore;
  /** The API server, as the ServiceAccount of this function. */
  readonly kubernetes: KubernetesCaller;
  /** What the call writes and reads of values stays in memory until it is settled: `src/delivery/attempt-effects.ts`. */
  readonly collects?: {
    /** Bytes of values that were read and stay, since this was asked last. */
    takeRead(): number;
  };
  /** Calls before this one in a chain of `call`, events and own-host requests. */
  readonly hops: number;
  readonly traceparent?: string;
  /** The budget of the call with this signal: contexts are shared by calls. */
  budgetOf(signal: AbortSignal): ChainBudget;
}

/** One parameter, return or option as the reference page, the editor and the meta file show it. */
export interface DocumentedValue {
  readonly name: string;
  /** LuaCATS type: `string`, `table<string, string>?`. */
  readonly type: string;
  readonly description: string;
}

/** The function itself; one written in Lua; or a value or function the engine brings. */
export type HostImplementation = HostFunction<HostContext> | { readonly kind: 'lua' } | { readonly kind: 'engine' };

/** One noun: its functions, and the Lua that completes them. */
export interface HostModule {
  /** `json`, or the empty string for globals. */
  readonly name: string;
  readonly summary: string;
  readonly entries: readonly HostEntry[];
  /** Further names of the module that its summary explains. */
  readonly further?: readonly string[];
  /** Functions Lua code below is built of; scripts do not see them. */
  readonly hidden?: readonly HostFunction<HostContext>[];
  /**
   * Completes the module. Runs after the functions are in place, with the locals `host`, `env`, `marks`, `guarded` (turns
   * an error answer into an error table) and `failure` (the metatable of those).
   */
  readonly lua?: string;
}

/** A catalogue entry: everything said about one host function, in one place. */
export interface HostEntry {
  /** Full Lua name; the part before the dot is the module. */
  readonly name: string;
  readonly summary: string;
  readonly parameters: readonly DocumentedValue[];
  readonly returns: readonly DocumentedValue[];
  /** When it answers `nil, err`, and when it raises. */
  readonly errors: readonly string[];
  /** A complete module body that the tests run. */
  readonly example: string;
  /** Input and output caps and what it costs: `input ≤ 1 MiB; 1 fuel per 16 bytes`. */
  readonly caps: string;
  /** True: bad data or a failed operation answers `nil, err` with an error table; the function's own results never start so. */
  readonly answersError?: true;
  /** A value instead of a function; its type is that of the one return. */
  readonly value?: true;
  readonly implementation: HostImplementation;
}

export type { Outbound, OutboundRequest, OutboundResponse } from '../policy/outbound-types.ts';
