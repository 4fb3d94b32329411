/**
 * Weaknesses that were found in other embeddings of Lua, tried on this one. The names are those of the public list (CVE);
 * the scripts are our own.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withEngine } from '../builders/sandbox-engine.ts';

/** Each script must end as one of these, with the machine sound: right, or refused. */
const attempts: readonly (readonly [string, string])[] = [
  ['CVE-2015-4335, bytecode through load', 'return load("\\27LuaR\\0\\1\\4\\8\\4\\8\\0") == nil'],
  ['CVE-2018-11218, deeply nested input of a decoder', 'return not pcall(json.decode, ("["):rep(1000000))'],
  [
    'CVE-2018-11219, sizes of struct formats',
    'return not pcall(string.pack, "i" .. ("9"):rep(30), 1) and not pcall(string.unpack, "c2147483647", "x") and not pcall(string.packsize, ("c2147483647"):rep(3))',
  ],
  [
    'CVE-2021-32626, more values than the Lua stack holds',
    'return not pcall(table.unpack, {}, 1, 1e7) and not pcall(string.byte, ("x"):rep(2000000), 1, -1) and not pcall(function() return select("#", table.unpack({}, 1, 999999), table.unpack({}, 1, 999999)) end)',
  ],
  ['CVE-2022-0543, package left in reach', 'return package == nil and not pcall(require, "package")'],
  [
    'CVE-2022-24735, code left for the next caller',
    'local before = rawget(string, "left_behind") string.left_behind = function() end _G.left_behind = 1 return before == nil',
  ],
  [
    'CVE-2022-24736, malformed source',
    'return load("local function f() return ... end return f(table.unpack") == nil and load("goto l ::l:: local a <const> = 5; a()") == nil or true',
  ],
  [
    'CVE-2022-24834, long strings through an encoder',
    'local s = ("\\0"):rep(3000000) return pcall(json.encode, s) or true',
  ],
  [
    'CVE-2024-31449, extreme arguments of number formatting',
    'for _, n in ipairs({ math.mininteger, math.maxinteger, -1, 0 }) do pcall(string.format, "%x", n) pcall(string.format, "%" .. n .. "d", 1) pcall(string.format, "%." .. n .. "f", 1.5) end return true',
  ],
  [
    'CVE-2024-46981, collection while a coroutine is created and dropped',
    'for i = 1, 3000 do local co = coroutine.create(function(...) local t = { ... } coroutine.yield(t) end) coroutine.resume(co, ("x"):rep(i % 100), {}) if i % 3 == 0 then coroutine.close(co) end end return true',
  ],
  [
    'CVE-2025-46817, extreme ranges of unpack',
    'for _, r in ipairs({ { math.mininteger, math.maxinteger }, { math.maxinteger, math.maxinteger }, { 0, math.maxinteger }, { -5, 5 }, { math.maxinteger - 5, math.maxinteger }, { math.mininteger, math.mininteger + 5 } }) do pcall(table.unpack, {}, r[1], r[2]) pcall(unpack, {}, r[1], r[2]) end return select("#", table.unpack({}, math.maxinteger, math.mininteger)) == 0',
  ],
  [
    'CVE-2025-46818, shared metatables of basic types',
    'local found = {} for _, v in ipairs({ "", 1, true, print, coroutine.create(print) }) do found[#found + 1] = type(getmetatable(v)) end pcall(function() getmetatable("").__index = nil end) return ("x"):upper() == "X" and not table.concat(found):find("table")',
  ],
  [
    'CVE-2025-46819, long brackets cut short',
    'for _, s in ipairs({ "[", "[=", "[==", "return [=", "return [==[", "--[", "--[=", "--[==[", "[=\\0[", "return [[\\0" }) do load(s) end return load("return [==[x]==]")() == "x"',
  ],
  [
    'CVE-2025-49844, collection while the parser works',
    'local n = 0 for i = 1, 300 do local parts = 0 load(function() parts = parts + 1 local _ = {} for j = 1, 50 do _ = { _ } end if parts < 20 then return "local v" .. parts .. " = \'" .. ("s"):rep(i) .. parts .. "\' " end end) n = n + 1 end return n == 300',
  ],
  [
    'CVE-2014-5461, many arguments to a vararg function',
    'local f = load("return function(" .. ("a,"):rep(0) .. "...) local " .. ("x,"):rep(150) .. "y = ... return select(\'#\', ...) end")() return f(table.unpack({}, 1, 200)) == 200 and not pcall(function() return f(table.unpack({}, 1, 2e6)) end)',
  ],
  [
    'CVE-2020-15888, the stack grows while the collector works',
    'local function deep(n) local t = {} for i = 1, 5 do t[i] = { n } end if n > 0 then return deep(n - 1) + #t end return 0 end for i = 1, 20 do coroutine.wrap(deep)(500) end return deep(2000) == 10000',
  ],
  [
    'CVE-2021-43519, resume in resume in resume',
    'local function nest() local co = coroutine.create(nest) local ok, e = coroutine.resume(co) return ok end nest() local depth = 0 local function wrap() depth = depth + 1 coroutine.wrap(wrap)() end pcall(wrap) return depth > 10 and depth < 1000',
  ],
  [
    'CVE-2021-44647, names of functions in errors',
    'local _, e = pcall(load("local a <close> = setmetatable({}, { __close = function() error(debug.traceback()) end }) error(function() end)")) return type(e) ~= "nil"',
  ],
  [
    'CVE-2021-44964, collection in a finaliser of a closed state',
    'local co = coroutine.wrap(function() local c <close> = setmetatable({}, { __close = function() for i = 1, 1000 do local _ = { {} } end end }) coroutine.yield() end) co() co = nil for i = 1, 1000 do local _ = ("x"):rep(1000) .. i end return true',
  ],
  [
    'CVE-2022-28805, a constant _ENV',
    'local f = load("local _ENV <const> = {}; print(x)") local g = load("local _ENV <const> = 5; x = 1") local h = load("local _ENV <const> = nil return x") pcall(f) pcall(g) pcall(h) return f ~= nil',
  ],
  [
    'CVE-2022-33099, errors while an error is handled at the limit of the stack',
    'local function loop() return pcall(loop) end local function again(n) if n == 0 then return loop() end return pcall(again, n - 1) end again(100) local _, e = pcall(function() local function f() error(("x"):rep(100)) end local function g() local ok, m = pcall(g) if not ok then f() end end g() end) local s = string.rep("a", 100) pcall(string.gsub, s, ".", function() error(s) end) return true',
  ],
  [
    'upstream 983bc433, a table assigned through its metatable while it is resized',
    'local t = setmetatable({}, { __newindex = function(t, k, v) for i = 1, 50 do rawset(t, k .. i, v) end end }) for i = 1, 200 do t["k" .. i] = i end return true',
  ],
  [
    'upstream 5853c37a, concatenation of sizes that overflow',
    'local s = ("x"):rep(1 << 20) return not pcall(function() local t = {} for i = 1, 250 do t[i] = "s" end local f = load("local s = ... return " .. ("s .. "):rep(200) .. "s") local a = f(s) return f(a) end) or true',
  ],
  [
    'upstream 7923dbbf, long chains in names of variables',
    'local parts = { "local a = {} return a" } for i = 1, 200 do parts[#parts + 1] = ".b" end local _, e = pcall(load(table.concat(parts))) return type(e) == "string" and #e < 1000',
  ],
  [
    'upstream f623b969, comparison of strings with zeros at the end',
    'local a, b = "x\\0", "x\\0\\0" return a < b and not (b < a) and ("\\0"):rep(100) < ("\\0"):rep(101)',
  ],
  [
    'upstream 3fe7be95, __close of a coroutine while a message handler runs',
    'local ok, m = xpcall(function() local co = coroutine.wrap(function() local c <close> = setmetatable({}, { __close = function() pcall(error, "inner") end }) error("outer", 0) end) co() end, function(m) return "H:" .. tostring(m) end) return not ok and m:find("H:", 1, true) == 1',
  ],
];

describe('weaknesses known from elsewhere', () => {
  for (const [name, code] of attempts) {
    test(name, () =>
      withEngine(async ({ run, load, checkNeighbour }) => {
        const limits = { cpuMs: 3000, memoryBytes: 16 * 1024 * 1024 };
        for (let round = 0; round < 2; round += 1) {
          const result = await run(`return function() ${code} end`, [], { limits });
          if (result.kind === 'ok') assert.deepEqual(result.values, [true]);
          else assert.equal(result.kind, 'memory', JSON.stringify(result).slice(0, 400));
          await checkNeighbour();
        }
        await load(`local result = (function() ${code} end)() return function() end`, { limits });
        await checkNeighbour();
      }),
    );
  }

  test('control: a wrong answer of an attempt is noticed', () =>
    withEngine(async ({ run }) => {
      const result = await run('return function() return (function() return package ~= nil end)() end');
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [false]);
    }));
});
