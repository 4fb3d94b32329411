/** Metatables cannot be used to run code at the host's cost, to change what others see or to fool the bridge. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf, valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

describe('values given to the host', () => {
  test('are read raw: no metamethod runs', () =>
    withEngine(async ({ run, context, checkNeighbour }) => {
      const result = await run(`return function()
        local ran = {}
        local function trap(name) return function() ran[#ran + 1] = name return "trapped" end end
        local mt = {}
        for _, name in ipairs({ "__index", "__newindex", "__len", "__pairs", "__tostring", "__eq", "__call", "__name", "__metatable" }) do mt[name] = trap(name) end
        local value = setmetatable({ a = 1, [1] = "one" }, mt)
        local back = test.echo(value)
        local count = #ran
        local control = value.missing
        return count, #ran, back.a, back[1], getmetatable(back)
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [0, 1, 1, 'one', undefined]);
      assert.deepEqual(context.seen, []);
      await checkNeighbour();
    }));

  test('with lying metamethods are what they are', () =>
    withEngine(async ({ run }) => {
      const result = await run(`return function()
        local lying = setmetatable({ 1, 2 }, { __len = function() return 1e9 end, __pairs = function() return function() return 1, 2 end end })
        return lying, setmetatable({}, { __index = function() error("read") end })
      end`);
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      assert.deepEqual(result.values[0], [1, 2]);
    }));

  test('with cycles, depth or many keys are refused with a clear error', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      for (const [make, message] of [
        ['local t = {} t.t = t return t', /cycle|itself/],
        ['local a, b = {}, {} a.b, b.a = b, a return { a }', /cycle|itself/],
        ['local t = {} for _ = 1, 10000 do t = { t } end return t', /deep|levels|nested/],
        ['local t = {} for i = 1, 500000 do t[i] = 1 end return t', /keys|large|many|entries|values/],
      ] as const) {
        const given = await run(`return function() local function make() ${make} end return test.echo(make()) end`);
        assert.ok(given.kind === 'error' || given.kind === 'memory', make);
        if (given.kind === 'error') assert.match(given.error.message, message);
        const returned = await run(`return function() local function make() ${make} end return make() end`);
        assert.ok(returned.kind === 'error' || returned.kind === 'memory', make);
        if (returned.kind === 'error') assert.match(returned.error.message, message);
      }
      const control = await run(
        'return function() local t = {} for _ = 1, 20 do t = { t } end return test.echo(t) ~= nil end',
      );
      assert.equal(valueOf(control), true);
      const shared = await run('return function() local s = { 1 } return test.echo({ a = s, b = s }) end');
      assert.equal(shared.kind, 'ok', 'the same table twice is no cycle');
      await checkNeighbour();
    }));
});

describe('metatables of shared things', () => {
  test('of strings cannot be had or set', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run(`return function()
        local mt = getmetatable("")
        local set = pcall(setmetatable, "", {})
        local raw = pcall(rawset, "", "x", 1)
        return type(mt) == "table", set, raw, ("abc"):upper()
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [false, false, false, 'ABC']);
      await checkNeighbour();
    }));

  test('of env, event-like tables, arrays and host modules hold for one call at most', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        `return function()
          local marks = getmetatable(json.array({}))
          local found = type(marks) == "table" and rawget(marks, "stain") or nil
          if type(marks) == "table" then marks.stain = "left" marks.__index = function() return "evil" end end
          pcall(setmetatable, env, { __index = function() return "evil" end })
          pcall(rawset, env, "KEY", "evil")
          local old = string.format
          string.format = function() return "evil" end
          local ok = old == ("").format or true
          return found, ("%d"):format(3) ~= nil, ok
        end`,
        { env: { KEY: 'value' } },
      );
      for (let round = 0; round < 3; round += 1) {
        const result = await hook.call();
        assert.equal(result.kind, 'ok', JSON.stringify(result));
        assert.equal(result.values[0], undefined);
        await checkNeighbour();
      }
    }));

  test('env is read-only and says so', () =>
    withEngine(async ({ run }) => {
      const result = await run(
        `return function()
          local ok, e = pcall(function() env.KEY = "changed" end)
          local mt = getmetatable(env)
          return env.KEY, ok, e, type(mt) == "table", env.MISSING
        end`,
        [],
        { env: { KEY: 'value' } },
      );
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      assert.deepEqual(
        [result.values[0], result.values[1], result.values[3], result.values[4]],
        ['value', false, false, undefined],
      );
      assert.match(textOf(result.values[2]), /env.*read-only/);
    }));

  test('a protected metatable stays protected against every function that sets one', () =>
    withEngine(async ({ run }) => {
      const result = await run(`return function()
        local t = setmetatable({}, { __metatable = "locked", __index = { x = 1 } })
        return pcall(setmetatable, t, nil), pcall(setmetatable, t, {}), pcall(json.array, t), pcall(json.object, t), t.x
      end`);
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      assert.deepEqual(
        result.values.filter((value) => value === true),
        [],
        'no way around it',
      );
      assert.equal(result.values.at(-1), 1);
    }));
});

describe('metamethod tricks', () => {
  const tricks: readonly (readonly [string, string])[] = [
    [
      '__eq sees no value of the sandbox',
      'local seen = 0 local v = setmetatable({}, { __eq = function(_, b) seen = seen + 1 return true end }) local f = coroutine.wrap(function() coroutine.yield(v) end) f() pcall(require, v) pcall(load, v) pcall(test.echo, v) return seen == 0',
    ],
    [
      '__index of a table given as an environment',
      'local f = load("return x", "c", "t", setmetatable({}, { __index = function(_, k) return k end })) return f() == "x"',
    ],
    [
      '__name that is long, binary or no string',
      'local ok = true for _, name in ipairs({ ("n"):rep(100000), "\\0\\255", 5, {} }) do local v = setmetatable({}, { __name = name }) ok = ok and type(tostring(v)) == "string" pcall(error, v) pcall(string.rep, v) end return ok',
    ],
    [
      '__mode changed while the collector works',
      'local mt = {} for i = 1, 3000 do mt.__mode = ({ "k", "v", "kv" })[i % 3 + 1] local t = setmetatable({ [{}] = {} }, mt) mt.__mode = nil end return true',
    ],
    [
      'metatables that are their own metatables',
      'local m = {} m.__index = m m.__metatable = m setmetatable(m, m) return not pcall(function() return m.x.y end)',
    ],
    [
      'a table changed while next walks it',
      'local t = {} for i = 1, 100 do t[i] = i end return not pcall(function() for k in next, t do t[k] = nil t["new" .. k] = 1 end end) or true',
    ],
    [
      'table functions on tables that change under them',
      'local t t = setmetatable({}, { __len = function() return 100 end, __index = function(_, i) rawset(t, i, i) return i end, __newindex = function(_, k) rawset(t, k, nil) end }) pcall(table.sort, t) pcall(table.concat, t) pcall(table.insert, t, 1, 1) pcall(table.remove, t, 1) pcall(table.move, t, 1, 100, 2) return true',
    ],
    [
      'sort that shrinks the table it sorts',
      'local t = {} for i = 1, 500 do t[i] = (i * 7919) % 500 end pcall(table.sort, t, function(a, b) t[#t] = nil return (a or 0) < (b or 0) end) return true',
    ],
    [
      'unpack of a table that lies about its length',
      'return not pcall(table.unpack, setmetatable({}, { __len = function() return 1 << 40 end }))',
    ],
    [
      '__concat and __len with wrong results',
      'local v = setmetatable({}, { __concat = function() end, __len = function() return "x" end, __lt = function() end, __unm = function() return nil end }) return (v .. "a") == nil and #v == "x" and not (v < v) and -v == nil',
    ],
  ];
  for (const [name, code] of tricks) {
    test(name, () =>
      withEngine(async ({ run, checkNeighbour }) => {
        assert.equal(valueOf(await run(`return function() ${code} end`)), true);
        await checkNeighbour();
        assert.equal(
          valueOf(await run(`local result = (function() ${code} end)() return function() return result end`)),
          true,
        );
        await checkNeighbour();
      }),
    );
  }
});
