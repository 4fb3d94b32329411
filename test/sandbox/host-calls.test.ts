/** Floods of host calls, late answers and hostile arguments: bounded, dropped and refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

describe('floods of host calls', () => {
  test('end at the number a call may make', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood('return function(n) for i = 1, n do test.soon(i) end return n end', {
        limits: { hostCalls: 50 },
      });
      assert.equal(valueOf(await hook.call([50])), 50, 'control: as many as allowed');
      const result = await hook.call([51]);
      assert.equal(result.kind, 'error');
      assert.match(result.error.message, /50 host calls/);
      await checkNeighbour();
    }));

  test('cannot be continued behind pcall', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        'return function() local done = 0 for i = 1, 10000 do if pcall(test.soon, i) then done = done + 1 end end return done end',
        { limits: { hostCalls: 50 } },
      );
      const result = await hook.call();
      assert.equal(valueOf(result), 50);
      assert.equal(result.usage.hostCalls.length, 50);
      await checkNeighbour();
    }));

  test('at once are bounded: parallel runs so many at a time, all end', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        `return function(n)
          local running, most, fs = 0, 0, {}
          for i = 1, n do
            fs[i] = function()
              running = running + 1
              most = math.max(most, running)
              local v = test.sleep(1, i)
              running = running - 1
              return v
            end
          end
          local r = table.pack(parallel(table.unpack(fs)))
          local sum = 0
          for i = 1, n do sum = sum + r[i] end
          return sum, most
        end`,
        { limits: { parallelHostCalls: 4 } },
      );
      const result = await hook.call([40]);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [820, 4]);
      await checkNeighbour();
    }));

  test('of direct functions are metered as CPU', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      for (const call of [
        'test.echo(1)',
        'test.bytes(big)',
        'pcall(test.text, {})',
        'pcall(test.raise, "x")',
        'test.echo(list)',
        'pcall(test.broken)',
      ]) {
        const hook = await loadGood(
          `local big, list = ("x"):rep(100000), {} for i = 1, 100 do list[i] = i end
          return function(n) for _ = 1, n do ${call} end return n end`,
          { limits: { cpuMs: 30 } },
        );
        assert.equal(valueOf(await hook.call([2])), 2, 'control');
        const result = await hook.call([1e12]);
        assert.ok(result.kind === 'cpu' || result.kind === 'memory', `${call}: ${result.kind}`);
        assert.ok(result.usage.cpuMs < 500, `${call}: ${result.usage.cpuMs} ms`);
        await checkNeighbour();
      }
    }));

  test('of print end at the caps of the log, with a marker, and the call goes on', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        'return function(n, size) for i = 1, n do print(i, ("x"):rep(size)) end return n end',
        {
          limits: { logBytes: 10_000, logLines: 100 },
        },
      );
      const many = await hook.call([100_000, 1], { limits: { cpuMs: 5000 } });
      assert.equal(valueOf(many), 100_000);
      assert.ok(many.usage.log.length <= 101);
      assert.equal(many.usage.logTruncated, true);
      const large = await hook.call([50, 5000]);
      const bytes = large.usage.log.reduce((sum, line) => sum + line.message.length, 0);
      assert.ok(bytes <= 10_200, `${bytes}`);
      assert.equal(large.usage.logTruncated, true);
      const control = await hook.call([10, 10]);
      assert.equal(control.usage.log.length, 10);
      assert.equal(control.usage.logTruncated, false);
      await checkNeighbour();
    }));

  test('with large arguments count against the memory of the call', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        `return function(n)
          local s, fs = ("x"):rep(500000), {}
          for i = 1, n do fs[i] = function() test.sleep(20, s) end end
          parallel(table.unpack(fs))
          return n
        end`,
        { limits: { memoryBytes: 4_000_000 } },
      );
      assert.equal(valueOf(await hook.call([2])), 2, 'control');
      const result = await hook.call([16]);
      assert.equal(result.kind, 'memory', JSON.stringify(result));
      await checkNeighbour();
    }));
});

describe('answers of the host', () => {
  test('that come after the end of a call reach nobody', () =>
    withEngine(async ({ loadGood, checkNeighbour, engine }) => {
      const hook = await loadGood(
        `return function(ms)
          parallel(function() test.sleep(30, "late") end, function() test.sleep(ms) error("over") end, function() while ms == 0 do end end)
        end`,
        { limits: { cpuMs: 10 } },
      );
      const calls = [];
      for (let round = 0; round < 20; round += 1) calls.push(hook.call([round % 2]));
      await Promise.all(calls);
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (let round = 0; round < 5; round += 1) await checkNeighbour();
      assert.equal(engine.stats().runningCalls, 0);
      assert.equal(engine.stats().parkedCalls, 0);
    }));

  test('reach the call that asked, when many ask at once and answers cross', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        `return function(id)
          local out = {}
          for i = 1, 3 do out[i] = test.sleep((id * 7 + i * 3) % 11, id .. ":" .. i) end
          return table.concat(out, ",")
        end`,
      );
      const ids = Array.from({ length: 200 }, (_, id) => id);
      const results = await Promise.all(ids.map((id) => hook.call([id])));
      for (const id of ids) {
        const result = results[id];
        assert.ok(result);
        assert.equal(valueOf(result), `${id}:1,${id}:2,${id}:3`);
      }
      await checkNeighbour();
    }));
});

describe('arguments of host functions', () => {
  test('of every kind are taken or refused, never more', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run(
        `return function()
        local values = { nil, true, 1, -1, 0/0, 1/0, -1/0, math.maxinteger, math.mininteger, 2^53, "", "\\0", ("x"):rep(100000), {}, { 1, nil, 3 }, { [0/1] = 1 },
          { [1.5] = 2, [true] = 3, [-1] = 4, [math.maxinteger] = 5 }, print, coroutine.create(print), json.null, setmetatable({}, { __index = error }), { json.null }, { { { {} } } } }
        local outcomes = 0
        for name, f in pairs(test) do
          if name ~= "sleep" and name ~= "never" and name ~= "see" then
            for i = 1, 23 do
              local ok, e = pcall(f, values[i], values[(i * 7) % 23 + 1])
              if not ok and type(e) == "function" then error("leak") end
              outcomes = outcomes + 1
            end
            pcall(f)
            pcall(f, table.unpack({}, 1, 100))
          end
        end
        return outcomes
      end`,
        [],
        { limits: { hostCalls: 100_000 } },
      );
      assert.ok((valueOf(result) as number) >= 23 * 5);
      await checkNeighbour();
    }));

  test('numbers keep their kind and value in both directions', () =>
    withEngine(async ({ run }) => {
      const result = await run(`return function()
        local bad = {}
        for _, v in ipairs({ 0, 1, -1, 2^53, -(2^53), (1 << 53) + 1, math.maxinteger, math.mininteger, 0.5, 1e300, -1e-300, 1/0, -1/0, 3.0 }) do
          local back = test.echo(v)
          if back ~= v then bad[#bad + 1] = tostring(v) .. " became " .. tostring(back) end
        end
        local nan = test.echo(0/0)
        return #bad, nan ~= nan
      end`);
      assert.deepEqual(result.kind === 'ok' ? result.values : result, [0, true]);
    }));
});
