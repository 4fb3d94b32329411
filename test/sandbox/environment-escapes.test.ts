/** What a script can reach: an exact list; nothing of it leads to the host, to a file, to bytecode or to another script. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

/** Walks everything reachable from _G, through tables, metatables and what `require` gives, and lists the paths. */
const walker = `
--[[plant]]
return function()
  local seen, paths = {}, {}
  local function visit(value, path)
    paths[#paths + 1] = path .. ":" .. type(value)
    if type(value) == "table" and not seen[value] then
      seen[value] = true
      for k, v in next, value do visit(v, path .. "." .. tostring(k)) end
    end
    local mt = getmetatable(value)
    if type(mt) == "table" and not seen[mt] then visit(mt, path .. "<mt>") end
  end
  for _, v in ipairs({ "", 1, true, print, coroutine.create(print) }) do
    local mt = getmetatable(v)
    if mt then visit(mt, "metatable of " .. type(v)) end
  end
  planted = planted_value
  visit(_G, "_G")
  table.sort(paths)
  return paths
end`;

const expectedNames = new Set([
  ...'_G _VERSION assert collectgarbage error getmetatable ipairs load loadstring next pairs pcall print rawequal rawget rawlen rawset require select setmetatable tonumber tostring type unpack xpcall exit parallel env json'.split(
    ' ',
  ),
  ...'coroutine debug math os string table utf8 test planted'.split(' '),
]);

describe('the environment', () => {
  test('holds the listed names and no other', () =>
    withEngine(async ({ run }) => {
      const paths = valueOf(await run(walker)) as string[];
      const globals = new Set(paths.map((path) => path.split(/[.:<]/)[1] ?? '').filter((name) => name !== ''));
      const unknown = [...globals].filter((name) => !expectedNames.has(name));
      assert.deepEqual(unknown, []);
      assert.ok(paths.length > 100, 'the walk went through the libraries');
      const bad =
        /^_G\.(io|package|dofile|loadfile)|dump|getregistry|getupvalue|sethook|getinfo|setlocale|getenv|execute|tmpname|popen/;
      assert.deepEqual(
        paths.filter((path) => bad.test(path)),
        [],
      );
      assert.deepEqual(
        paths.filter((path) => path.endsWith(':userdata') && !path.startsWith('_G.json.null')),
        [],
      );
    }));

  test('control: the walk finds what is planted', () =>
    withEngine(async ({ run }) => {
      const planted = 'planted_value = { io = { popen = print } }\n';
      const paths = valueOf(await run(walker.replace('--[[plant]]', planted))) as string[];
      assert.ok(paths.some((path) => path.endsWith('.io.popen:function')));
    }));

  const nothing = [
    ['string.dump as a field of a string', 'return ("").dump'],
    ['string.dump as a method', 'return pcall(function() return (""):dump() end) and "reached" or nil'],
    ['the string metatable', 'local m = getmetatable("") return type(m) == "table" and m or nil'],
    ['the metatable of functions', 'return getmetatable(print)'],
    ['the metatable of coroutines', 'return getmetatable(coroutine.create(print))'],
    ['the registry', 'return debug.getregistry'],
    ['upvalues of host functions', 'return debug.getupvalue or debug.upvalueid or debug.setupvalue'],
    ['hooks', 'return debug.sethook'],
    ['function environments', 'return getfenv or setfenv'],
    ['userdata', 'return newproxy'],
    ['files', 'return io or loadfile or dofile'],
    ['package.loaded', 'return package'],
    ['modules of the host', 'return select(2, pcall(require, "fs")) == nil or nil'],
    [
      'the process',
      'return os.exit or os.execute or os.getenv or os.remove or os.rename or os.tmpname or os.setlocale',
    ],
    [
      'the internal functions of the engine',
      'for k in pairs(_G) do if tostring(k):find("engine", 1, true) then return k end end for k in pairs(test) do if k:find("engine", 1, true) then return k end end',
    ],
    [
      'JavaScript by way of a host function',
      'local f = test.echo return (pcall(function() return f.constructor end)) and "reached" or nil',
    ],
    ['JavaScript by way of an error', 'local _, e = pcall(test.broken) return type(e) ~= "string" and e or nil'],
    [
      'JavaScript by way of an echoed table',
      'local t = test.echo({}) return t.constructor or t.__proto__ or t.toString or getmetatable(t)',
    ],
    [
      'the mark of a host yield',
      'local got for _, f in ipairs({ test.soon }) do local co = coroutine.create(f) local r = table.pack(coroutine.resume(co, 1)) for i = 1, r.n do if type(r[i]) == "userdata" then got = r[i] end end end return got',
    ],
    [
      'addresses in tostring',
      'for _, v in ipairs({ {}, print, coroutine.create(print), function() end }) do local s = tostring(v) .. ("%p"):format(v) .. ("%s"):format(v) if s:find("0x%x%x%x%x%x") then return s end end',
    ],
    [
      'addresses in error messages',
      'local _, e = pcall(function() local t = {} return t < t end) local _, f = pcall(error, {}) return (tostring(e) .. tostring(f)):match("0x[1-9a-f]%x+")',
    ],
    [
      'the collector',
      'local a = collectgarbage("stop") local b = collectgarbage("step", 100) local c = collectgarbage("generational") return a ~= 0 and a or b ~= 0 and b or c ~= 0 and c or nil',
    ],
  ] as const;

  for (const [name, code] of nothing) {
    test(`does not give: ${name}`, () =>
      withEngine(async ({ run, checkNeighbour }) => {
        const result = await run(`return function() ${code.includes('return') ? code : `return ${code}`} end`);
        assert.equal(valueOf(result), undefined, name);
        await checkNeighbour();
      }));
  }
});

describe('changes of the environment', () => {
  const vandalism = `
    do
      local rawset, pairs, ipairs, _G = rawset, pairs, ipairs, _G
      for _, lib in ipairs({ string, table, math, coroutine, os, utf8, debug, json, test }) do
        for k in pairs(lib) do rawset(lib, k, function() return "vandal" end) end
      end
      for k in pairs(_G) do rawset(_G, k, nil) end
    end`;

  test('by a call are gone in the next, of the same and of another function', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        `return {
          default = function()
            local before = ("x"):upper()
            ${vandalism}
            return before
          end,
          vandalised = function() ${vandalism} return tostring == nil and pcall == nil end,
        }`,
      );
      assert.equal(
        valueOf(await hook.call([], { target: { handler: 'vandalised' } })),
        true,
        'control: it does harm in its call',
      );
      for (let round = 0; round < 3; round += 1) {
        assert.equal(valueOf(await hook.call()), 'X');
        await checkNeighbour();
      }
    }));

  test('while loading stay with the function that made them', () =>
    withEngine(async ({ load, checkNeighbour }) => {
      const hook = await load(
        `local up = string.upper ${vandalism} return function() return up == nil, ("x"):rep(2) end`,
      );
      await checkNeighbour();
      if (hook.result.ok) await hook.call();
      await checkNeighbour();
    }));

  test('do not fool what the sandbox itself uses', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run(`return function()
        local sleep, wrap, resume, create = test.soon, coroutine.wrap, coroutine.resume, coroutine.create
        ${vandalism}
        return sleep(1), wrap(function() return sleep(2) end)(), (function(_, v) return v end)(resume(create(function() return sleep(3) end)))
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [1, 2, 3]);
      await checkNeighbour();
    }));
});
