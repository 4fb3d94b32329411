/** Nothing of a call is there in the next: not in what a script can see, not in the order of tables, not in random numbers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { everythingIn, textOf, valueOf } from '../builders/lua-program.ts';
import { withEngine, type Workbench } from '../builders/sandbox-engine.ts';

/** Describes all that a script can observe of its machine: reachable values, their order, names, sizes, first addresses. */
const observer = `
local helper = require("helper")
local upvalue = { n = 0 }
local count = 0
return {
  default = function()
    count = count + 1
    upvalue.n = upvalue.n + 1
    local seen, lines = {}, {}
    lines[#lines + 1] = "memory " .. collectgarbage("count")
    lines[#lines + 1] = "first address " .. tostring({})
    local function visit(value, path)
      lines[#lines + 1] = path .. " " .. type(value) .. " " .. (type(value) == "string" and (value:gsub("[^%g ]", "?")) or "")
      if type(value) == "table" and not seen[value] then
        seen[value] = true
        for k, v in next, value do visit(v, path .. "." .. tostring(k)) end
        local mt = getmetatable(value)
        if type(mt) == "table" then visit(mt, path .. "<mt>") end
      end
    end
    visit(_G, "_G")
    visit(helper, "helper")
    visit(upvalue, "upvalue")
    visit(getmetatable(json.array({})), "array")
    lines[#lines + 1] = "count " .. count .. " helper " .. helper.calls
    helper.calls = helper.calls + 1
    local hashed = {}
    for i = 1, 40 do hashed["key" .. i] = i hashed[i * 1.5] = i end
    local order = {}
    for k in pairs(hashed) do order[#order + 1] = tostring(k) end
    lines[#lines + 1] = table.concat(order, " ")
    lines[#lines + 1] = math.random() .. " " .. math.random(1000000) .. " " .. math.random(0)
    lines[#lines + 1] = tostring(function() end) .. tostring(coroutine.create(print))
    lines[#lines + 1] = tostring(coroutine.running()) .. tostring(coroutine.isyieldable())
    return table.concat(lines, "\\n")
  end,
  stain = function(way, text)
    stained_global = text
    rawset(_G, text, text)
    _G[{}] = text
    string.stained = text
    for k in pairs(table) do table[k] = function() return text end end
    helper.stained, helper.calls = text, 99
    upvalue.n, upvalue.text, count = 77, text, 55
    local mt = getmetatable(json.array({}))
    if type(mt) == "table" then mt.stained = text mt.__index = { text } end
    math.randomseed(1, 2)
    pcall(setmetatable, env, { __index = { stained = text } })
    local keep = {}
    for i = 1, 2000 do keep[i] = text .. i keep[text .. i] = { text } end
    local co = coroutine.wrap(function() coroutine.yield(text) end)
    co()
    print(text)
    if way == "error" then error(text) end
    if way == "cpu" then while true do end end
    if way == "memory" then while true do text = text .. text end end
    if way == "timeout" then test.never(text) end
    if way == "exit" then exit(200, text) end
    if way == "wait" then test.sleep(2, text) end
    if way == "coroutine" then coroutine.wrap(function() local s = text error(s) end)() end
    if way == "sliced" then local n = 0 for i = 1, 3000000 do n = n + 1 end end
    return #keep
  end,
}`;

const parts = {
  modules: { helper: 'return { calls = 0 }' },
  env: { KEY: 'value' },
  limits: { cpuMs: 3000, timeoutMs: 10_000, memoryBytes: 8_000_000 },
};
const marker = 'STAIN-77e1';
/** Ends that need a limit to be met soon. */
function limitsOf(way: string): { readonly cpuMs?: number; readonly timeoutMs?: number } {
  return way === 'cpu' ? { cpuMs: 60 } : way === 'timeout' ? { timeoutMs: 100 } : {};
}
const ways = ['ok', 'error', 'cpu', 'memory', 'timeout', 'exit', 'wait', 'coroutine', 'sliced'];
const seed = [11n, 22n] as const;

async function fresh(): Promise<string> {
  let text = '';
  await withEngine(async ({ loadGood }) => {
    const hook = await loadGood(observer, parts);
    text = textOf(valueOf(await hook.call([], { seed })));
  });
  return text;
}

async function stain(
  bench: Workbench,
  revisionParts: typeof parts & { namespace?: string; name?: string },
  way: string,
) {
  const hook = await bench.loadGood(observer, revisionParts);
  return hook.call([way, marker], { target: { handler: 'stain' }, seed: [5n, 6n] });
}

describe('what a call can observe', () => {
  test('is the same in every fresh engine, and the observer sees much of it', async () => {
    const first = await fresh();
    assert.equal(await fresh(), first);
    assert.ok(first.split('\n').length > 90);
    assert.match(first, /^count 1 helper 0$/m);
    assert.ok(!first.includes(marker));
  });

  for (const way of ways) {
    test(`is the same after a call that stains everything and ends by ${way}`, async () => {
      const expected = await fresh();
      await withEngine(async (bench) => {
        const same = await bench.loadGood(observer, parts);
        const sameNamespace = await bench.loadGood(observer, { ...parts, name: 'hook' });
        const other = await bench.loadGood(observer, { ...parts, namespace: 'team-z' });
        for (let round = 0; round < 3; round += 1) {
          const stained = await same.call([way, marker], { target: { handler: 'stain' }, limits: limitsOf(way) });
          assert.equal(
            stained.kind,
            way === 'coroutine' ? 'error' : ['wait', 'sliced'].includes(way) ? 'ok' : way,
            JSON.stringify(stained),
          );
          for (const hook of [same, sameNamespace, other]) {
            const result = await hook.call([], { seed });
            assert.equal(valueOf(result), expected);
            assert.deepEqual(result.usage.log, []);
            assert.ok(!everythingIn(result).includes(marker));
          }
        }
        await bench.checkNeighbour();
      });
    });
  }

  test('is the same while stained calls of other functions wait', async () => {
    const expected = await fresh();
    await withEngine(async (bench) => {
      const hook = await bench.loadGood(observer, parts);
      const waiting = Array.from({ length: 40 }, (_, n) => stain(bench, { ...parts, name: `waiter-${n}` }, 'wait'));
      for (let round = 0; round < 5; round += 1) {
        assert.equal(valueOf(await hook.call([], { seed })), expected);
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const result of await Promise.all(waiting)) assert.equal(result.kind, 'ok');
      assert.equal(valueOf(await hook.call([], { seed })), expected);
    });
  });

  test('control: a stain that stays would be seen', () =>
    withEngine(async ({ loadGood }) => {
      const kept = await loadGood(`_G["${marker}"] = "${marker}"\n${observer}`, parts);
      const text = textOf(valueOf(await kept.call([], { seed })));
      assert.ok(text.includes(marker));
      assert.notEqual(text, await fresh());
    }));
});

describe('random numbers', () => {
  const code = 'return function(n) local t = {} for i = 1, n do t[i] = math.random(1 << 30) end return t end';

  test('differ from call to call, and follow from the seed alone', () =>
    withEngine(async ({ loadGood }) => {
      const hook = await loadGood(code);
      const seen = new Set<string>();
      for (let round = 0; round < 50; round += 1) seen.add(JSON.stringify(valueOf(await hook.call([5]))));
      assert.equal(seen.size, 50);
      const first = valueOf(await hook.call([5], { seed: [1n, 2n] }));
      await hook.call([100]);
      assert.deepEqual(valueOf(await hook.call([5], { seed: [1n, 2n] })), first);
      assert.notDeepEqual(valueOf(await hook.call([5], { seed: [1n, 3n] })), first);
    }));

  test('of one call do not tell those of the next', () =>
    withEngine(async ({ loadGood }) => {
      const a = await loadGood(code.replace('return function(n)', 'return function(n) math.randomseed(7)'));
      const b = await loadGood(code, { namespace: 'team-z' });
      const seen = new Set<string>();
      for (let round = 0; round < 20; round += 1) {
        await a.call([10]);
        seen.add(JSON.stringify(valueOf(await b.call([5]))));
      }
      assert.equal(seen.size, 20);
    }));
});
