import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testEngine, testLimits, valuesOf } from '../../test/builders/test-engine.ts';
import { functionMark, type EngineOptions } from './engine-options.ts';

const busy = (loops: string): string => `local n = 0 for i = 1, ${loops} do n = n + i % 7 end`;

describe('a call that outlives the plain entry', () => {
  test('runs again in slices: right result, host results not asked twice, log once', async () => {
    const { engine, effects, load, call } = await testEngine();
    const revision = await load(`return function()
      print("begin")
      local effect, waited, now = test.effect("e"), gate.soon("w"), test.now()
      ${busy('6e6')}
      return effect, waited, now == test.now() or true, n, gate.soon("after")
    end`);
    const result = await call(revision);
    assert.deepEqual(valuesOf(result).slice(0, 2), [1, 'w']);
    let sum = 0;
    for (let i = 1; i <= 6e6; i += 1) sum += i % 7;
    assert.equal(valuesOf(result)[3], sum);
    assert.equal(valuesOf(result)[4], 'after');
    assert.deepEqual(effects, ['e']);
    assert.deepEqual(
      result.usage.log.map((line) => line.message),
      ['begin'],
    );
    assert.equal(result.usage.hostCalls.length, 2);
    await engine.close();
  });

  test('is asked anew what it had just begun to ask the host, when that was found out while the host read its arguments', async () => {
    // No loop of the script looks at the clock: only the charged work does.
    const time = { now: 0 };
    const { engine, effects, load, call, defects } = await testEngine({ clock: () => (time.now += 20) });
    const revision = await load(
      'return function() local t = {} for i = 1, 4 do t[i] = gate.work(2) end return table.concat(t, " ") end',
    );
    const result = await call(revision);
    assert.deepEqual(valuesOf(result), ['worked worked worked worked']);
    assert.deepEqual([effects.length, result.usage.hostCalls.length, defects], [4, 4, []]);
    await engine.close();
  });

  test('lets other calls run in between, wherever the loop is', async () => {
    const { engine, load, call } = await testEngine();
    const quick = await load('return function() return "quick" end');
    const places = [
      `local t = {} for i = 1, 2e5 do t[i] = (i * 7919) % 200003 end table.sort(t, function(a, b) return a < b end)`,
      `local s = ("ab "):rep(2e5):gsub("%w+", function(w) return w end)`,
      `local co = coroutine.wrap(function() ${busy('5e6')} coroutine.yield(n) end) co()`,
      `local f = ("a"):rep(150):find(".-.-.-b")`,
    ];
    for (const code of places) {
      const slow = await load(`return function() ${code} return "slow" end`, {
        limits: { ...testLimits, cpuMs: 5000 },
      });
      const state = { done: false };
      const pending = Promise.resolve(call(slow)).then((result) => {
        state.done = true;
        return result;
      });
      let between = 0;
      while (!state.done) {
        await new Promise((resolve) => setImmediate(resolve));
        if (!state.done && valuesOf(await call(quick))[0] === 'quick') between += 1;
      }
      assert.deepEqual(valuesOf(await pending), ['slow']);
      assert.ok(between >= 3, `${between} calls ran beside ${code}`);
    }
    await engine.close();
  });

  test('is marked for all threads and starts in slices from then on', async () => {
    const longMarks = new Int32Array(new SharedArrayBuffer(1024));
    const first = await testEngine({ longMarks });
    const second = await testEngine({ longMarks });
    const code = `return function(loops) for i = 1, loops do end return "done" end`;
    const revision = await first.load(code, { revision: 'shared' });
    await second.load(code, { revision: 'shared' });
    assert.ok(!(second.call('shared', [1]) instanceof Promise), 'control: not marked yet');
    await first.call(revision, [2e7]);
    assert.ok(second.call('shared', [1]) instanceof Promise);
    await first.engine.close();
    await second.engine.close();
  });
});

test('ends by time, CPU and cancellation reach suspended calls', async () => {
  const { engine, load, call } = await testEngine();
  const endless = await load('return function() while true do pcall(function() while true do end end) end end');
  const cancel = new AbortController();
  const requests = [{ limits: { timeoutMs: 60 } }, { limits: { cpuMs: 40 } }, { signal: cancel.signal }];
  const pending = requests.map(async (request) => call(endless, [], request));
  setImmediate(() => cancel.abort());
  const results = await Promise.all(pending);
  assert.deepEqual(
    results.map((result) => result.kind),
    ['timeout', 'cpu', 'cancelled'],
  );
  assert.equal(engine.stats().runningCalls, 0);
  await engine.close();
});

test('the heartbeat names the function while Lua runs and nothing afterwards', async () => {
  const heartbeat = new Int32Array(new SharedArrayBuffer(8));
  const seen: number[] = [];
  const { engine, load, call } = await testEngine({
    heartbeat,
    now: () => {
      seen.push(heartbeat[1] ?? 0);
      return 0;
    },
  });
  const revision = await load('return function() return test.now() end');
  const before = heartbeat[0];
  await call(revision);
  assert.deepEqual(seen, [functionMark(revision)]);
  assert.equal(heartbeat[1], 0);
  assert.notEqual(heartbeat[0], before);
  await engine.close();
});

describe('many calls that arrive in one turn of the event loop', () => {
  /** Turns that passed while the calls were under way, and how many had started after each. */
  async function startsPerTurn(
    code: string,
    callers: number,
    options: Partial<EngineOptions> = {},
  ): Promise<{ most: number; kinds: string[] }> {
    let started = 0;
    const { engine, load, call } = await testEngine({ ...options, now: () => (started += 1) });
    const revision = await load(`return function() test.now() ${code} end`, { limits: { ...testLimits, cpuMs: 30 } });
    await call(revision);
    started = 0;
    const state = { done: false };
    const results = Promise.all(Array.from({ length: callers }, async () => call(revision)));
    void results.then(() => (state.done = true));
    let most = started;
    let before = started;
    while (!state.done) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, started - before);
      before = started;
    }
    const kinds = [...new Set((await results).map(({ kind }) => kind))];
    await engine.close();
    return { most, kinds };
  }

  test('begin one a turn when their function is known to be long', async () => {
    const { most, kinds } = await startsPerTurn('while true do end', 12);
    assert.deepEqual(kinds, ['cpu']);
    assert.equal(most, 1);
  });

  test('control: quick calls all begin at once', async () => {
    // A clock that stands still: however busy the machine is, the calls are quick.
    const { most, kinds } = await startsPerTurn('', 12, { clock: () => 0 });
    assert.deepEqual(kinds, ['ok']);
    assert.equal(most, 12);
  });

  test('do not hold the thread one after the other when each takes some milliseconds', async () => {
    let clock = 0;
    // Every look at the clock takes a tenth of a millisecond: a call of 60 looks takes 6 ms.
    const { engine, load, call } = await testEngine({ clock: () => (clock += 0.1) });
    const slow = await load('return function() for i = 1, 50 * 8192 do end return "slow" end');
    const results = Array.from({ length: 6 }, () => call(slow));
    assert.ok(!(results[0] instanceof Promise), 'control: the first one runs at once');
    assert.deepEqual(
      results.slice(1).map((result) => result instanceof Promise),
      [true, true, true, true, true],
    );
    for (const result of results) assert.deepEqual(valuesOf(await result), ['slow']);
    await engine.close();
  });

  test('need no turn any more once one was quick in slices', async () => {
    let [clock, step] = [0, 1];
    const { engine, load, call } = await testEngine({ clock: () => (clock += step) });
    const revision = await load('return function() end');
    await call(revision);
    assert.ok(call(revision) instanceof Promise, 'control: the one before took milliseconds');
    step = 0;
    await call(revision);
    const results = Array.from({ length: 5 }, () => call(revision));
    assert.ok(results.every((result) => !(result instanceof Promise)));
    await engine.close();
  });

  test('that go on after a wait take turns too, and can be ended while they stand there', async () => {
    const { engine, gate, load, call } = await testEngine();
    const revision = await load(`return function(name, loops) gate.wait(name) for i = 1, loops do end return name end`);
    await Promise.all([call(revision, ['warm', 4e7]), gate.arrived('warm').then(() => gate.release('warm'))]);
    const cancel = new AbortController();
    const names = ['a', 'b', 'c'];
    const results = names.map(async (name) => call(revision, [name, 1000], { signal: cancel.signal }));
    for (const name of names) await gate.arrived(name);
    for (const name of names) gate.release(name);
    await Promise.resolve();
    cancel.abort();
    const kinds = (await Promise.all(results)).map(({ kind }) => kind);
    assert.ok(kinds.includes('cancelled'), kinds.join(', '));
    assert.equal(engine.stats().runningCalls, 0);
    const after = call(revision, ['d', 10]);
    await gate.arrived('d');
    gate.release('d');
    assert.deepEqual(valuesOf(await after), ['d']);
    await engine.close();
  });
});

test('one function does not take all machines for long calls: another one begins while it runs on', async () => {
  const { engine, load, call } = await testEngine();
  const greedy = await load('return function() while true do end end');
  const other = await load('return function(loops) for i = 1, loops do end return "done" end', {
    namespaceUid: 'uid-b',
  });
  const cancel = new AbortController();
  assert.deepEqual(valuesOf(await call(other, [2e7])), ['done'], 'known to be long from here on');
  const running = Array.from({ length: 40 }, async () => call(greedy, [], { signal: cancel.signal }));
  for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(valuesOf(await call(other, [100])), ['done']);
  assert.equal(engine.stats().runningCalls, 40, 'control: the others still run');
  cancel.abort();
  await Promise.all(running);
  await engine.close();
});
