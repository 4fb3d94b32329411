/**
 * A storm of hostile and good calls, mixed at random, many at once. Run by the tests with 10,000 calls; by hand with more:
 * `node test/sandbox/storm.ts 100000`.
 */
import { parseArgs } from 'node:util';
import type { CallResult } from '../../src/lua/types.ts';
import { program, load, type Loaded } from '../builders/lua-program.ts';
import { withEngine, type TestContext } from '../builders/sandbox-engine.ts';
import { asHandler, asTopLevel, endlessFamilies } from './corpus/endless-loops.ts';
import { memoryBombs } from './corpus/memory-bombs.ts';

export interface StormReport {
  readonly calls: number;
  readonly good: number;
  /** Good calls with any other answer than the right one. */
  readonly wrong: readonly string[];
  readonly hostile: ReadonlyMap<string, number>;
  readonly loads: number;
  readonly seconds: number;
  /** Resident memory after the warm-up and at the end, in MiB, garbage collected where the process allows it. */
  readonly residentBefore: number;
  readonly residentAfter: number;
  /** Array buffers and WebAssembly memories of the process, in MiB. */
  readonly externalBefore: number;
  readonly externalAfter: number;
}

/** Linear congruential generator of Knuth (MMIX): a storm can be repeated. */
function randomSource(seed: bigint): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((state >> 33n) % BigInt(below));
  };
}

const limits = { cpuMs: 20, timeoutMs: 2000, memoryBytes: 2 * 1024 * 1024 };

/** Ends soon, in hostile ways: nearly all calls of the storm. */
const quickAttacks: readonly string[] = [
  'for k in pairs(_G) do _G[k] = nil end error("gone")',
  'string.format = nil string.rep = error ("x").upper = nil',
  'getmetatable(json.array({})).__index = error return json.array({})',
  'local t = {} t.t = t return t',
  'error(setmetatable({}, { __tostring = function() error("again") end }))',
  'local function f() return f() + 1 end f()',
  'coroutine.wrap(function() coroutine.wrap(function() error({ 1, 2 }) end)() end)()',
  'return test.echo({ __proto__ = { polluted = 1 }, constructor = "c" })',
  'test.broken()',
  'test.fails()',
  'test.rejects({ code = 1 })',
  'coroutine.yield(1, 2, 3)',
  'return load("\\27Lua")',
  'local co = coroutine.create(function() test.sleep(1) end) coroutine.resume(co) error("left " .. tostring(co))',
  'parallel(function() test.sleep(1) end, function() error("branch") end)',
  'parallel(function() exit(500) end, function() test.sleep(2) end)',
  'local c <close> = setmetatable({}, { __close = function() error("in close") end }) error("first")',
  'exit(204, ("x"):rep(1000))',
  'local keep = {} for i = 1, 3000 do keep[i] = ("x"):rep(i % 50) .. i end return #keep',
  'return ("a"):rep(1000000000)',
  'return table.unpack({}, 1, 1e9)',
  'pcall(setmetatable, {}, { __gc = function() while true do end end }) return print',
  'for i = 1, 200 do print(("log"):rep(i)) end error(("m"):rep(100000))',
  'for i = 1, 200 do test.soon(i) end',
  'return { [print] = 1 }',
  'local _ENV = nil return x',
  'return require("\\0")',
  'local s = ("\\0\\255"):rep(5000) return test.bytes(s), s',
];

const goodCode = `
local calls = 0
local function work(n)
  local t = {}
  for i = 1, 20 do t[i] = (n * 7919 + i * 104729) % 1000 end
  table.sort(t)
  local co = coroutine.wrap(function(a) local b = coroutine.yield(a * 2) return a + b end)
  local doubled = co(n)
  return ("%d:%s:%d:%d"):format(n, table.concat(t, ","), doubled, co(1))
end
return {
  plain = function(n) calls = calls + 1 return work(n), calls end,
  waits = function(n) calls = calls + 1 local back = test.soon(n) local again = test.sleep(n % 3, n) assert(back == n and again == n) return work(n), calls end,
  fails = function(n) calls = calls + 1 local ok, e = pcall(error, { n = n }) return work(e.n), calls end,
  echoes = function(n) calls = calls + 1 local t = test.echo({ n = n, list = { 1, n }, s = ("\\0\\u{20AC}"):rep(n % 20) }) return work(t.list[2]), calls end,
}`;

/** What the good function must answer for `n`. */
export function rightAnswer(n: number): string {
  const list = Array.from({ length: 20 }, (_, index) => (n * 7919 + (index + 1) * 104729) % 1000).sort((a, b) => a - b);
  return `${n}:${list.join(',')}:${n * 2}:${n + 1}`;
}

/** The second value counts calls on the same state: always the first. */
export function isRight(result: CallResult, n: number): boolean {
  return result.kind === 'ok' && result.values[0] === rightAnswer(n) && result.values[1] === 1;
}

function mebibytes(bytes: number): number {
  return Math.round((bytes / 1048576) * 10) / 10;
}

async function collected(): Promise<NodeJS.MemoryUsage> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage();
}

/** Makes so many calls; about one in fifty never ends by itself, one in a hundred attacks while it loads. */
export async function runStorm(
  total: number,
  seed = 7n,
  tell: (line: string) => void = () => undefined,
): Promise<StormReport> {
  const random = randomSource(seed);
  const endless = Object.values(endlessFamilies).flat();
  const wrong: string[] = [];
  const hostile = new Map<string, number>();
  let [good, loads] = [0, 0];
  let report: StormReport | undefined;
  await withEngine(async ({ engine, context, checkNeighbour }) => {
    const open = (code: string, namespace: string, name: string): Promise<Loaded<TestContext>> =>
      load(engine, program(code, { namespace, name, limits }), context);
    const goods = await Promise.all(
      ['good-1', 'good-2', 'good-3', 'good-4'].map((namespace) => open(goodCode, namespace, 'good')),
    );
    const quick = await Promise.all(
      quickAttacks.map((code, n) => open(`return function() ${code} end`, `evil-${n % 5}`, `quick-${n}`)),
    );
    const slow = await Promise.all(
      [...endless, ...memoryBombs].map((script, n) => open(asHandler(script), `evil-${n % 5}`, `slow-${n}`)),
    );
    const handlers = ['plain', 'waits', 'fails', 'echoes'];

    const attackWhileLoading = async (): Promise<void> => {
      const script = endless[random(endless.length)] ?? endless[0];
      if (script === undefined) return;
      loads += 1;
      const attack = program(asTopLevel(script, true), { namespace: 'evil-load', name: 'loader', limits });
      const result = await engine.load(attack);
      if (result.ok) wrong.push(`an endless top level was loaded: ${script.name}`);
      engine.unload(attack.revision);
    };
    const call = async (): Promise<void> => {
      const dice = random(100);
      if (dice < 1) return attackWhileLoading();
      if (dice < 3) {
        const result = await slow[random(slow.length)]?.call([true]);
        if (result !== undefined) hostile.set(result.kind, (hostile.get(result.kind) ?? 0) + 1);
        return undefined;
      }
      if (dice < 40) {
        const result = await quick[random(quick.length)]?.call();
        if (result !== undefined) hostile.set(result.kind, (hostile.get(result.kind) ?? 0) + 1);
        return undefined;
      }
      const n = random(1000);
      const handler = handlers[random(handlers.length)] ?? 'plain';
      const result = await goods[random(goods.length)]?.call([n], {
        target: { handler },
        limits: { cpuMs: 5000, timeoutMs: 60_000 },
      });
      good += 1;
      if (result === undefined || !isRight(result, n))
        wrong.push(`${handler}(${n}): ${JSON.stringify(result).slice(0, 300)}`);
      return undefined;
    };
    const batch = async (count: number): Promise<void> => {
      let left = count;
      const lane = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          await call();
        }
      };
      await Promise.all(Array.from({ length: 16 }, lane));
    };

    // Half of a short storm: until then pools make the machines they keep.
    const warmUp = Math.min(5000, Math.floor(total / 2));
    await batch(warmUp);
    const before = await collected();
    const started = performance.now();
    for (let done = warmUp; done < total; done += 5000) {
      await batch(Math.min(5000, total - done));
      tell(
        `${Math.min(total, done + 5000)} calls, ${wrong.length} wrong, ${mebibytes(process.memoryUsage().rss)} MiB resident`,
      );
    }
    const seconds = (performance.now() - started) / 1000;
    await checkNeighbour();
    const after = await collected();
    const stats = engine.stats();
    if (stats.runningCalls !== 0 || stats.parkedCalls !== 0 || stats.parkedBytes !== 0)
      wrong.push(`left behind: ${JSON.stringify(stats)}`);
    report = {
      calls: total,
      good,
      wrong,
      hostile,
      loads,
      seconds,
      residentBefore: mebibytes(before.rss),
      residentAfter: mebibytes(after.rss),
      externalBefore: mebibytes(before.external),
      externalAfter: mebibytes(after.external),
    };
  });
  if (report === undefined) throw new Error('the storm did not end');
  return report;
}

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true });
  const report = await runStorm(Number(positionals[0] ?? 100_000), 7n, (line) => console.error(line));
  console.log(report);
  process.exitCode = report.wrong.length === 0 ? 0 : 1;
}
