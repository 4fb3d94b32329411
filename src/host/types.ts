/** What host functions reach beyond the engine: given with each call as its context. */
import type { HostFunction, LuaInput, LuaValue } from '../lua/types.ts';
import type { KeyValueStore, LaterQueue, EventBus } from '../store/types.ts';

/** An outgoing request of a function; the outbound guard decides and sends. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  readonly maxResponseBytes: number;
  readonly signal: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
  readonly url: string;
}

export type OutboundResult =
  | { readonly ok: true; readonly response: OutboundResponse }
  /** `rule` names the rule of the guard that refused. */
  | { readonly ok: false; readonly message: string; readonly rule?: string; readonly retryAfterSeconds?: number };

/** Sends requests for one function within its effective egress. */
export interface Outbound {
  send(request: OutboundRequest): Promise<OutboundResult>;
}

/** Calls another function of the own namespace now. */
export interface FunctionCaller {
  call(
    name: string,
    handler: string | undefined,
    data: LuaValue,
    remainingMs: number,
    hops: number,
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
  /** Resolves when another call that loads this key has ended; undefined: this call loads. */
  claim(key: string): Promise<void> | undefined;
  release(key: string): void;
}

export interface HostContext {
  readonly outbound: Outbound;
  readonly keyValue: KeyValueStore;
  readonly later: LaterQueue;
  readonly events: EventBus;
  readonly caller: FunctionCaller;
  readonly cache: CacheStore;
  /** Calls before this one in a chain of `call`, events and own-host requests. */
  readonly hops: number;
  readonly traceparent?: string;
}

/** One parameter, return or option as the reference page, the editor and the meta file show it. */
export interface DocumentedValue {
  readonly name: string;
  /** LuaCATS type: `string`, `table<string, string>?`. */
  readonly type: string;
  readonly description: string;
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
  /** The function, or the name of the prelude that defines it in Lua. */
  readonly implementation: HostFunction<HostContext> | { readonly prelude: string };
}

export type { LuaInput, LuaValue };
