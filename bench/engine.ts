/** Measures the engine: `node bench/engine.ts`. One line per measure with its bar. Runs for about a minute on two cores. */
import { buildBaseImage } from '../src/lua/base-image.ts';
import { createEngine } from '../src/lua/engine.ts';
import { createHostEnvironment } from '../src/host/environment.ts';
import { difference, flatten } from '../src/lua/image.ts';
import { internalFunctions } from '../src/lua/internal-functions.ts';
import { Machine } from '../src/lua/machine.ts';
import { meterLua } from '../src/lua/metering.ts';
import { osFunctions } from '../src/lua/os-functions.ts';
import {
  lazy,
  type CallLimits,
  type CallResult,
  type Engine,
  type LazyTable,
  type LuaInput,
} from '../src/lua/types.ts';

const limits: CallLimits = {
  timeoutMs: 10_000,
  cpuMs: 1000,
  memoryBytes: 16 * 1024 * 1024,
  logBytes: 65_536,
  logLines: 1000,
  hostCalls: 100,
  parallelHostCalls: 16,
  resultBytes: 4 * 1024 * 1024,
};

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

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function line(name: string, value: string, bar: string): void {
  console.log(`${name.padEnd(64)} ${value.padStart(28)}   bar: ${bar}`);
}

const us = (value: number): string => `${value.toFixed(2)} us`;
const ms = (value: number): string => `${value.toFixed(2)} ms`;

function loadCode(engine: Engine, revision: string, code: string, extra: Partial<CallLimits> = {}): Promise<unknown> {
  return engine.load({
    namespaceUid: 'uid-a',
    namespace: 'a',
    name: 'fn',
    revision,
    code,
    modules: new Map(),
    env: new Map([['CHANNEL', '#ops']]),
    expressions: new Map(),
    limits: { ...limits, ...extra },
  });
}

function callOf(engine: Engine, revision: string): CallResult | Promise<CallResult> {
  return engine.call({ callId: 'c', revision, target: { handler: 'default' }, arguments: [event], context: undefined });
}

/** Median over rounds of the mean time of one run, microseconds. */
function each(run: () => void, count: number, rounds = 9): number {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    for (let index = 0; index < count; index += 1) run();
    times.push(((performance.now() - start) / count) * 1000);
  }
  return median(times);
}

function collect(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

const started = performance.now();
const module = await meterLua();
line('rewrite of the Lua binary, once per process', ms(performance.now() - started), '0.3 s');
// The product's host functions without a host behind them, and one that waits.
const host = createHostEnvironment();
const waits = { kind: 'waiting' as const, name: 'bench.wait', atLoad: false, run: () => Promise.resolve('answer') };
const environment = { ...host, functions: [...host.functions, waits] } as unknown as Parameters<
  typeof createEngine
>[0]['environment'];
const engine = createEngine({ module, environment });

const warm = 'return function(event) return event.request.path .. event.request.headers["X-GitHub-Event"] end';
const lower = 'return function(event) return event.request.path .. event.request.headers["x-github-event"] end';
await loadCode(engine, 'empty', 'return function() end');
await loadCode(engine, 'warm', lower);
await loadCode(engine, 'warm-case', warm);
line('warm call of an empty handler', us(each(() => void callOf(engine, 'empty'), 50_000)), '-');
line(
  'warm call: path, one of ten headers, small answer',
  us(each(() => void callOf(engine, 'warm'), 50_000)),
  '2.5 us, 5 at most',
);
line(
  'the same, header asked in another case',
  us(each(() => void callOf(engine, 'warm-case'), 50_000)),
  '5 us at most',
);

const functions = [...internalFunctions, ...osFunctions(), ...environment.functions];
const base = buildBaseImage(module, functions, environment.preludes, environment.requirable);
const machine = new Machine(module, base, base.setmetatableSlot, {
  clock: () => performance.now(),
  threadCpu: () => performance.now(),
  dispatch: undefined as never,
  yieldSlice: () => Promise.resolve(1),
  pulse: () => undefined,
  beat: () => 0,
});
machine.restore(base, undefined, 'a');
const flat = flatten(machine.views.u8, base.heapEnd);
line(
  `restore of a pristine machine (${((flat.heap.length + flat.low.length) / 1024).toFixed(0)} KiB)`,
  us(each(() => machine.restoreFlat(base, flat, 'a'), 50_000)),
  '1.5 us',
);
let tenant = 0;
line(
  'restore for another namespace (stack and heap cleared)',
  us(each(() => machine.restoreFlat(base, flat, String((tenant += 1))), 5000)),
  '-',
);

// First call of functions never called before, each in a restored machine of another function.
const firsts: number[] = [];
for (let index = 0; index < 300; index += 1) {
  await loadCode(engine, `first-${index}`, `local n = ${index}\n${lower}`);
}
for (let index = 0; index < 300; index += 1) {
  const start = performance.now();
  void callOf(engine, `first-${index}`);
  firsts.push((performance.now() - start) * 1000);
}
line(
  'first call of a function, image kept',
  `${us(median(firsts))}, p99 ${us(quantile(firsts, 0.99))}`,
  '1 ms above warm',
);
const cold = createEngine({ module, environment, imageBytes: 0 });
const lines = Array.from(
  { length: 240 },
  (_, index) => `local function f${index % 150}(x) return x + ${index} end`,
).slice(0, 150);
await loadCode(cold, 'long-source', `do ${lines.join('\n')} end\n${lower}`);
await loadCode(cold, 'other', lower);
const colds: number[] = [];
for (let index = 0; index < 300; index += 1) {
  const start = performance.now();
  await callOf(cold, index % 2 === 0 ? 'long-source' : 'other');
  if (index % 2 === 0) colds.push((performance.now() - start) * 1000);
}
line(
  'the same from bytecode, 150 functions, image evicted',
  `${us(median(colds))}, p99 ${us(quantile(colds, 0.99))}`,
  '1 ms above warm',
);
await cold.close();

// Parking: the machine of a waiting call is given to another, then taken back.
machine.restore(base, undefined, 'a');
machine.exports.lua_createtable(base.thread, 0, 64);
for (let index = 0; index < 40; index += 1) {
  machine.views.refresh();
  machine.views.pushText(base.thread, `key ${index} with some text behind it`);
  machine.exports.lua_rawseti(base.thread, -2, BigInt(index + 1));
}
const parked = difference(machine.views.u8, base, machine.heapEnd, 'own');
const park = each(() => void difference(machine.views.u8, base, machine.heapEnd, 'own'), 5000);
const resume = each(() => machine.restore(base, parked, 'a'), 5000);
line(`park + resume of a call (${(parked.bytes / 1024).toFixed(1)} KiB)`, `${us(park)} + ${us(resume)}`, '15 us');
await loadCode(engine, 'wait', 'return function(event) local a = bench.wait() return a .. event.request.path end');
const many: number[] = [];
for (let round = 0; round < 5; round += 1) {
  const start = performance.now();
  await Promise.all(Array.from({ length: 1000 }, async () => callOf(engine, 'wait')));
  many.push(((performance.now() - start) / 1000) * 1000);
}
line('1,000 calls at once, each waits once: per call', us(median(many)), '-');

// 10,000 functions.
collect();
const before = process.memoryUsage().rss;
const loadStart = performance.now();
for (let index = 0; index < 10_000; index += 1) await loadCode(engine, `idle-${index}`, `local n = ${index}\n${lower}`);
const loadTime = (performance.now() - loadStart) / 10_000;
collect();
line(
  'resident bytes per idle function at 10,000',
  `${((process.memoryUsage().rss - before) / 10_000 / 1024).toFixed(1)} KiB`,
  '10 KiB',
);
line('load of a small function', ms(loadTime), '-');
let next = 0;
line(
  'uniform traffic over 10,000 functions: per call',
  us(each(() => void callOf(engine, `idle-${(next += 7919) % 10_000}`), 10_000)),
  '-',
);

// Runaway scripts beside short calls.
await loadCode(engine, 'endless', 'return function() while true do end end', { cpuMs: 200, timeoutMs: 5000 });
await loadCode(engine, 'endless-pattern', 'return function() return ("a"):rep(30000):find(".-.-.-.-b") end', {
  cpuMs: 200,
});
const overshoot: number[] = [];
for (const name of ['endless', 'endless-pattern', 'endless', 'endless-pattern']) {
  const result = await callOf(engine, name);
  overshoot.push(result.usage.cpuMs - 200);
}
line('runaway script: CPU over its limit of 200 ms, worst', ms(Math.max(...overshoot)), '10 % or 20 ms');
const late: number[] = [];
const endless = Array.from({ length: 4 }, async () => callOf(engine, 'endless'));
const state = { busy: true };
void Promise.all(endless).then(() => (state.busy = false));
while (state.busy) {
  const due = performance.now() + 1;
  await new Promise((resolve) => setTimeout(resolve, 1));
  void callOf(engine, 'warm');
  late.push(performance.now() - due);
}
line(
  'a short call each millisecond beside 4 endless ones: late',
  `${ms(median(late))}, p99 ${ms(quantile(late, 0.99))}`,
  'p99 5 ms above normal',
);

// Hostile calls with a good one after each.
const hostile = [
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
for (const [index, code] of hostile.entries())
  await loadCode(engine, `hostile-${index}`, `return function() ${code} end`, { cpuMs: 5, memoryBytes: 1024 * 1024 });
const pairs = Number(process.argv[2] ?? 2000);
let right = 0;
const rss = process.memoryUsage().rss;
const hostileStart = performance.now();
for (let index = 0; index < pairs; index += 1) {
  await callOf(engine, `hostile-${index % hostile.length}`);
  const good = await callOf(engine, 'warm');
  if (good.kind === 'ok' && good.values[0] === '/deploypush') right += 1;
}
const hostileTime = (performance.now() - hostileStart) / pairs;
line(`hostile calls: right answers after them (${ms(hostileTime)} a pair)`, `${right} of ${pairs}`, 'all');
line('growth meanwhile', `${((process.memoryUsage().rss - rss) / 1048576).toFixed(1)} MiB`, 'none');
await engine.close();
