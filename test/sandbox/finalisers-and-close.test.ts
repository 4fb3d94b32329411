/** __gc is refused in every way; __close runs inside the limits and never after the end of a call. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf, valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

describe('__gc', () => {
  test('is refused by setmetatable with a clear error', () =>
    withEngine(async ({ run }) => {
      const result = await run(`return function()
        local ok, e = pcall(setmetatable, {}, { __gc = function() end })
        local ok2 = pcall(setmetatable, {}, { __gc = true })
        local control = pcall(setmetatable, {}, { __index = function() end })
        return ok, e, ok2, control
      end`);
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      assert.deepEqual([result.values[0], result.values[2], result.values[3]], [false, false, true]);
      assert.match(textOf(result.values[1]), /__gc/);
    }));

  const ways: readonly (readonly [string, string])[] = [
    ['added to a metatable that is in use', 'local mt = {} local t = setmetatable({}, mt) mt.__gc = f t = nil'],
    [
      'added after a second setmetatable',
      'local mt = {} local t = setmetatable({}, mt) setmetatable(t, nil) mt.__gc = f pcall(setmetatable, t, mt) t = nil',
    ],
    [
      'inherited by the metatable',
      'local mt = setmetatable({}, { __index = { __gc = f } }) local t = setmetatable({}, mt) t = nil',
    ],
    [
      'through the metatable of arrays',
      'local ok, list = pcall(json.array, {}) local mt = ok and getmetatable(list) if type(mt) == "table" then mt.__gc = f end local t = pcall(json.array, {}) t = nil',
    ],
    [
      'on a coroutine or closure by way of its environment',
      'local t = {} for i = 1, 10 do t[i] = coroutine.create(f) end t = nil',
    ],
  ];
  for (const [name, code] of ways) {
    test(`never runs: ${name}`, () =>
      withEngine(async ({ run, context, checkNeighbour }) => {
        const result = await run(`return function()
          local f = function() test.see("finaliser ran") end
          for _ = 1, 20 do ${code} end
          local keep = {}
          for i = 1, 20000 do keep[i % 100] = { ("x"):rep(50) .. i } end
          return "ended"
        end`);
        assert.equal(valueOf(result), 'ended');
        await checkNeighbour();
        assert.deepEqual(context.seen, []);
      }));
  }
});

describe('__close', () => {
  test('runs when a call ends in order or by an error', () =>
    withEngine(async ({ loadGood, context }) => {
      const hook = await loadGood(`return function(fail)
        local c <close> = setmetatable({}, { __close = function(_, e) test.see(e == nil and "none" or "error") end })
        if fail then error("x") end
      end`);
      await hook.call([false]);
      await hook.call([true]);
      assert.deepEqual(context.seen, ['none', 'error']);
    }));

  const ends: readonly (readonly [string, string, Record<string, number>])[] = [
    ['cpu', 'repeat until false', { cpuMs: 20 }],
    ['memory', 'local s = "x" while true do s = s .. s end', { memoryBytes: 2_000_000 }],
    ['timeout', 'test.never(1)', { timeoutMs: 40 }],
    ['exit', 'exit(204)', {}],
  ];
  for (const [kind, code, limits] of ends) {
    test(`does not run after an end by ${kind}, in no coroutine either`, () =>
      withEngine(async ({ run, context, checkNeighbour }) => {
        const result = await run(
          `return function()
            local function closer(name) return setmetatable({}, { __close = function() test.see(name) while true do end end }) end
            local a <close> = closer("outer")
            local co = coroutine.wrap(function()
              local b <close> = closer("inner")
              pcall(function() local c <close> = closer("protected") ${code} end)
              test.see("after pcall")
            end)
            pcall(co)
            test.see("after")
          end`,
          [],
          { limits },
        );
        assert.equal(result.kind, kind, JSON.stringify(result));
        await checkNeighbour();
        assert.deepEqual(context.seen, []);
      }));
  }

  test('that raises, for every value of a long list, ends in the last error', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run(`return function()
        local n = 0
        local function nest(k)
          local c <close> = setmetatable({}, { __close = function() n = n + 1 error("e" .. k, 0) end })
          if k > 0 then nest(k - 1) end
        end
        local ok, e = pcall(nest, 100)
        return ok, e, n
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [false, 'e100', 101]);
      await checkNeighbour();
    }));
});
