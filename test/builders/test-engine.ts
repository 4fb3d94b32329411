/** An engine with a few host functions for its own tests: each waits until the test says so, or answers at once. */
import { createEngine } from '../../src/lua/engine.ts';
import type { EngineOptions } from '../../src/lua/engine-options.ts';
import { meterLua } from '../../src/lua/metering.ts';
import type { Engine } from '../../src/lua/engine-contract.ts';
import {
  lazy,
  LuaRaise,
  type CallLimits,
  type CallRequest,
  type CallResult,
  type HostFunction,
  type LazyTable,
  type LuaInput,
  type LuaValue,
  type Program,
} from '../../src/lua/types.ts';

let compiled: Promise<WebAssembly.Module> | undefined;

/** The metered module, made once per test process. */
export function meteredLua(): Promise<WebAssembly.Module> {
  compiled ??= meterLua();
  return compiled;
}

export const testLimits: CallLimits = {
  timeoutMs: 5000,
  cpuMs: 2000,
  memoryBytes: 16 * 1024 * 1024,
  logBytes: 65_536,
  logLines: 1000,
  hostCalls: 100,
  parallelHostCalls: 16,
  resultBytes: 4 * 1024 * 1024,
};

/** A lazy table over plain fields. */
export function lazyTable(fields: Readonly<Record<string, LuaInput>>, caseInsensitive = false): LazyTable {
  const map = new Map(Object.entries(fields));
  return { [lazy]: true, keys: () => [...map.keys()], get: (key) => map.get(key), caseInsensitive };
}

/** Waits of `gate.wait(name)` by name, released by the test. */
export class Gate {
  readonly #open = new Map<string, (value: LuaInput) => void>();
  readonly #arrivals = new Map<string, () => void>();

  wait(name: string): Promise<LuaInput> {
    return new Promise((resolve) => {
      this.#open.set(name, resolve);
      this.#arrivals.get(name)?.();
    });
  }

  /** Resolves when somebody waits under the name. */
  arrived(name: string): Promise<void> {
    if (this.#open.has(name)) return Promise.resolve();
    return new Promise((resolve) => void this.#arrivals.set(name, resolve));
  }

  release(name: string, value: LuaInput = name): void {
    const resolve = this.#open.get(name);
    if (resolve === undefined) throw new Error(`nobody waits for ${name}`);
    this.#open.delete(name);
    resolve(value);
  }
}

export interface TestEngine {
  readonly engine: Engine;
  readonly gate: Gate;
  /** Host calls that had an effect, in order. */
  readonly effects: string[];
  readonly defects: unknown[];
  load(code: string, extra?: Partial<Program>): Promise<string>;
  call(revision: string, args?: readonly LuaInput[], extra?: Partial<CallRequest>): CallResult | Promise<CallResult>;
  run(code: string, args?: readonly LuaInput[], extra?: Partial<Program>): Promise<CallResult>;
}

function hostFunctions(gate: Gate, effects: string[]): HostFunction[] {
  return [
    { kind: 'waiting', name: 'gate.wait', atLoad: false, run: (args) => gate.wait(args.text(1)) },
    { kind: 'waiting', name: 'gate.soon', atLoad: false, run: async (args) => args.value(1) },
    {
      kind: 'waiting',
      name: 'gate.work',
      atLoad: false,
      run: async (args, call) => {
        for (let times = args.integer(1); times > 0; times -= 1) call.charge(4 * 1024 * 1024);
        effects.push('worked');
        return 'worked';
      },
    },
    {
      kind: 'waiting',
      name: 'gate.keep',
      atLoad: false,
      run: async (args, call) => {
        call.hold(args.integer(1));
        return 'kept';
      },
    },
    {
      kind: 'waiting',
      name: 'gate.fail',
      atLoad: false,
      run: (args) => Promise.reject(new LuaRaise(args.text(1))),
    },
    {
      kind: 'direct',
      name: 'test.hold',
      atLoad: false,
      run(args, call) {
        call.hold(args.integer(1));
        return undefined;
      },
    },
    { kind: 'direct', name: 'test.now', atLoad: false, run: (_, call) => call.now() },
    { kind: 'direct', name: 'test.random', atLoad: false, run: (args, call) => call.randomBytes(args.integer(1)) },
    { kind: 'direct', name: 'test.echo', atLoad: true, run: (args) => args.value(1) },
    {
      kind: 'direct',
      name: 'test.effect',
      atLoad: false,
      effect: true,
      run(args) {
        effects.push(args.text(1));
        return effects.length;
      },
    },
  ];
}

/** Builds one; the test closes it. */
export async function testEngine(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const gate = new Gate();
  const effects: string[] = [];
  const defects: unknown[] = [];
  const engine = createEngine({
    module: await meteredLua(),
    environment: { functions: hostFunctions(gate, effects), preludes: [], requirable: new Map() },
    onDefect: (error) => defects.push(error),
    ...options,
  });
  let count = 0;
  const load = async (code: string, extra: Partial<Program> = {}): Promise<string> => {
    count += 1;
    const revision = extra.revision ?? `revision-${count}`;
    const program: Program = {
      namespaceUid: 'uid-a',
      namespace: 'a',
      name: 'fn',
      code,
      modules: new Map(),
      env: new Map(),
      expressions: new Map(),
      limits: testLimits,
      ...extra,
      revision,
    };
    const result = await engine.load(program);
    if (!result.ok) throw new Error(JSON.stringify(result.mistakes));
    return revision;
  };
  const call: TestEngine['call'] = (revision, args = [], extra = {}) => {
    count += 1;
    return engine.call({
      callId: `call-${count}`,
      revision,
      target: { handler: 'default' },
      arguments: args,
      context: undefined,
      ...extra,
    });
  };
  return {
    engine,
    gate,
    effects,
    defects,
    load,
    call,
    run: async (code, args, extra) => call(await load(code, extra), args),
  };
}

/** The values of a call that ended well. */
export function valuesOf(result: CallResult): readonly LuaValue[] {
  if (result.kind !== 'ok') throw new Error(`${result.kind}: ${'error' in result ? result.error.message : ''}`);
  return result.values;
}
