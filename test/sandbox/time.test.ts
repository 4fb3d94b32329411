/** The wall clock ends every call, also one that only waits; and waiting holds no thread. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

const timeoutMs = 60;
/** Deadlines of waiting calls are looked at every few milliseconds; a busy machine may stall for seconds. None ends by itself. */
const slackMs = 20_000;

describe('the time limit', () => {
  const ways: readonly (readonly [string, string])[] = [
    ['one long wait', 'if endless then test.never(1) else test.soon(1) end'],
    ['waits in a loop', 'repeat test.sleep(1) until not endless'],
    ['waits behind pcall, for ever', 'repeat pcall(test.sleep, 1) until not endless'],
    [
      'a wait in a wait in coroutines',
      'coroutine.wrap(function() coroutine.wrap(function() if endless then test.never(1) end end)() end)()',
    ],
    [
      'many waits at once',
      'parallel(function() repeat test.sleep(1) until not endless end, function() if endless then test.never(1) end end)',
    ],
    [
      'a wait in __close',
      'do local c <close> = setmetatable({}, { __close = function() if endless then test.never(1) end end }) end',
    ],
    ['work and waits in turn', 'repeat for i = 1, 1000 do end test.sleep(1) until not endless'],
    [
      'a wait while another branch of parallel fails',
      'parallel(function() if endless then test.never(1) end end, function() if endless then error("x") end end)',
    ],
  ];
  for (const [name, body] of ways) {
    test(`ends ${name}`, () =>
      withEngine(async ({ loadGood, checkNeighbour, engine }) => {
        const hook = await loadGood(`return function(endless)\n${body}\nreturn "ended"\nend`, {
          limits: { timeoutMs, hostCalls: 1_000_000 },
        });
        const control = await hook.call([false], { limits: { timeoutMs: 20_000 } });
        assert.equal(valueOf(control), 'ended', 'the control ends by itself');
        const started = performance.now();
        const result = await hook.call([true]);
        const took = performance.now() - started;
        assert.equal(result.kind, 'timeout', JSON.stringify(result));
        assert.ok(took >= timeoutMs - 1 && took <= timeoutMs + slackMs, `took ${took} ms`);
        assert.match(result.kind === 'timeout' ? result.error.message : '', /60 ms/);
        await checkNeighbour();
        assert.equal(engine.stats().runningCalls, 0);
      }));
  }

  test('is the only limit of a call that waits: waiting costs no CPU', () =>
    withEngine(async ({ loadGood }) => {
      const hook = await loadGood('return function() for _ = 1, 20 do test.sleep(5) end return "ended" end', {
        limits: { cpuMs: 60, timeoutMs: 5000 },
      });
      const result = await hook.call();
      assert.equal(valueOf(result), 'ended');
      assert.ok(result.usage.cpuMs < 60);
    }));

  test('aborts what the call waited for', () =>
    withEngine(async ({ loadGood }) => {
      const hook = await loadGood('return function() test.sleep(1000, "x") end', { limits: { timeoutMs: 30 } });
      const result = await hook.call();
      assert.equal(result.kind, 'timeout');
      assert.ok(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length < 10);
    }));

  test('a cancelled call ends at once, waiting or working', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood('return function(work) if work then while true do end end test.never(1) end', {
        limits: { cpuMs: 5000 },
      });
      for (const work of [false, true]) {
        const controller = new AbortController();
        const running = hook.call([work], { signal: controller.signal });
        setTimeout(() => controller.abort(), 30);
        assert.equal((await running).kind, 'cancelled', 'its own limits would end it otherwise');
      }
      await checkNeighbour();
    }));
});

describe('a thousand sleeping calls', () => {
  test('hold no thread: other calls are answered in between, every sleeper wakes with its own answer', () =>
    withEngine(async ({ loadGood, checkNeighbour, engine }) => {
      const sleeper = await loadGood(
        'return function(id) local mine = { id = id, text = ("x"):rep(id % 100) } local back = test.sleep(250, id) return back == mine.id and #mine.text == id % 100 and id end',
      );
      const quick = await loadGood('return function(n) local s = 0 for i = 1, 100 do s = s + i end return s + n end', {
        namespace: 'team-c',
      });
      const started = performance.now();
      const sleeping = Array.from({ length: 1000 }, (_, id) => sleeper.call([id]));
      const latencies: number[] = [];
      let turns = 0;
      while (engine.stats().runningCalls > 0) {
        const begin = performance.now();
        assert.equal(valueOf(await quick.call([turns])), 5050 + turns);
        latencies.push(performance.now() - begin);
        turns += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      const results = await Promise.all(sleeping);
      const took = performance.now() - started;
      for (const [id, result] of results.entries()) assert.equal(valueOf(result), id);
      const median = latencies.toSorted((a, b) => a - b)[latencies.length >> 1] ?? 0;
      assert.ok(turns > 10, `${turns} quick calls in between`);
      // Behind sleepers that hold their thread it would be minutes.
      assert.ok(median < 2_000, `median of the quick calls ${median} ms`);
      assert.ok(took < 30_000, `all took ${took} ms: the sleepers did not wait together`);
      await checkNeighbour();
      const stats = engine.stats();
      assert.deepEqual([stats.runningCalls, stats.parkedCalls, stats.parkedBytes], [0, 0, 0]);
    }));
});
