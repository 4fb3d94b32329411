/** What the engine's benchmark runs: an engine with the product's host functions, programs, and the event they read. */
import { createHostEnvironment } from '../src/host/environment.ts';
import { createEngine } from '../src/lua/engine.ts';
import type { EngineOptions } from '../src/lua/engine-options.ts';
import type { Engine } from '../src/lua/engine-contract.ts';
import {
  lazy,
  type CallLimits,
  type CallRequest,
  type CallResult,
  type LazyTable,
  type LuaInput,
} from '../src/lua/types.ts';
import { testLimits } from '../test/builders/lua-program.ts';

/** Reads the path and one of ten headers, gives a small answer. */
export const readingCode =
  'return function(event) return event.request.path .. event.request.headers["x-github-event"] end';
export const readingAnswer = '/deploypush';

/** Nine ways to misbehave; each is ended or ends itself. */
export const hostileBodies: readonly string[] = [
  'while true do end',
  'while true do pcall(error, 1) end',
  'local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end',
  'return ("a"):rep(30000):find(".-.-.-.-b")',
  'return table.move({}, 1, 1e9, 2)',
  'getmetatable("").__index = nil',
  'for k in pairs(_G) do _G[k] = nil end',
  'error(setmetatable({}, { __tostring = function() error("x") end }))',
  'local function f() return 1 + f() end f()',
];

function lazyOf(fields: Readonly<Record<string, LuaInput>>, caseInsensitive = false): LazyTable {
  const map = new Map(Object.entries(fields));
  return { [lazy]: true, keys: () => [...map.keys()], get: (key) => map.get(key), caseInsensitive };
}

const headers = lazyOf(
  {
    host: 'hooks.example.com',
    'user-agent': 'curl/8',
    accept: '*/*',
    'content-type': 'application/json',
    'content-length': '17',
    'x-github-event': 'push',
    'x-github-delivery': '72d3162e',
    'x-forwarded-for': '192.0.2.1',
    'accept-encoding': 'gzip',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  },
  true,
);
const event = lazyOf({ id: '1', name: 'push', request: lazyOf({ method: 'POST', path: '/deploy', headers }) });

/** An engine under measurement. */
export interface MeasuredEngine {
  readonly engine: Engine;
  readonly environment: EngineOptions['environment'];
  load(revision: string, code: string, extra?: Partial<CallLimits>): Promise<void>;
  call(revision: string, extra?: Partial<CallRequest>): CallResult | Promise<CallResult>;
}

/** The product's host functions without a host behind them, and `bench.wait`, which waits. */
export function measuredEngine(
  module: WebAssembly.Module,
  options: Partial<Pick<EngineOptions, 'imageBytes'>> = {},
): MeasuredEngine {
  const host = createHostEnvironment();
  const waits = { kind: 'waiting' as const, name: 'bench.wait', atLoad: false, run: () => Promise.resolve('answer') };
  // Programs of the benchmark call no function of the host that reads its context.
  const environment = { ...host, functions: [...host.functions, waits] } as unknown as EngineOptions['environment'];
  const engine = createEngine({ module, environment, ...options });
  return {
    engine,
    environment,
    async load(revision, code, extra = {}) {
      const loaded = await engine.load({
        namespaceUid: 'uid-a',
        namespace: 'a',
        name: 'fn',
        revision,
        code,
        modules: new Map(),
        env: new Map([['CHANNEL', '#ops']]),
        expressions: new Map(),
        limits: { ...testLimits, ...extra },
      });
      if (!loaded.ok) throw new Error(`${revision} does not load: ${loaded.mistakes[0]?.message ?? ''}`);
    },
    call: (revision, extra = {}) =>
      engine.call({
        callId: 'c',
        revision,
        target: { handler: 'default' },
        arguments: [event],
        context: undefined,
        ...extra,
      }),
  };
}
