/** The Lua engine alone, on one thread: calls, images, parking, memory of idle functions, scripts that misbehave. */
import { buildBaseImage } from '../src/lua/base-image.ts';
import { type Delta, differenceInBlocks, flatten } from '../src/lua/image.ts';
import { internalFunctions } from '../src/lua/internal-functions.ts';
import { Machine } from '../src/lua/machine.ts';
import { meterLua } from '../src/lua/metering.ts';
import { osFunctions } from '../src/lua/os-functions.ts';
import { collectGarbage, hostilePairs, runaways } from './engine-hostile.ts';
import { measuredEngine, readingCode, type MeasuredEngine } from './engine-programs.ts';
import { quantile, type Measure, type Suite, type Unmeasured } from './measure.ts';

const idleFunctions = 10_000;

const median = (values: readonly number[]): number => quantile(values, 0.5);
const atMost = (value: number) => ({ compare: '<=' as const, value });

/** Calls made before the event loop gets its turn: endless rows of calls in one turn are no traffic. */
const callsPerTurn = 50;

/** Means of one call in microseconds, a round each. Calls that waited for a turn (the machine was busy) do not count. */
async function callRounds(make: () => unknown, count: number, times = 9): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < times; round += 1) {
    let [spent, counted] = [0, 0];
    while (counted < count) {
      const start = performance.now();
      const waiting: Promise<unknown>[] = [];
      for (let index = 0; index < callsPerTurn; index += 1) {
        const result = make();
        if (result instanceof Promise) waiting.push(result);
      }
      const took = performance.now() - start;
      await Promise.all(waiting);
      await new Promise((resolve) => setImmediate(resolve));
      if (waiting.length > 0) continue;
      spent += took;
      counted += callsPerTurn;
    }
    samples.push((spent / counted) * 1000);
  }
  return samples;
}

/** Means of one run in microseconds, a round each. */
function rounds(run: () => void, count: number, times = 9): number[] {
  return Array.from({ length: times }, () => {
    const start = performance.now();
    for (let index = 0; index < count; index += 1) run();
    return ((performance.now() - start) / count) * 1000;
  });
}

function spread(samples: readonly number[]): string {
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  return `median of ${samples.length} rounds, ${least.toFixed(2)} to ${most.toFixed(2)}`;
}

function perRun(name: string, samples: readonly number[], goal?: number): Measure {
  const goals = goal === undefined ? {} : { goal: atMost(goal) };
  return { name, value: median(samples), unit: 'µs', ...goals, note: spread(samples) };
}

async function warmCalls({ load, call }: MeasuredEngine): Promise<Measure[]> {
  await load('empty', 'return function() end');
  await load('reading', readingCode);
  await load('other-case', readingCode.replace('x-github-event', 'X-GitHub-Event'));
  const time = (revision: string): Promise<number[]> => callRounds(() => call(revision), 20_000);
  return [
    perRun('warm call of an empty handler', await time('empty')),
    perRun('warm call: path, one of ten headers, small answer', await time('reading'), 2.5),
    perRun('the same, header asked in another case', await time('other-case'), 5),
  ];
}

/** A machine of its own, without calls. */
function bareMachine(module: WebAssembly.Module, { environment }: MeasuredEngine) {
  const functions = [...internalFunctions, ...osFunctions(), ...environment.functions];
  const base = buildBaseImage(module, functions, environment.preludes, environment.requirable);
  const clock = (): number => performance.now();
  const machine = new Machine(module, base, {
    clock,
    threadCpu: clock,
    // No Lua runs in it.
    dispatch: undefined as never,
    yieldSlice: () => Promise.resolve(1),
    pulse: () => undefined,
    spent: () => undefined,
    beat: () => 0,
  });
  machine.restore(base, undefined, 'a');
  return { machine, base };
}

function restores(module: WebAssembly.Module, measured: MeasuredEngine): Measure[] {
  const { machine, base } = bareMachine(module, measured);
  const flat = flatten(machine.views.u8, base, base.heapEnd);
  const kilobytes = ((flat.heap.length + flat.writable.length) / 1024).toFixed(0);
  const same = rounds(() => machine.restoreFlat(base, flat, 'a'), 30_000);
  let tenant = 0;
  const other = rounds(() => machine.restoreFlat(base, flat, String((tenant += 1))), 3000);
  machine.restore(base, undefined, 'a');
  machine.exports.lua_createtable(base.thread, 0, 64);
  for (let index = 0; index < 40; index += 1) {
    machine.views.refresh();
    machine.views.pushText(base.thread, `key ${index} with some text behind it`);
    machine.exports.lua_rawseti(base.thread, -2, BigInt(index + 1));
  }
  const park = (): Delta => differenceInBlocks(machine.exports, machine.views.u8, base.loaded, machine.heapEnd);
  const parked = park();
  const parking = rounds(() => machine.restore(base, park(), 'a'), 3000);
  return [
    perRun(`restore of a pristine machine (${kilobytes} KiB)`, same, 1.5),
    perRun('restore for another namespace, stack and heap cleared', other),
    perRun(`park and resume of a waiting call (${(parked.bytes / 1024).toFixed(1)} KiB)`, parking, 15),
  ];
}

async function firstCalls(module: WebAssembly.Module, { load, call }: MeasuredEngine): Promise<Measure[]> {
  const kept: number[] = [];
  for (let index = 0; index < 300; index += 1) await load(`first-${index}`, `local n = ${index}\n${readingCode}`);
  for (let index = 0; index < 300; index += 1) {
    const start = performance.now();
    await call(`first-${index}`);
    kept.push(performance.now() - start);
  }
  const cold = measuredEngine(module, { imageBytes: 0 });
  const lines = Array.from({ length: 150 }, (_, index) => `local function f${index}(x) return x + ${index} end`);
  await cold.load('long', `do ${lines.join('\n')} end\n${readingCode}`);
  await cold.load('other', readingCode);
  const evicted: number[] = [];
  for (let index = 0; index < 300; index += 1) {
    await cold.call('other');
    const start = performance.now();
    await cold.call('long');
    evicted.push(performance.now() - start);
  }
  await cold.engine.close();
  const measure = (name: string, samples: readonly number[]): Measure => ({
    name,
    value: median(samples),
    unit: 'ms',
    goal: atMost(1),
    note: `p99 ${quantile(samples, 0.99).toFixed(3)} ms, n = ${samples.length}`,
  });
  return [
    measure('first call of a function, image kept', kept),
    measure('the same from bytecode: 150 functions in the source, image evicted', evicted),
  ];
}

async function manyWaits({ load, call }: MeasuredEngine): Promise<Measure> {
  await load('wait', 'return function(event) local a = bench.wait() return a .. event.request.path end');
  const samples: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    await Promise.all(Array.from({ length: 1000 }, async () => call('wait')));
    samples.push(performance.now() - start);
  }
  return perRun('1,000 calls at once, each waits once: one of them', samples);
}

async function idleMemory({ load, call }: MeasuredEngine): Promise<Measure[]> {
  collectGarbage();
  const before = process.memoryUsage().rss;
  const start = performance.now();
  for (let index = 0; index < idleFunctions; index += 1)
    await load(`idle-${index}`, `local n = ${index}\n${readingCode}`);
  const each = (performance.now() - start) / idleFunctions;
  collectGarbage();
  const kilobytes = (process.memoryUsage().rss - before) / idleFunctions / 1024;
  let next = 0;
  const uniform = await callRounds(() => call(`idle-${(next += 7919) % idleFunctions}`), 10_000, 5);
  return [
    {
      name: 'resident memory of an idle function',
      value: kilobytes,
      unit: 'KiB',
      goal: atMost(10),
      note: `n = ${idleFunctions}`,
    },
    { name: 'load of a small function', value: each, unit: 'ms', note: `mean of ${idleFunctions}` },
    perRun(`uniform traffic over ${idleFunctions} functions: one call`, uniform),
  ];
}

const elsewhere: readonly Unmeasured[] = [
  { name: 'host work around a call', reason: 'part of a whole request: see the suite http' },
  { name: 'Lua conformance', reason: 'judged by tests: test/conformance' },
];

async function run(progress: (line: string) => void): Promise<readonly (Measure | Unmeasured)[]> {
  const started = performance.now();
  const module = await meterLua();
  const rewrite: Measure = {
    name: 'rewrite of the Lua binary, once',
    value: performance.now() - started,
    unit: 'ms',
    note: 'kept between starts',
  };
  const measured = measuredEngine(module);
  const measures: (Measure | Unmeasured)[] = [rewrite];
  try {
    progress('warm calls');
    measures.push(...(await warmCalls(measured)));
    progress('restores');
    measures.push(...restores(module, measured));
    progress('first calls');
    measures.push(...(await firstCalls(module, measured)), await manyWaits(measured));
    progress('runaway scripts');
    measures.push(...(await runaways(measured)));
    progress('hostile calls');
    measures.push(...(await hostilePairs(measured)));
    progress(`${idleFunctions} functions`);
    measures.push(...(await idleMemory(measured)));
  } finally {
    await measured.engine.close();
  }
  return [...measures, ...elsewhere];
}

/** Each line of what the engine promises that a benchmark can judge. */
export const suite: Suite = { name: 'The Lua engine (one thread)', run };
