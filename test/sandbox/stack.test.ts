/** Deep stacks, of Lua and of C, are errors that can be caught; the host's own stack is never at risk. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

const deep: readonly (readonly [string, string])[] = [
  ['Lua recursion', 'local function f() return f() + 1 end f()'],
  [
    'recursion with many locals',
    'local function f() local a,b,c,d,e,g,h,i,j,k,l,m,n,o,p = 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 return f() + a + p end f()',
  ],
  ['recursion with varargs', 'local function f(...) return f(1, ...) + 1 end f()'],
  [
    '__index',
    'local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k + 1] end local _ = t[1]',
  ],
  [
    '__newindex',
    'local t = setmetatable({}, {}) getmetatable(t).__newindex = function(_, k, v) t[k + 1] = v end t[1] = 1',
  ],
  [
    '__eq',
    'local m = {} local a, b = setmetatable({}, m), setmetatable({}, m) m.__eq = function() return a == b end local _ = a == b',
  ],
  ['__concat', 'local m = {} local a = setmetatable({}, m) m.__concat = function() return a .. a end local _ = a .. a'],
  ['__len', 'local m = {} local a = setmetatable({}, m) m.__len = function() return #a end local _ = #a'],
  [
    '__lt through sort',
    'local m = {} m.__lt = function() table.sort({ setmetatable({}, m), setmetatable({}, m) }) return true end table.sort({ setmetatable({}, m), setmetatable({}, m) })',
  ],
  ['__tostring', 'local t = setmetatable({}, { __tostring = function(s) return tostring(s) end }) tostring(t)'],
  [
    '__tostring through format',
    'local t = setmetatable({}, { __tostring = function(s) return ("%s"):format(s) end }) tostring(t)',
  ],
  ['__close', 'local function f() local c <close> = setmetatable({}, { __close = f }) end f()'],
  ['gsub', 'local function f(s) return (s:gsub(".", f)) end f("a")'],
  ['sort comparators', 'local function f() table.sort({ 1, 2, 3 }, f) end f()'],
  ['load readers', 'local function f() return load(f) and "" end error((select(2, f())) or "C stack overflow")'],
  [
    'xpcall handlers',
    'local function h(m) error(m) end local _, e = xpcall(function() error("x") end, h) error(tostring(e) .. " stack overflow")',
  ],
  ['coroutines in coroutines', 'local function f() return coroutine.wrap(f)() end f()'],
  [
    'coroutines that overflow',
    'assert(coroutine.resume(coroutine.create(function() local function f() return f() + 1 end f() end)))',
  ],
  ['nested parentheses', 'assert(load("return " .. ("("):rep(100000) .. "1"))'],
  ['nested tables', 'assert(load("return " .. ("{"):rep(100000)))'],
  ['nested functions', 'assert(load(("function() "):rep(100000)))'],
  ['nested blocks', 'assert(load(("do "):rep(100000)))'],
  ['nested calls', 'assert(load(("f("):rep(100000)))'],
  ['nested unary operators', 'assert(load("return " .. ("- "):rep(100000) .. "1"))'],
  ['nested concatenations', 'assert(load("return " .. ("a .. "):rep(100000) .. "a"))'],
  ['nested powers', 'assert(load("return " .. ("2 ^ "):rep(100000) .. "2"))'],
  ['a pattern with many optional items', 'local _ = ("a"):rep(1000):find(("a?"):rep(1000) .. "b")'],
  ['parallel in parallel', 'local function f() parallel(f) end f()'],
  [
    'require of modules that require each other',
    'local function f() return pcall(require, "a") end local ok, e = f() error(e)',
  ],
];

describe('deep stacks', () => {
  for (const [name, code] of deep) {
    test(`${name}: in a call, caught and not caught, and while loading`, () =>
      withEngine(async ({ loadGood, load, checkNeighbour }) => {
        const modules = { a: 'return require("b")', b: 'return require("a")' };
        const hook = await loadGood(
          `return function(catch)
            local function attack() ${code} end
            if not catch then return attack() end
            local results = {}
            for i = 1, 3 do
              local ok, e = pcall(attack)
              results[i] = ok == false and type(e) == "string" and #e < 1000000
            end
            local function fine(n) return n == 0 and 0 or 1 + fine(n - 1) end
            return results[1] and results[2] and results[3], fine(1000)
          end`,
          { modules, limits: { cpuMs: 3000 } },
        );
        const caught = await hook.call([true]);
        assert.deepEqual(caught.kind === 'ok' ? caught.values : caught, [true, 1000]);
        await checkNeighbour();
        const free = await hook.call([false]);
        assert.equal(free.kind, 'error', JSON.stringify(free).slice(0, 300));
        assert.match(free.error.message, /overflow|too complex|nested|too many|requires itself|expected near|limit/);
        await checkNeighbour();
        const loading = await load(`${code}\nreturn function() end`, { modules, limits: { cpuMs: 3000 } });
        assert.equal(loading.result.ok, false);
        assert.equal(loading.result.mistakes[0]?.kind, 'load', JSON.stringify(loading.result));
        await checkNeighbour();
      }));
  }

  test('control: depth within the limits works', () =>
    withEngine(async ({ run }) => {
      const code = `return function()
        local function f(n) return n == 0 and 0 or 1 + f(n - 1) end
        local function g(n) if n == 0 then return 0 end return 1 + select(2, pcall(g, n - 1)) end
        local function h(n) if n == 0 then return 0 end return 1 + coroutine.wrap(h)(n - 1) end
        return f(10000), g(100), h(50)
      end`;
      const result = await run(code);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [10000, 100, 50]);
    }));

  test('results and arguments as deep as they may be do not overflow the host', () =>
    withEngine(async ({ run, loadGood, checkNeighbour }) => {
      for (const depth of [50, 100, 1000, 100_000]) {
        const result = await run('return function(n) local t = {} for _ = 1, n do t = { t } end return t end', [depth]);
        assert.ok(['ok', 'error', 'memory'].includes(result.kind), `${depth}: ${result.kind}`);
      }
      let value: unknown[] = [];
      for (let depth = 0; depth < 100_000; depth += 1) value = [value];
      const hook = await loadGood('return function(t) return type(t) end');
      const result = await Promise.resolve()
        .then(() => hook.call([value as never]))
        .catch((error: unknown) => error);
      assert.ok(result !== undefined);
      await checkNeighbour();
      assert.equal(valueOf(await hook.call([[[[1]]]])), 'table');
    }));
});
