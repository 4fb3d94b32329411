/** Builds programs, limits and calls for tests that run real Lua through an engine. */
import type { Engine } from '../../src/lua/engine-contract.ts';
import type { CallLimits, CallRequest, CallResult, LoadResult, Program } from '../../src/lua/types.ts';

/** Limits that let honest test code pass and end hostile code soon. */
export const testLimits: CallLimits = {
  timeoutMs: 10_000,
  cpuMs: 1000,
  memoryBytes: 16 * 1024 * 1024,
  logBytes: 65_536,
  logLines: 1000,
  hostCalls: 100,
  parallelHostCalls: 16,
  resultBytes: 4 * 1024 * 1024,
};

export interface ProgramParts {
  readonly namespace?: string;
  readonly name?: string;
  readonly revision?: string;
  readonly modules?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly expressions?: Readonly<Record<string, string>>;
  readonly limits?: Partial<CallLimits>;
}

let revisions = 0;

/** A program with a revision of its own. */
export function program(code: string, parts: ProgramParts = {}): Program {
  revisions += 1;
  const namespace = parts.namespace ?? 'team-a';
  return {
    namespaceUid: `uid-${namespace}`,
    namespace,
    name: parts.name ?? 'hook',
    revision: parts.revision ?? `revision-${revisions}`,
    code,
    modules: new Map(Object.entries(parts.modules ?? {})),
    env: new Map(Object.entries(parts.env ?? {})),
    expressions: new Map(Object.entries(parts.expressions ?? {})),
    limits: { ...testLimits, ...parts.limits },
  };
}

export type CallParts<Context> = Partial<Omit<CallRequest<Context>, 'revision'>>;

/** A loaded program that can be called many times. */
export interface Loaded<Context> {
  readonly program: Program;
  readonly result: LoadResult;
  /** Runs `default` (or `parts.target`) with the arguments. */
  call(args?: CallRequest['arguments'], parts?: CallParts<Context>): Promise<CallResult>;
  /** The same without waiting for a promise: shows which way the engine took. */
  start(args?: CallRequest['arguments'], parts?: CallParts<Context>): CallResult | Promise<CallResult>;
}

let calls = 0;

/** Loads a program; `result` says whether that worked. */
export async function load<Context>(
  engine: Engine<Context>,
  made: Program,
  context: Context,
): Promise<Loaded<Context>> {
  const result = await engine.load(made);
  const start = (args: CallRequest['arguments'] = [], parts: CallParts<Context> = {}) => {
    calls += 1;
    return engine.call({
      callId: `call-${calls}`,
      revision: made.revision,
      target: { handler: 'default' },
      arguments: args,
      context,
      ...parts,
    });
  };
  return { program: made, result, start, call: async (args, parts) => start(args, parts) };
}

/** The first value of a call that must have ended well. */
export function valueOf(result: CallResult): unknown {
  if (result.kind !== 'ok' && result.kind !== 'exit') {
    throw new Error(`the call ended as ${result.kind}: ${result.error.message}\n${result.error.traceback ?? ''}`);
  }
  return result.values[0];
}

/** A value of Lua as text, for messages and patterns. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nil');
}

/** All that a caller could read of a result: for searching it for what must not be there. */
export function everythingIn(result: CallResult | LoadResult): string {
  return JSON.stringify(result, (_key, value: unknown) => {
    if (value instanceof Map) return [...value.entries()];
    if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'symbol') return String(value);
    return value;
  });
}
