/** The raw memory of a machine holds no byte of another namespace while it serves one: stack, heap, grown memory, scratch. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createEngine } from '../../src/lua/engine.ts';
import type { Engine } from '../../src/lua/engine-contract.ts';
import type { HostEnvironment } from '../../src/lua/types.ts';
import { type ProgramParts, load, program, textOf } from '../builders/lua-program.ts';
import { meteredModule, testFunctions, type TestContext } from '../builders/sandbox-engine.ts';

/** Every memory the process makes from here on: the host looks at machines as a debugger would. */
const memories: WebAssembly.Memory[] = [];
const OriginalInstance = WebAssembly.Instance;
WebAssembly.Instance = class extends OriginalInstance {
  constructor(module: WebAssembly.Module, imports: ConstructorParameters<typeof OriginalInstance>[1]) {
    super(module, imports);
    const { memory } = this.exports;
    if (memory instanceof WebAssembly.Memory) memories.push(memory);
  }
};
after(() => {
  WebAssembly.Instance = OriginalInstance;
});

function count(bytes: Buffer, text: string): number {
  let found = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) found += 1;
  return found;
}

interface Finding {
  /** Machines that hold the nonce of the running call. */
  readonly machines: number;
  /** Occurrences of the other's marker in them. */
  readonly foreign: number;
  /** Where the first one lies. */
  readonly at: number;
}

/** The marker is made of pieces in Lua so that it is in no source text. */
const marker = 'A-MARKER-52c9d1';
const markerInLua = '("A-MAR" .. "KER-52c9d1")';

function scan(nonce: string): Finding {
  let [machines, foreign, at] = [0, 0, -1];
  for (const memory of memories) {
    const bytes = Buffer.from(memory.buffer);
    if (bytes.indexOf(nonce) < 0) continue;
    machines += 1;
    foreign += count(bytes, marker);
    if (at < 0) at = bytes.indexOf(marker);
  }
  return { machines, foreign, at };
}

const environment: HostEnvironment<TestContext> = {
  functions: [
    ...testFunctions,
    { kind: 'direct', name: 'probe.scan', atLoad: false, run: (args) => ({ ...scan(args.text(1)) }) },
  ],
  preludes: [],
  requirable: new Map(),
};

async function withMachines(
  testBody: (open: (code: string, parts: ProgramParts) => ReturnType<typeof load<TestContext>>) => Promise<void>,
): Promise<void> {
  memories.length = 0;
  const engine: Engine<TestContext> = createEngine<TestContext>({
    module: await meteredModule(),
    environment,
    machines: 2,
    slicedMachines: 1,
  });
  try {
    await testBody((code, parts) => load(engine, program(code, parts), { seen: [], secret: '' }));
  } finally {
    await engine.close();
  }
}

/** Fills C stack, Lua stacks, strings, tables, buffers, scratch and grown memory with the marker, then ends in some way. */
const filler = `
return function(way, given)
  local m = ${markerInLua}
  local function inC(depth)
    if depth == 0 then return m end
    return (m:rep(10):gsub("^.*$", function(s) inC(depth - 1) return s end))
  end
  pcall(inC, 150)
  pcall(string.format, ("%s "):rep(20), table.unpack({ m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m }))
  local _ = ("%99s"):format(m)
  table.sort({ m .. 3, m .. 1, m .. 2 })
  _ = ("s4z"):pack(m, m)
  pcall(error, m)
  pcall(load, "return '" .. m .. "' ((")
  test.echo({ [m] = m, { m } })
  local keep = {}
  for i = 1, 20000 do keep[i] = m .. i end
  local big = m:rep(200000)
  local function deep(n) local s = m if n == 0 then return big end return deep(n - 1), s end
  deep(5000)
  local cos = {}
  for i = 1, 50 do cos[i] = coroutine.wrap(function(a) local b = a .. i coroutine.yield(b) end) cos[i](m) end
  if way == "error" then error(m) end
  if way == "cpu" then while true do m = m .. "" end end
  if way == "memory" then while true do big = big .. big end end
  if way == "timeout" then test.never(m) end
  if way == "exit" then exit(200, m) end
  if way == "wait" then test.sleep(1, m) end
  return m, given
end`;

/** Runs in another namespace, keeps a nonce in its memory and lets the host look at the machine that holds it. */
const looker = `
return function(a, b, wait)
  local nonce = a .. b
  if wait then test.sleep(1, nonce) end
  local deep = coroutine.wrap(function() return probe.scan(nonce) end)
  local found = deep()
  return found.machines, found.foreign, found.at, #nonce
end`;

const limits = { memoryBytes: 24 * 1024 * 1024, cpuMs: 4000, timeoutMs: 20_000 };
/** Ends that need a limit to be met soon. */
function limitsOf(way: string): { readonly cpuMs?: number; readonly timeoutMs?: number } {
  return way === 'cpu' ? { cpuMs: 400 } : way === 'timeout' ? { timeoutMs: 500 } : {};
}
let nonces = 0;

describe('a machine that serves another namespace', () => {
  for (const way of ['ok', 'error', 'cpu', 'memory', 'timeout', 'exit', 'wait']) {
    test(`holds nothing of a call that filled it and ended by ${way}`, () =>
      withMachines(async (open) => {
        const a = await open(filler, { namespace: 'team-a', limits });
        const b = await open(looker, { namespace: 'team-b', limits });
        assert.ok(a.result.ok && b.result.ok, JSON.stringify([a.result, b.result]));
        for (let round = 0; round < 2; round += 1) {
          const filled = await a.call([way, marker], { limits: limitsOf(way) });
          assert.equal(filled.kind, way === 'wait' ? 'ok' : way, JSON.stringify(filled).slice(0, 300));
          const everywhere = memories.reduce((sum, memory) => sum + count(Buffer.from(memory.buffer), marker), 0);
          assert.ok(everywhere > 1000, `control: the marker was everywhere (${everywhere})`);
          for (let turn = 0; turn < 3; turn += 1) {
            nonces += 1;
            const result = await b.call([`nonce-${nonces}-`, 'of-b'.repeat(8), turn === 2]);
            assert.equal(result.kind, 'ok', JSON.stringify(result));
            const [machines, foreign, at] = result.values;
            assert.ok((machines as number) >= 1, 'the host found the machine');
            assert.equal(foreign, 0, `the marker of team-a lies at ${textOf(at)}`);
          }
        }
      }));
  }

  test('control: in a machine of the same namespace the leavings are found', () =>
    withMachines(async (open) => {
      const a = await open(filler, { namespace: 'team-a', limits });
      const b = await open(looker, { namespace: 'team-a', name: 'looker', limits });
      await a.call(['ok', marker]);
      nonces += 1;
      const result = await b.call([`nonce-${nonces}-`, 'of-a'.repeat(8), false]);
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      assert.ok((result.values[1] as number) > 0, 'the scan finds what is there');
    }));

  test('holds nothing of a module that filled it while loading', () =>
    withMachines(async (open) => {
      const b = await open(looker, { namespace: 'team-b', limits });
      for (const code of [
        `local m = ${markerInLua} local keep = {} for i = 1, 20000 do keep[i] = m .. i end return function() return #keep end`,
        `local m = ${markerInLua} local keep = {} for i = 1, 20000 do keep[i] = m .. i end error(m)`,
        `local m = ${markerInLua} local keep = {} for i = 1, 20000 do keep[i] = m .. i end while true do end`,
        `-- ${marker} ${marker}\nreturn function( syntax error`,
      ]) {
        await open(code, { namespace: 'team-a', env: { SECRET: marker }, limits: { ...limits, cpuMs: 50 } });
        for (let turn = 0; turn < 3; turn += 1) {
          nonces += 1;
          const result = await b.call([`nonce-${nonces}-`, 'of-b'.repeat(8), turn === 2]);
          assert.equal(result.kind, 'ok', JSON.stringify(result));
          assert.equal(result.values[1], 0, `after loading: at ${textOf(result.values[2])}`);
        }
      }
    }));

  test('holds nothing of arguments, env and event of the other, which it never made itself', () =>
    withMachines(async (open) => {
      const a = await open('return function(t) return t.a.b, env.SECRET end', {
        namespace: 'team-a',
        env: { SECRET: marker },
        limits,
      });
      const b = await open(looker, { namespace: 'team-b', limits });
      for (let round = 0; round < 5; round += 1) {
        await a.call([{ a: { b: marker.repeat(1000), [marker]: [marker] } }]);
        nonces += 1;
        const result = await b.call([`nonce-${nonces}-`, 'of-b'.repeat(8), round % 2 === 1]);
        assert.equal(result.kind, 'ok', JSON.stringify(result));
        assert.equal(result.values[1], 0, `at ${textOf(result.values[2])}`);
      }
    }));

  test('holds nothing of calls that run in slices', () =>
    withMachines(async (open) => {
      const a = await open(filler.replace('local m =', 'for _ = 1, 3000000 do end local m ='), {
        namespace: 'team-a',
        limits,
      });
      const b = await open(looker.replace('local nonce =', 'for _ = 1, 3000000 do end local nonce ='), {
        namespace: 'team-b',
        limits,
      });
      for (let round = 0; round < 4; round += 1) {
        const filled = await a.call([round % 2 === 0 ? 'ok' : 'memory', marker]);
        assert.ok(['ok', 'memory'].includes(filled.kind), JSON.stringify(filled).slice(0, 300));
        nonces += 1;
        const result = await b.call([`nonce-${nonces}-`, 'of-b'.repeat(8), false]);
        assert.equal(result.kind, 'ok', JSON.stringify(result));
        assert.equal(result.values[1], 0, `at ${textOf(result.values[2])}`);
      }
      nonces += 1;
      // One that is begun plainly and run again in slices leaves its own arguments in two machines, both of its namespace.
      const [machines, foreign] = [await b.call([`nonce-${nonces}-`, 'of-b', false])].flatMap((result) =>
        result.kind === 'ok' ? result.values : [],
      );
      assert.ok(machines === 1 || machines === 2, `${textOf(machines)} machines`);
      assert.equal(foreign, 0);
    }));
});
