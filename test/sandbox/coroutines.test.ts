/** Coroutines of a script cannot forge, steal, repeat or hide the waits of the host. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf, valueOf } from '../builders/lua-program.ts';
import { gives, withEngine } from '../builders/sandbox-engine.ts';

describe('waiting for the host inside coroutines', () => {
  gives(
    'passes through wrap, resume, nested ones and pcall, and comes back with the answer',
    `return function()
      local function ask(n) return test.soon(n) end
      local a = coroutine.wrap(function() return ask(1) end)()
      local _, b = coroutine.resume(coroutine.create(function() return ask(2) end))
      local c = coroutine.wrap(function() return coroutine.wrap(function() return coroutine.wrap(ask)(3) end)() end)()
      local _, d = pcall(coroutine.wrap(function() return select(2, pcall(ask, 4)) end))
      local gen = coroutine.wrap(function() for i = 5, 7 do coroutine.yield(ask(i)) end end)
      return a, b, c, d, gen(), gen(), gen()
    end`,
    [1, 2, 3, 4, 5, 6, 7],
  );

  gives(
    'is not seen by the coroutine that resumes: it gets the values of the script only',
    `return function()
      local got = {}
      local co = coroutine.create(function() test.soon(1) coroutine.yield("mine") test.soon(2) return "end" end)
      while coroutine.status(co) ~= "dead" do
        local r = table.pack(coroutine.resume(co))
        got[#got + 1] = r.n .. ":" .. type(r[2]) .. ":" .. tostring(r[2])
      end
      return table.concat(got, " ")
    end`,
    ['2:string:mine 2:string:end'],
  );

  gives(
    'raises in the coroutine when the host raises',
    `return function()
      local co = coroutine.create(function() local ok, e = pcall(test.rejects, { code = 7 }) return ok, e.code end)
      local _, ok, code = coroutine.resume(co)
      local f = coroutine.wrap(function() test.rejects("text") end)
      local ok2, e2 = pcall(f)
      return ok, code, ok2, (e2:gsub("^.*: ", ""))
    end`,
    [false, 7, false, 'text'],
  );
});

describe('forged yields', () => {
  for (const values of [
    '',
    '1',
    '1, 1',
    '"test.soon", 1',
    'json.null, 1',
    'true, 1',
    'print, 1',
    '{}, 1',
    '1 << 32, 1',
    '-1, -1',
  ]) {
    test(`to the host at the top of a call are an error: yield(${values})`, () =>
      withEngine(async ({ run, context, checkNeighbour }) => {
        for (const code of [`coroutine.yield(${values})`, `pcall(coroutine.yield, ${values || 'nil'})`]) {
          const result = await run(`return function() ${code} test.soon(1) return "went on" end`);
          if (result.kind === 'error') assert.match(result.error.message, /yield from outside a coroutine/);
          else assert.equal(valueOf(result), 'went on');
        }
        assert.deepEqual(context.seen, []);
        await checkNeighbour();
      }));
  }

  gives(
    'in a coroutine reach its resumer unchanged, whatever the values',
    `return function()
      local mt = { __eq = function(a, b) leaked = b return true end }
      local values = { 1, 0, 2.0, "x", json.null, true, false, print, setmetatable({}, mt), coroutine.create(print) }
      local same = 0
      for i = 1, #values do
        local co = coroutine.create(function() local back = coroutine.yield(values[i], i, 1) return back end)
        local r = table.pack(coroutine.resume(co))
        if r.n == 4 and rawequal(r[2], values[i]) and r[3] == i then same = same + 1 end
        local wrapped = coroutine.wrap(function() coroutine.yield(values[i]) end)
        if rawequal(wrapped(), values[i]) then same = same + 1 end
      end
      return same, #values, leaked
    end`,
    [20, 10, undefined],
  );

  gives(
    'cannot be made of parts of a real one: no value of it is ever seen',
    `return function()
      local seen = {}
      local function watch(...) for i = 1, select("#", ...) do seen[#seen + 1] = type((select(i, ...))) end return ... end
      local co = coroutine.create(function() return test.soon("answer") end)
      watch(coroutine.resume(co))
      local again = coroutine.wrap(function() watch(pcall(test.soon, 1)) watch(xpcall(test.soon, watch, 2)) end)
      watch(again())
      for _, kind in ipairs(seen) do if kind == "userdata" then return "seen" end end
      return #seen
    end`,
    [6],
  );
});

describe('coroutines that wait for the host and are used from elsewhere', () => {
  gives(
    'cannot be answered or closed by another branch of parallel, and say that they are not suspended',
    `return function()
      local log = {}
      local co = coroutine.create(function()
        local c <close> = setmetatable({}, { __close = function() log[#log + 1] = "closed" end })
        return test.sleep(5, "true answer")
      end)
      local a, b, c, d, e
      parallel(
        function() a, b = coroutine.resume(co) end,
        function()
          test.soon(1)
          c, d = coroutine.resume(co, "forged")
          e = pcall(coroutine.close, co)
          log[#log + 1] = coroutine.status(co)
        end
      )
      return a, b, c, d, e, table.concat(log, " "), coroutine.status(co), test.soon("still works")
    end`,
    [
      true,
      'true answer',
      false,
      'cannot resume non-suspended coroutine',
      false,
      'normal closed',
      'dead',
      'still works',
    ],
  );

  gives(
    'made by wrap cannot be called by another branch either',
    `return function()
      local f = coroutine.wrap(function() local v = test.sleep(5, "true answer") coroutine.yield(v) return "second" end)
      local a, b, c
      parallel(function() a = f() end, function() test.soon(1) b, c = pcall(f, "forged") end)
      return a, b, (c:gsub("^.*: ", "")), f()
    end`,
    ['true answer', false, 'cannot resume non-suspended coroutine', 'second'],
  );

  gives(
    'may be resumed, closed and asked as usual once they have their answer',
    `return function()
      local co = coroutine.create(function() test.soon(1) coroutine.yield("yielded") test.soon(2) return "returned" end)
      local _, a = coroutine.resume(co)
      local s = coroutine.status(co)
      local _, b = coroutine.resume(co)
      local other = coroutine.create(function() test.soon(1) coroutine.yield() end)
      coroutine.resume(other)
      return a, s, b, coroutine.status(co), coroutine.close(other), coroutine.status(other)
    end`,
    ['yielded', 'suspended', 'returned', 'dead', true, 'dead'],
  );

  gives(
    'may wait in __close when a scope ends',
    `return function()
      local log = {}
      local function say(text) log[#log + 1] = text end
      do
        local c <close> = setmetatable({}, { __close = function() say(test.soon("in close")) end })
      end
      local co = coroutine.wrap(function()
        local c <close> = setmetatable({}, { __close = function() say(test.soon("in coroutine")) end })
        return "value"
      end)
      say(co())
      return log
    end`,
    [['in close', 'in coroutine', 'value']],
  );
});

describe('places where Lua cannot wait', () => {
  for (const [name, expression] of [
    ['a comparator of table.sort', 'table.sort({ 2, 1, 3 }, function(a, b) test.soon(1) return a < b end)'],
    ['a replacement of string.gsub', '("x"):gsub("x", function() test.soon(1) end)'],
    [
      '__tostring called by tostring',
      'tostring(setmetatable({}, { __tostring = function() return test.soon("x") end }))',
    ],
    ['a reader of load', 'assert(load(function() return test.soon("x") end))'],
    ['a message handler', 'error((select(2, xpcall(error, function() test.soon(1) return "handled" end, "x"))))'],
    [
      '__index called by table.concat',
      'table.concat(setmetatable({}, { __len = function() return 1 end, __index = function() return test.soon("x") end }))',
    ],
    [
      'coroutine.close',
      'assert(coroutine.close((function() local co = coroutine.create(function() local c <close> = setmetatable({}, { __close = function() test.soon(1) end }) coroutine.yield() end) coroutine.resume(co) return co end)()))',
    ],
  ] as const) {
    test(`${name}: a clear error, and the call can go on`, () =>
      withEngine(async ({ run, checkNeighbour }) => {
        const result = await run(`return function()
          local ok, e = pcall(function() ${expression} end)
          return ok, tostring(e), test.soon("after")
        end`);
        assert.equal(result.kind, 'ok', JSON.stringify(result));
        assert.equal(result.values[0], false);
        assert.match(textOf(result.values[1]), /cannot wait|C stack overflow/);
        assert.equal(result.values[2], 'after');
        await checkNeighbour();
      }));
  }
});

const noWait =
  "'test.soon' cannot wait inside a callback (a comparator of table.sort, a replacement of string.gsub, a message " +
  'handler of xpcall, a metamethod called by a library): call it outside and keep the result';

describe('a message handler that waits', () => {
  gives(
    'ends its xpcall with the reason and its line, also where the error of a callback brought it there',
    `return function()
      local function wait(m) return test.soon(m) end
      local _, plain = xpcall(error, wait, "x")
      local _, nested = xpcall(function() table.sort({ 2, 1 }, wait) end, function(m) return "handled " .. m end)
      local calls = 0
      local _, again = xpcall(error, function(m) calls = calls + 1 if calls == 1 then error("in handler", 0) end return "second: " .. m end, "x")
      return plain, nested, again, select(2, xpcall(error, function(m) return "plain " .. m end, "x"))
    end`,
    [`hook:2: ${noWait}`, `handled hook:2: ${noWait}`, 'second: in handler', 'plain x'],
  );
});

describe('coroutine bookkeeping', () => {
  gives(
    'survives resuming oneself, the resumer, the dead and the running',
    `return function()
      local outcomes = {}
      local co
      co = coroutine.create(function() outcomes[1] = coroutine.resume(co) outcomes[2] = pcall(coroutine.close, co) end)
      coroutine.resume(co)
      outcomes[3] = coroutine.resume(co)
      local main = coroutine.running()
      outcomes[4] = coroutine.resume(main)
      outcomes[5] = pcall(coroutine.close, main)
      outcomes[6] = coroutine.wrap(function() return coroutine.resume(main) end)()
      return outcomes
    end`,
    [[false, false, false, false, false, false]],
  );

  test('a thousand waiting coroutines in one call end with it', () =>
    withEngine(async ({ loadGood, checkNeighbour, engine }) => {
      const hook = await loadGood(
        `return function()
          local all = {}
          for i = 1, 1000 do all[i] = coroutine.create(function() test.never(i) end) end
          local started = 0
          for i = 1, 1000 do if pcall(function() parallel(function() coroutine.resume(all[i]) end, function() error("leave") end) end) then started = started + 1 end end
          return started
        end`,
        { limits: { timeoutMs: 300 } },
      );
      const result = await hook.call();
      assert.equal(result.kind, 'timeout', JSON.stringify(result));
      assert.ok(result.usage.hostCalls.length <= 100);
      await checkNeighbour();
      assert.equal(engine.stats().runningCalls, 0);
    }));

  test('a result that is a coroutine, a function or holds one is refused with its place', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      for (const value of ['coroutine.create(print)', 'print', '{ a = { print } }', '{ [print] = 1 }']) {
        const result = await run(`return function() return ${value} end`);
        assert.equal(result.kind, 'error', value);
        assert.match(result.error.message, /function|thread|coroutine/);
      }
      await checkNeighbour();
    }));
});
