/** Error values of every kind end a call as an error with a short, safe message; nothing of the host is in it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { everythingIn } from '../builders/lua-program.ts';
import { hostSecret, threadClock, withEngine } from '../builders/sandbox-engine.ts';

/** Words of the host's own files, frames and memory. */
const hostWords = /node:|node_modules|\.ts\b|wasm|\/src\/|at async|TypeError|RangeError|0x[1-9a-f][0-9a-f]{3}/;

const values: readonly (readonly [string, string, RegExp])[] = [
  ['nil', 'error(nil)', /nil/],
  ['no value', 'error()', /nil/],
  ['false', 'error(false)', /false/],
  ['an integer', 'error(42)', /42/],
  ['a float', 'error(1.5)', /1\.5/],
  ['NaN', 'error(0/0)', /nan/],
  ['a string without position', 'error("plain", 0)', /^plain$/],
  ['an empty string', 'error("", 0)', /^/],
  ['a string with zeros', 'error("a\\0b", 0)', /a/],
  ['bytes that are no UTF-8', 'error("\\xff\\xfe", 0)', /^/],
  ['a very long string', 'error(("x"):rep(1000000), 0)', /^x+/],
  ['a table', 'error({ code = 1 })', /table/],
  ['a table with a message', 'error({ message = "told" })', /told/],
  ['a table whose message is a table', 'error({ message = {} })', /table/],
  ['a table that holds itself', 'local t = {} t.t = t error(t)', /table/],
  ['a very deep table', 'local t = {} for _ = 1, 100000 do t = { t } end error(t)', /table/],
  ['a table with functions in it', 'error({ f = print, [print] = 1 })', /table/],
  ['a table of a million entries', 'local t = {} for i = 1, 500000 do t[i] = i end error(t)', /table/],
  ['a table named like a prototype', 'error({ __proto__ = { x = 1 }, constructor = 1, toString = 2 })', /table/],
  ['a function', 'error(print)', /function/],
  ['a coroutine', 'error(coroutine.create(print))', /thread/],
  ['json.null', 'error(json.null)', /null|userdata/],
  [
    'a table with __tostring',
    'error(setmetatable({}, { __tostring = function() return "own words" end }))',
    /own words/,
  ],
  ['a __tostring that raises', 'error(setmetatable({}, { __tostring = function() error("again") end }))', /^/],
  [
    'a __tostring that raises such a table',
    'local m = {} m.__tostring = function() error(setmetatable({}, m)) end error(setmetatable({}, m))',
    /^/,
  ],
  ['a __tostring that answers no string', 'error(setmetatable({}, { __tostring = function() return {} end }))', /^/],
  ['a __tostring that yields', 'error(setmetatable({}, { __tostring = function() coroutine.yield(1) end }))', /^/],
  [
    'a __tostring that waits for the host',
    'error(setmetatable({}, { __tostring = function() return test.soon("x") end }))',
    /^/,
  ],
  [
    'a __tostring that overflows the stack',
    'error(setmetatable({}, { __tostring = function(t) return tostring(t) end }))',
    /^/,
  ],
  [
    'a __tostring of a megabyte',
    'error(setmetatable({}, { __tostring = function() return ("y"):rep(1000000) end }))',
    /^/,
  ],
  ['a __name that is no string', 'error(setmetatable({}, { __name = {} }))', /table/],
  [
    'a message with an __index behind it',
    'error(setmetatable({}, { __index = function() error("read") end }))',
    /table/,
  ],
  [
    'an error in a deep stack',
    'local function f(n) if n == 0 then error("deep") end return f(n - 1) + 1 end f(10000)',
    /deep/,
  ],
  [
    'an error in a coroutine in a coroutine',
    'coroutine.wrap(function() coroutine.wrap(function() error("inner") end)() end)()',
    /inner/,
  ],
  ['a stack overflow', 'local function f() return f() + 1 end f()', /stack overflow/],
  ['an error in a message handler', 'error(select(2, xpcall(error, function() error("h") end)))', /^/],
  ['a defect of the host', 'test.broken()', /internal error in 'test\.broken'/],
  ['a defect of the host after waiting', 'test.fails()', /internal error in 'test\.fails'/],
  ['a table raised by the host', 'test.raise({ code = 3 })', /^/],
  ['a wrong argument of a host function', 'test.text({})', /bad argument #1 to '.*text'/],
];

describe('error values', () => {
  for (const [name, code, message] of values) {
    test(`${name}: in a call`, () =>
      withEngine(async ({ run, checkNeighbour }) => {
        const result = await run(`return function() ${code} end`);
        assert.equal(result.kind, 'error', JSON.stringify(result).slice(0, 300));
        assert.match(result.error.message, message);
        assert.ok(result.error.message.length <= 20_000, `${result.error.message.length} characters`);
        const text = everythingIn(result);
        assert.ok(text.length < 10_000_000);
        assert.doesNotMatch(result.error.message + (result.error.traceback ?? ''), hostWords);
        assert.ok(!text.includes(hostSecret));
        await checkNeighbour();
      }));

    test(`${name}: while loading`, () =>
      withEngine(async ({ load, checkNeighbour }) => {
        const { result } = await load(`${code} return function() end`);
        assert.equal(result.ok, false);
        const text = everythingIn(result);
        assert.doesNotMatch(text, hostWords);
        assert.ok(!text.includes(hostSecret));
        assert.ok(text.length < 50_000, `${text.length} characters`);
        await checkNeighbour();
      }));
  }

  test('a __tostring that never ends, on a value that reaches the top, is metered', () =>
    withEngine(async ({ loadGood, load, checkNeighbour }) => {
      const code = 'error(setmetatable({}, { __tostring = function() while true do end end }))';
      const hook = await loadGood(`return function() ${code} end`, { limits: { cpuMs: 30 } });
      const started = threadClock();
      const result = await hook.call();
      assert.ok(result.kind === 'cpu' || result.kind === 'error', result.kind);
      assert.ok(threadClock() - started < 300);
      await checkNeighbour();
      const { result: loaded } = await load(`${code} return function() end`, { limits: { cpuMs: 30 } });
      assert.equal(loaded.ok, false);
      await checkNeighbour();
    }));

  test('blame the line of the user, also where the sandbox stands between', () =>
    withEngine(async ({ run, load }) => {
      const result = await run('return function()\n\n  local x = nil\n  return x.field\nend');
      assert.equal(result.kind, 'error');
      assert.equal(result.error.line, 4);
      assert.equal(result.error.file, 'hook');
      for (const code of [
        'string.rep()',
        'test.text({})',
        'coroutine.wrap(function() error("x") end)()',
        'require("missing")',
        'load(1)()',
        'error("y")',
        'parallel(1)',
        'math.random(0 - 1)',
      ]) {
        const blamed = await run(`return function()\n\n${code}\nend`);
        assert.equal(blamed.kind, 'error', code);
        assert.equal(blamed.error.line, 3, `${code}: ${blamed.error.message}`);
      }
      const { result: loaded } = await load('local a = 1\n\nlocal b = a.b.c\nreturn function() end');
      assert.equal(loaded.ok, false);
      assert.equal(loaded.mistakes[0]?.line, 3);
    }));

  test('control: the searches for words of the host find them', () => {
    assert.match('at run (/app/src/lua/engine.ts:3:1)', hostWords);
    assert.match('table: 0x5580aa', hostWords);
    assert.doesNotMatch("hook:3: attempt to index a nil value (local 'x')", hostWords);
  });
});
