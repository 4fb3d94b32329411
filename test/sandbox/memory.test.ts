/** Code that takes memory without end ends at its memory limit, however it holds it, and gives it back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withEngine } from '../builders/sandbox-engine.ts';
import { asHandler, asTopLevel } from './corpus/endless-loops.ts';
import { memoryBombs } from './corpus/memory-bombs.ts';

const memoryBytes = 4 * 1024 * 1024;
const limits = { memoryBytes, cpuMs: 3000, timeoutMs: 20_000 };
/** Lua refuses these by itself, before any memory is taken, with an error that can be caught. */
const refused = /too large|too big|overflow|too many|not enough memory/;

describe('memory without end', () => {
  for (const script of memoryBombs) {
    test(`${script.name}, in a call`, () =>
      withEngine(async ({ loadGood, checkNeighbour }) => {
        const attack = await loadGood(asHandler(script), { limits });
        const control = await attack.call([false]);
        assert.deepEqual(control.kind === 'ok' ? control.values : control, ['ended'], 'the control fits');
        const result = await attack.call([true]);
        if (result.kind === 'error') assert.match(result.error.message, refused);
        else assert.equal(result.kind, 'memory', JSON.stringify(result).slice(0, 500));
        assert.ok(result.usage.memoryPeakBytes <= memoryBytes * 1.01, `peak ${result.usage.memoryPeakBytes}`);
        await checkNeighbour();
      }));

    if (script.callOnly === true) continue;

    test(`${script.name}, while loading`, () =>
      withEngine(async ({ load, checkNeighbour }) => {
        const control = await load(asTopLevel(script, false), { limits });
        assert.equal(control.result.ok, true, JSON.stringify(control.result));
        const attack = await load(asTopLevel(script, true), { limits });
        assert.equal(attack.result.ok, false);
        const [mistake] = attack.result.mistakes;
        if (mistake?.kind === 'load') assert.match(mistake.message, refused);
        else assert.equal(mistake?.kind, 'memory', JSON.stringify(attack.result));
        await checkNeighbour();
      }));
  }
});

describe('the memory limit', () => {
  const hoard = `return function(bytes)
    local t, n = {}, 0
    while n * 1000 < bytes do n = n + 1 t[n] = ("x"):rep(950) .. n end
    return n
  end`;

  test('lets a call use what it may and not much more', () =>
    withEngine(async ({ loadGood }) => {
      const hook = await loadGood(hoard, { limits });
      const within = await hook.call([memoryBytes * 0.8]);
      assert.equal(within.kind, 'ok', JSON.stringify(within));
      assert.ok(within.usage.memoryPeakBytes > memoryBytes * 0.7);
      const beyond = await hook.call([memoryBytes * 1.1]);
      assert.equal(beyond.kind, 'memory');
    }));

  test('cannot be caught: no pcall, message handler or __close runs after it', () =>
    withEngine(async ({ loadGood, context }) => {
      const hook = await loadGood(
        `return function(bomb)
          local c <close> = setmetatable({}, { __close = function() test.see("close ran") end })
          local ok = xpcall(function()
            local s = "x"
            while bomb do s = s .. s end
            error("no bomb")
          end, function() test.see("handler ran") end)
          test.see("went on")
          return ok
        end`,
        { limits },
      );
      const control = await hook.call([false]);
      assert.equal(control.kind, 'ok');
      assert.deepEqual(context.seen, ['handler ran', 'went on', 'close ran']);
      context.seen.length = 0;
      assert.equal((await hook.call([true])).kind, 'memory');
      assert.deepEqual(context.seen, []);
    }));

  test('counts what stays reachable, not what was made: garbage is collected in time', () =>
    withEngine(async ({ loadGood }) => {
      const hook = await loadGood(
        `return function(n) local last, base = nil, ("x"):rep(10000) for i = 1, n do last = base .. i end return #last end`,
        { limits },
      );
      const result = await hook.call([20_000]);
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      assert.ok(result.usage.memoryPeakBytes <= memoryBytes);
    }));

  test('of one call does not shrink the next: thirty bombs leave room', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(hoard, { limits });
      for (let round = 0; round < 30; round += 1) {
        assert.equal((await hook.call([memoryBytes * 2])).kind, 'memory');
        assert.equal((await hook.call([memoryBytes * 0.5])).kind, 'ok');
      }
      await checkNeighbour();
    }));

  test('near the limit the collector costs CPU, and the CPU limit covers it', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(
        `return function(keep)
          local t, n = {}, 0
          while n * 1000 < keep do n = n + 1 t[n] = ("x"):rep(950) .. n end
          local i = 0
          while true do i = i + 1 local _ = ("y"):rep(1000 + i % 100) end
        end`,
        { limits: { ...limits, cpuMs: 60 } },
      );
      const result = await hook.call([memoryBytes * 0.9]);
      assert.ok(result.kind === 'cpu' || result.kind === 'memory', JSON.stringify(result));
      assert.ok(result.usage.cpuMs < 500, `${result.usage.cpuMs}`);
      await checkNeighbour();
    }));
});
