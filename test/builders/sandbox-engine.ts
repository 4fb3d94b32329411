/** An engine with a few host functions of its own, for tests that attack it; and a neighbour that shows it still works. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../src/lua/engine.ts';
import { meterLua } from '../../src/lua/metering.ts';
import type { Engine } from '../../src/lua/engine-contract.ts';
import { LuaRaise, Results, type CallResult, type HostEnvironment, type HostFunction } from '../../src/lua/types.ts';
import { load, program, valueOf, type Loaded, type ProgramParts } from './lua-program.ts';

/** What host functions of the tests see: a list they write to, and a secret only they may know. */
export interface TestContext {
  readonly seen: unknown[];
  readonly secret: string;
}

export const hostSecret = 'S3CRET-of-the-host-9f2c';

export function testContext(): TestContext {
  return { seen: [], secret: hostSecret };
}

/** Rejects when the call ends, so that nothing of it stays behind. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new LuaRaise('the call has ended'));
    });
  });
}

/** Host functions that behave like the real ones where an attack needs them. */
export const testFunctions: readonly HostFunction<TestContext>[] = [
  {
    kind: 'direct',
    name: 'test.echo',
    atLoad: true,
    run: (args) => new Results(...Array.from({ length: args.count }, (_, index) => args.value(index + 1))),
  },
  {
    kind: 'direct',
    name: 'test.see',
    atLoad: true,
    run: (args, call) => {
      call.context.seen.push(args.value(1));
      return undefined;
    },
  },
  { kind: 'direct', name: 'test.bytes', atLoad: true, run: (args) => args.bytes(1).length },
  { kind: 'direct', name: 'test.text', atLoad: true, run: (args) => args.text(1) },
  {
    kind: 'direct',
    name: 'test.raise',
    atLoad: true,
    run: (args) => {
      throw new LuaRaise('raised by the host', args.value(1));
    },
  },
  {
    kind: 'direct',
    name: 'test.broken',
    atLoad: true,
    run: (_args, call) => {
      throw new TypeError(`a defect near ${call.context.secret} in ${import.meta.filename}`);
    },
  },
  {
    kind: 'waiting',
    name: 'test.sleep',
    atLoad: false,
    run: async (args, call) => {
      const ms = args.number(1);
      const answer = args.value(2);
      const bytes = typeof answer === 'string' ? answer.length : 0;
      call.hold(bytes);
      await wait(ms, call.signal);
      call.hold(-bytes);
      return answer;
    },
  },
  {
    kind: 'waiting',
    name: 'test.soon',
    atLoad: false,
    run: async (args) => args.value(1),
  },
  {
    kind: 'waiting',
    name: 'test.never',
    atLoad: false,
    run: async (args, call) => {
      args.value(1);
      await wait(2_000_000, call.signal);
      return undefined;
    },
  },
  {
    kind: 'waiting',
    name: 'test.fails',
    atLoad: false,
    run: async (_args, call) => {
      await Promise.resolve();
      throw new Error(`refused by ${call.context.secret}`);
    },
  },
  {
    kind: 'waiting',
    name: 'test.rejects',
    atLoad: false,
    run: async (args) => {
      const value = args.value(1);
      await Promise.resolve();
      throw new LuaRaise('rejected by the host', value);
    },
  },
];

export const testEnvironment: HostEnvironment<TestContext> = {
  functions: testFunctions,
  preludes: [],
  requirable: new Map([['echo', 'test']]),
};

/** A function of another namespace that answers rightly only in a clean, working machine. */
const neighbourCode = `
local count = 0
return function(n)
  count = count + 1
  local t = { 5, 3, 4, 1, 2 }
  table.sort(t)
  local s = ("%d|%s|%s"):format(n, table.concat(t, ","), ("abc"):upper())
  local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
  local ok, e = pcall(error, { code = n })
  local extra = {}
  for k in pairs(_G) do if type(k) ~= "string" or k:find("^leak") then extra[#extra + 1] = tostring(k) end end
  return { s, co(n), co(n), ok, e.code, count, #extra, getmetatable("") == false, tostring(leaked), #test.echo(("x"):rep(n % 50)) }
end
`;

function expectedOfNeighbour(n: number): unknown[] {
  return [`${n}|1,2,3,4,5|ABC`, n + 1, n * 2, false, n, 1, 0, true, 'nil', n % 50];
}

/** An engine under attack. */
export interface Workbench {
  readonly engine: Engine<TestContext>;
  readonly context: TestContext;
  /** What the engine reported to its host, the first hundred. */
  readonly defects: readonly unknown[];
  load(code: string, parts?: ProgramParts): Promise<Loaded<TestContext>>;
  /** Loads code that must load, and gives what calls it. */
  loadGood(code: string, parts?: ProgramParts): Promise<Loaded<TestContext>>;
  /** Runs code once: loads it, calls `default`, unloads it. */
  run(code: string, args?: Parameters<Loaded<TestContext>['call']>[0], parts?: ProgramParts): Promise<CallResult>;
  /** Calls a function of another namespace and checks every byte of its answer. */
  checkNeighbour(): Promise<void>;
}

const mostDefects = 100;
let turns = 0;

let metered: Promise<WebAssembly.Module> | undefined;

/** The rewritten binary: made once per process. */
export function meteredModule(): Promise<WebAssembly.Module> {
  metered ??= meterLua();
  return metered;
}

/**
 * CPU time of this thread in milliseconds: the clock for tests of CPU limits, so that a busy machine does not make calls
 * late. Waiting does not move it, so deadlines of waiting calls need the ordinary clock.
 */
export function threadClock(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Opens an engine, hands it to the test and closes it. */
export async function withEngine(
  test: (bench: Workbench) => Promise<void>,
  options: { readonly clock?: () => number } = {},
): Promise<void> {
  const context = testContext();
  const defects: unknown[] = [];
  const ownDefects: unknown[] = [];
  const engine = createEngine<TestContext>({
    module: await meteredModule(),
    environment: testEnvironment,
    ...options,
    onDefect: (error, where) => {
      // A storm makes thousands on purpose: each holds its stack, which would look like memory that the engine keeps.
      if (defects.length < mostDefects) defects.push(error);
      if (where.name === 'engine') ownDefects.push(error);
    },
  });
  try {
    const neighbour = await load(engine, program(neighbourCode, { namespace: 'team-b', name: 'neighbour' }), context);
    assert.equal(neighbour.result.ok, true, JSON.stringify(neighbour.result));
    const bench: Workbench = {
      engine,
      context,
      defects,
      load: (code, parts) => load(engine, program(code, parts), context),
      loadGood: async (code, parts) => {
        const loaded = await load(engine, program(code, parts), context);
        assert.equal(loaded.result.ok, true, JSON.stringify(loaded.result));
        return loaded;
      },
      run: async (code, args, parts) => {
        const loaded = await bench.loadGood(code, parts);
        const result = await loaded.call(args);
        engine.unload(loaded.program.revision);
        return result;
      },
      checkNeighbour: async () => {
        turns += 1;
        assert.deepEqual(valueOf(await neighbour.call([turns])), expectedOfNeighbour(turns));
      },
    };
    await test(bench);
    assert.deepEqual(ownDefects, [], 'no script causes a defect of the engine itself');
  } finally {
    await engine.close();
  }
}

/** A test of code that must end well with these values; afterwards a neighbour is as it was. */
export function gives(name: string, code: string, expected: readonly unknown[]): void {
  test(name, () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run(code);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, expected);
      await checkNeighbour();
    }),
  );
}
