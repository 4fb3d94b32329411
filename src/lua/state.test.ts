import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lazyTable, meteredLua, testEngine, testLimits, valuesOf } from '../../test/builders/test-engine.ts';
import { type BaseImage, buildBaseImage } from './base-image.ts';
import { applyDelta, type Delta, difference, differenceInBlocks, flatten } from './image.ts';
import { internalFunctions } from './internal-functions.ts';
import { debugRecord, heapBase, lowEnd, lowStart, scratch, stackTop, stillStart, writableStart } from './layout.ts';
import { Machine } from './machine.ts';
import { rewriteText } from './metering.ts';

async function bareMachine(): Promise<{ machine: Machine; base: ReturnType<typeof buildBaseImage> }> {
  const module = await meteredLua();
  const base = buildBaseImage(module, internalFunctions, [], new Map());
  const machine = new Machine(module, base, {
    clock: () => performance.now(),
    threadCpu: () => performance.now(),
    dispatch: undefined as never,
    yieldSlice: () => Promise.resolve(1),
    pulse: () => undefined,
    spent: () => undefined,
    beat: () => 0,
  });
  return { machine, base };
}

describe('every call starts from the same bytes', () => {
  const wipes = [
    'x = (x or 0) + 1 return x',
    'string.rep = nil table.insert = nil return tostring(rawget(_G, "leak"))',
    'leak = "left" return tostring(rawget(_G, "leak2"))',
    'local t = {} pcall(function() while true do t[#t + 1] = ("x"):rep(1e5) .. #t end end)',
    'while true do end',
    'local function f() return f() + 1 end f()',
    'error(setmetatable({}, { __tostring = function() error("x") end }))',
  ];
  test('whatever calls before it did and however they ended', async () => {
    const { engine, load, call, defects } = await testEngine();
    const hostile = await Promise.all(
      wipes.map((code, index) =>
        load(`return function() ${code} end`, {
          revision: `hostile-${index}`,
          limits: {
            timeoutMs: 1000,
            cpuMs: 8,
            memoryBytes: 1 << 20,
            logBytes: 100,
            logLines: 10,
            hostCalls: 1,
            parallelHostCalls: 1,
            resultBytes: 1000,
          },
        }),
      ),
    );
    const good = await load(
      `return function(n) assert(x == nil and leak == nil) return string.rep("a", n), #table.pack(1, 2) end`,
    );
    for (let round = 0; round < 60; round += 1) {
      await call(hostile[round % hostile.length] ?? '');
      assert.deepEqual(valuesOf(await call(good, [round])), ['a'.repeat(round), 2]);
    }
    assert.deepEqual(defects, []);
    await engine.close();
  });

  test('its own globals and modules are not those of the call before', async () => {
    const { engine, load, call } = await testEngine();
    const revision = await load('local n = 0 return function() n = n + 1 count = (count or 0) + 1 return n, count end');
    for (let round = 0; round < 5; round += 1) assert.deepEqual(valuesOf(await call(revision)), [1, 1]);
    await engine.close();
  });
});

test('a machine given to another namespace holds nothing of the one before, on stack or heap', async () => {
  const { machine, base } = await bareMachine();
  const { views } = machine;
  machine.restore(base, undefined, 'a');
  const marker = 'MARKER-OF-NAMESPACE-A';
  views.pushText(base.thread, marker.repeat(2000));
  views.u8.set(Buffer.from(marker), stackTop - 20_000);
  const find = (): number => Buffer.from(views.u8.buffer).indexOf(marker);
  assert.ok(find() > 0, 'control: the marker can be found');
  machine.restore(base, undefined, 'a');
  assert.ok(find() > 0, 'control: a restore for the same namespace does not clear');
  machine.restore(base, undefined, 'b');
  assert.equal(find(), -1);
});

test('a machine given to another namespace holds nothing of a frame that stepped over most of the stack', async () => {
  const { machine, base } = await bareMachine();
  const { views, exports } = machine;
  const always = stackTop - 32_768;
  const isLeft = (from: number, to: number): boolean => views.u8.subarray(from, to).some((byte) => byte !== 0);
  let [below, stepped] = [0, 0];
  for (let depth = 24; depth < 44; depth += 1) {
    machine.restore(base, undefined, `a-${depth}`);
    // Each call of `gsub` takes a piece of the stack; reading the number takes eight kilobytes and writes to a few.
    const code = Buffer.from(`local function f(n)
      if n == 0 then return tonumber(("7"):rep(150) .. "e10") end
      return (string.gsub("x", "x", function() return f(n - 1) end))
    end
    f(${depth})`);
    views.u8.set(code, scratch);
    views.u8.set(Buffer.from('=frames\0t\0'), debugRecord);
    assert.equal(exports.luaL_loadbufferx(base.thread, scratch, code.length, debugRecord, debugRecord + 8), 0);
    assert.equal(exports.mh_resume(base.thread, 0, 0), 0);
    views.refresh();
    const end = stillStart + base.still.length;
    if (isLeft(end, always - 4096)) {
      below += 1;
      if (!isLeft(always - 4096, always)) stepped += 1;
    }
    machine.restore(base, undefined, `b-${depth}`);
    assert.ok(!isLeft(end, stackTop), `at depth ${depth}`);
  }
  assert.ok(below > 0 && stepped > 0, `control: ${below} went so deep, ${stepped} of them over four kilobytes`);
});

test('running Lua never changes the constants that a quick restore leaves out', async () => {
  const { machine, base } = await bareMachine();
  const { views, exports } = machine;
  machine.restore(base, undefined, 'a');
  const code = Buffer.from(`
    local t = {}
    for i = 1, 2000 do t[i] = string.format("%5.2f %s %q %x %g", i / 3, {}, "a\\n", i, 2 ^ i) end
    table.sort(t)
    local s = table.concat(t):gsub("%w+", "%0%0"):upper()
    pcall(error, { 1 })
    pcall(string.rep, "x", -1)
    return #s, math.sin(1), tostring(1e300), utf8.char(228), string.pack("<d", 1.5), load("return 1")()`);
  views.u8.set(code, scratch);
  views.u8.set(Buffer.from('=constants\0t\0'), debugRecord);
  assert.equal(exports.luaL_loadbufferx(base.thread, scratch, code.length, debugRecord, debugRecord + 11), 0);
  assert.equal(exports.mh_resume(base.thread, 0, 0), 0);
  views.refresh();
  assert.notEqual(Buffer.compare(views.u8.subarray(heapBase, base.heapEnd), base.heap), 0, 'control: it has written');
  const constants = views.u8.subarray(lowStart, writableStart);
  assert.equal(Buffer.compare(constants, base.low.subarray(0, writableStart - lowStart)), 0);
});

describe('strings, prototypes and closures of the image', () => {
  const run = (machine: Machine, base: BaseImage, text: string): void => {
    const { views, exports } = machine;
    const code = Buffer.from(text);
    views.u8.set(code, scratch);
    views.u8.set(Buffer.from('=still\0t\0'), debugRecord);
    assert.equal(exports.luaL_loadbufferx(base.thread, scratch, code.length, debugRecord, debugRecord + 7), 0);
    assert.equal(exports.mh_resume(base.thread, 0, 0), 0);
    views.refresh();
  };
  const asBefore = ({ views }: Machine, { still }: BaseImage): boolean =>
    Buffer.compare(views.u8.subarray(stillStart, stillStart + still.length), still) === 0;
  const visit = `
    local seen, count = {}, 0
    local function visit(t)
      if seen[t] then return end
      seen[t] = true
      for k, v in next, t do
        count = count + #tostring(k) + #tostring(v)
        if type(v) == "table" then visit(v) end
      end
    end
    visit(_G)`;

  test('are what a quick restore leaves out: no call changes them without the collector or a larger table of strings', async () => {
    const { machine, base } = await bareMachine();
    const { views, exports } = machine;
    machine.restore(base, undefined, 'a');
    const flat = flatten(views.u8, base, base.heapEnd);
    const calls = [
      `${visit} for k in next, _G do seen[k] = k end`,
      'string.rep, table.sort, _G.print = nil, string.len, {}',
      'local s = {} for i = 1, 10 do s["text " .. i] = load("return " .. i)() end',
      'local f = coroutine.wrap(function(...) coroutine.yield(pcall(error, ...)) end) f("one") f()',
      'setmetatable(string, { __index = function(_, k) return k end }) local x = string.nothing',
    ];
    for (const text of calls) {
      machine.restoreFlat(base, flat, 'a');
      run(machine, base, text);
      assert.equal(exports.mh_collected(), 0, text);
      assert.ok(asBefore(machine, base), text);
    }
  });

  test('are copied again after a call in which the collector worked or the table of strings grew', async () => {
    const { machine, base } = await bareMachine();
    const { views, exports } = machine;
    machine.restore(base, undefined, 'a');
    const flat = flatten(views.u8, base, base.heapEnd);
    let marked = 0;
    for (const tables of [20_000, 25_000, 30_000, 35_000, 40_000]) {
      machine.restoreFlat(base, flat, 'a');
      run(machine, base, `${visit} string.rep = nil for i = 1, ${tables} do local t = { i } end`);
      assert.notEqual(exports.mh_collected(), 0);
      // After two whole rounds of the collector the marks may be those of before.
      if (!asBefore(machine, base)) marked += 1;
      machine.restoreFlat(base, flat, 'a');
      assert.ok(asBefore(machine, base));
    }
    assert.ok(marked > 0, 'control: marks have been written');

    run(machine, base, 'local keep = {} for i = 1, 1500 do keep[i] = "s" .. i end');
    assert.ok(!asBefore(machine, base), 'control: strings have moved to other chains');
    assert.equal(exports.mh_collected(), 0);
    machine.restoreFlat(base, flat, 'a');
    assert.ok(asBefore(machine, base));
    run(machine, base, 'return ("rep"):rep(3)');
  });
});

test('a difference put over the ground gives the memory back, byte for byte, found word by word or in blocks', async () => {
  const { machine, base } = await bareMachine();
  const { views } = machine;
  machine.restore(base, undefined, 'a');
  machine.exports.lua_createtable(base.thread, 0, 0);
  for (let index = 0; index < 500; index += 1) {
    views.refresh();
    views.pushText(base.thread, `item ${index} `.repeat(index % 9));
    machine.exports.lua_rawseti(base.thread, -2, BigInt(index + 1));
  }
  views.refresh();
  const end = machine.heapEnd;
  const before = views.u8.slice(0, end);
  const equal = (from: number, to: number): boolean =>
    Buffer.compare(views.u8.subarray(from, to), before.subarray(from, to)) === 0;
  for (const ground of [base, base.loaded]) {
    machine.restore(base, undefined, 'a');
    views.u8.set(before.subarray(lowStart, lowEnd), lowStart);
    views.u8.set(before.subarray(heapBase), heapBase);
    const words = difference(views.u8, ground, end);
    const blocks = differenceInBlocks(machine.exports, views.u8, ground, end);
    for (const delta of [words, blocks]) {
      assert.ok(delta.runs.length > 0 && (delta.tail?.length ?? 0) > 0);
      views.u8.fill(0xa5, lowStart, lowEnd);
      views.u8.fill(0xa5, heapBase, end);
      views.u8.set(ground.low, lowStart);
      views.u8.set(ground.heap, heapBase);
      assert.ok(!equal(heapBase, end), 'control: without the difference it is another memory');
      applyDelta(views.u8, views.i32, ground, delta);
      assert.ok(equal(lowStart, lowEnd) && equal(heapBase, end));
    }
  }
});

test('the rewrite refuses a binary that is not the expected one', () => {
  assert.throws(() => rewriteText('(module)'), /not the expected one: import of invoke_vii/);
});

test('the image of a function holds nothing of what was freed while it was loaded', async () => {
  const { engine, load } = await testEngine();
  const revision = await load(`local garbage = ("gone-" .. 1):rep(300)
    local kept = ("kept-" .. 1):rep(300)
    return function() return kept, garbage end`);
  const freed = await load(`local size = #("gone-" .. 1):rep(300)
    local kept = ("kept-" .. 1):rep(300)
    return function() return kept, size end`);
  const bytesOf = (of: string): string => {
    const image = engine.image(of);
    assert.ok(image !== undefined);
    const { runs } = (image.parts as { delta: Delta }).delta;
    return Buffer.from(runs.buffer).toString('latin1');
  };
  const gone = 'gone-1gone-1gone-1';
  assert.ok(bytesOf(revision).includes(gone), 'control: it is there while the function holds it');
  assert.ok(bytesOf(freed).includes('kept-1kept-1'));
  assert.ok(!bytesOf(freed).includes(gone));
  await engine.close();
});

describe('an image made by another engine', () => {
  test('serves without compiling, with its own environment values', async () => {
    const [first, second] = [await testEngine(), await testEngine()];
    const program = {
      namespaceUid: 'uid-a',
      namespace: 'a',
      name: 'fn',
      revision: 'r1',
      code: 'local n = #env.NAME return { one = function() return n, env.NAME end, two = function() return 2 end }',
      modules: new Map(),
      env: new Map([['NAME', 'value']]),
      expressions: new Map([['e', 'event.id == 7']]),
      limits: testLimits,
    };
    await first.engine.load(program);
    const image = first.engine.image('r1');
    assert.ok(image !== undefined);
    const loaded = await second.engine.load({ ...program, code: 'this does not compile' }, structuredClone(image));
    assert.deepEqual(loaded, { ok: true, handlers: ['one', 'two'], warnings: [] });
    assert.deepEqual(valuesOf(await second.call('r1', [], { target: { handler: 'one' } })), [5, 'value']);
    const asked = second.call('r1', [], { target: { expression: 'e' }, globals: { event: lazyTable({ id: 7 }) } });
    assert.deepEqual(valuesOf(await asked), [true]);
    const without = { ...program, expressions: new Map(), code: 'this does not compile' };
    const refused = await second.engine.load(without, structuredClone(image));
    assert.equal(refused.ok, false, 'an image with other expressions is not of this program');
    await first.engine.close();
    await second.engine.close();
  });
});
