/** Only source text becomes code, in the environment it is given or in the sandbox's own. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf, valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

/** Header of Lua 5.4 bytecode followed by nonsense; real headers reach further into the loader. */
const header = String.raw`"\27Lua\x54\0\x19\x93\r\n\x1a\n\4\8\8\x78\x56\0\0\0\0\0\0\0\0\0\0\0\x28\x77\x40\1"`;

describe('bytecode', () => {
  const ways: readonly (readonly [string, string])[] = [
    ['load of a string', `load(${header})`],
    ['load in mode "b"', `load(${header}, "x", "b")`],
    ['load in mode "bt"', `load(${header}, "x", "bt")`],
    ['load in a mode that is a number', `load(${header}, "x", 1)`],
    [
      'load in a mode that is a table',
      `load(${header}, "x", setmetatable({}, { __tostring = function() return "b" end }))`,
    ],
    ['load of text in mode "b"', 'load("return 1", "x", "b")'],
    [
      'load from a reader',
      `load((function() local done return function() if not done then done = true return ${header} end end end)())`,
    ],
    [
      'load from a reader that gives the escape first',
      `load((function() local n = 0 return function() n = n + 1 return (${header}):sub(n, n) end end)())`,
    ],
    ['loadstring', `loadstring(${header})`],
    ['loadstring with text after a comment line', `loadstring("#\\n" .. ${header})`],
    ['load with a byte order mark before it', `load("\\xEF\\xBB\\xBF" .. ${header})`],
    ['require of a name that looks like it', `pcall(require, ${header}) and print or nil`],
  ];
  for (const [name, expression] of ways) {
    test(`is refused by ${name}`, () =>
      withEngine(async ({ run, checkNeighbour }) => {
        const code = `return function()
          local ok, f = pcall(function() return ${expression} end)
          if not ok then return "refused" end
          return f == nil and "refused" or type(f)
        end`;
        assert.equal(valueOf(await run(code)), 'refused');
        await checkNeighbour();
      }));
  }

  test('control: text is accepted the same ways', () =>
    withEngine(async ({ run }) => {
      const result = await run(`return function()
        return load("return 1")(), load("return 2", "x", "t")(), loadstring("return 3")(),
          load((function() local n, s = 0, "return 4" return function() n = n + 1 return s:sub(n, n) end end)())()
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [1, 2, 3, 4]);
    }));

  test('is refused as the source of a function and of a module', () =>
    withEngine(async ({ load, checkNeighbour }) => {
      const binary = '\x1bLua\x54\0\x19\x93\r\n\x1a\n\x04\x08\x08xV\0\0\0\0\0\0\0\0';
      const main = await load(binary);
      assert.equal(main.result.ok, false);
      assert.equal(main.result.mistakes[0]?.kind, 'syntax');
      const viaModule = await load('local m = require("m") return function() return m end', { modules: { m: binary } });
      assert.equal(viaModule.result.ok, false);
      const control = await load('local m = require("m") return function() return m end', {
        modules: { m: 'return 5' },
      });
      assert.equal(control.result.ok, true);
      assert.equal(valueOf(await control.call()), 5);
      await checkNeighbour();
    }));
});

describe('load with environments', () => {
  test('gives code exactly the table it is given', () =>
    withEngine(async ({ run }) => {
      const result = await run(`return function()
        local empty = load("return print, string, _G, _ENV.test, require", "x", "t", {})
        local own = {}
        load("leak_x = 1", "x", "t", own)()
        local none = load("return pcall", "x", "t", nil)
        local default = load("leak_y = 2 return leak_y")
        return select("#", empty()), (empty()), own.leak_x, leak_x, (pcall(none)), default(), leak_y
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [5, undefined, 1, undefined, false, 2, 2]);
    }));

  test('with an environment that fights back is an ordinary error or an ordinary result', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run(`return function()
        local out = {}
        for _, env in ipairs({ 5, "text", true, print, coroutine.create(print), setmetatable({}, { __index = error, __newindex = error }) }) do
          local f = load("a = b return a", "x", "t", env)
          out[#out + 1] = pcall(f)
        end
        return out
      end`);
      assert.deepEqual(valueOf(result), [false, false, false, false, false, false]);
      await checkNeighbour();
    }));

  test('a reader may not wait for the host', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run(`return function()
        local f, e = load(function() return test.soon("return 1") end)
        return f, e
      end`);
      assert.equal(result.kind, 'ok');
      assert.equal(result.values[0], undefined);
      assert.match(textOf(result.values[1]), /test\.soon.*cannot wait/);
      await checkNeighbour();
    }));

  test('chunk names do not pass for places of the host', () =>
    withEngine(async ({ run }) => {
      const result = await run(`return function()
        local _, e = pcall(load("error('x')", "=[C]"))
        local _, f = pcall(load("error('x')", "@/etc/passwd"))
        local _, g = pcall(load("error('x')", "=\\0hidden"))
        return e, f, #g
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values.slice(0, 2) : result, ['[C]:1: x', '/etc/passwd:1: x']);
    }));
});
