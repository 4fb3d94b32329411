import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { testEngine, testLimits, valuesOf } from '../../test/builders/test-engine.ts';

describe('waiting calls', () => {
  test('leave their machines to others and come back whole, in any order', async () => {
    const { engine, gate, load, call } = await testEngine({ machines: 2, slicedMachines: 4 });
    const revision = await load(`return function(name)
      local secret = { name = name, list = {} }
      for i = 1, 20 do secret.list[i] = name .. i end
      local co = coroutine.wrap(function() coroutine.yield(gate.wait(name)) return "end of " .. secret.name end)
      local answer = co()
      return answer, co(), secret.list[20]
    end`);
    const names = Array.from({ length: 60 }, (_, index) => `call ${index}`);
    const pending = names.map(async (name) => call(revision, [name]));
    await Promise.all(names.map((name) => gate.arrived(name)));
    const { parkedCalls, parkedBytes } = engine.stats();
    // On a busy machine some began in the machines for slices.
    assert.ok(parkedCalls >= 54 && parkedCalls <= 58, `${parkedCalls} are parked`);
    assert.ok(parkedBytes > parkedCalls * 1024 && parkedBytes < parkedCalls * 40 * 1024, `${parkedBytes} bytes`);
    const shuffled = names.map((name, index) => [(index * 37) % 60, name] as const).sort((a, b) => a[0] - b[0]);
    for (const [, name] of shuffled) gate.release(name, `answer to ${name}`);
    const results = await Promise.all(pending);
    assert.deepEqual(
      results.map((result) => valuesOf(result)),
      names.map((name) => [`answer to ${name}`, `end of ${name}`, `${name}20`]),
    );
    assert.equal(engine.stats().parkedBytes, 0);
    await engine.close();
  });

  test('end at their deadline and when cancelled, parked or not, and abort what they wait for', async () => {
    const { engine, gate, load, call } = await testEngine({ machines: 1 });
    const revision = await load('return function(name) return gate.wait(name) end');
    const cancel = new AbortController();
    const parked = call(revision, ['parked'], { signal: cancel.signal });
    const late = call(revision, ['late'], { limits: { timeoutMs: 30 } });
    // On a busy machine it may end before its code was reached.
    await Promise.race([gate.arrived('late'), late]);
    cancel.abort();
    assert.equal((await parked).kind, 'cancelled');
    assert.equal((await late).kind, 'timeout');
    gate.release('late');
    gate.release('parked');
    assert.deepEqual(engine.stats().runningCalls, 0);
    await engine.close();
  });

  test('are refused above the cap of their function, with a time to try again', async () => {
    const { engine, gate, load, call } = await testEngine({ parkedBytesPerFunction: 128 * 1024 });
    const [full, other] = [
      await load('return function(name) return gate.wait(name) end'),
      await load('return function() return 1 end'),
    ];
    const pending = ['a', 'b'].map(async (name) => call(full, [name]));
    const refused = await call(full, ['c']);
    assert.equal(refused.kind, 'overloaded');
    assert.ok(refused.kind === 'overloaded' && refused.retryAfterMs > 0);
    assert.deepEqual(valuesOf(await call(other)), [1], 'control: another function is served');
    for (const name of ['a', 'b']) gate.release(name);
    await Promise.all(pending);
    assert.equal(
      await Promise.race([Promise.resolve(call(full, ['d'])), gate.arrived('d').then(() => 'started')]),
      'started',
    );
    gate.release('d');
    await engine.close();
  });

  test('are young garbage when they have ended, with all that hung on them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
    const { engine, load, call } = await testEngine();
    const revision = await load('return function() return gate.soon(1) end');
    // So few that the code is not compiled for good meanwhile.
    const calls = 50;
    const numbers = 10_000;
    async function growth(hold: (context: object) => void): Promise<number> {
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let count = 0; count < calls; count += 1) {
        const context = Array.from({ length: numbers }, () => count);
        hold(context);
        await call(revision, [], { context });
      }
      collect({ type: 'minor' });
      return process.memoryUsage().heapUsed - before;
    }
    const all = calls * numbers * 4;
    const held: object[] = [];
    const kept = await growth(() => undefined);
    assert.ok(kept < all / 2, `${kept} bytes are kept`);
    const control = await growth((context) => void held.push(context));
    assert.ok(control > all, `control: ${control} bytes are held`);
    assert.equal(held.length, calls);
    await engine.close();
  });
});

describe('parallel', () => {
  test('waits for all at once, keeps the order of results, raises the first error after all have ended', async () => {
    const { engine, gate, load, call } = await testEngine();
    const revision = await load(`return function()
      local seen = {}
      local a, b, c = parallel(
        function() return gate.wait("a") end,
        function() return parallel(function() return gate.wait("b1") end, function() return gate.wait("b2") end) end,
        function() return "now" end)
      local ok, reason = pcall(parallel, function() error({ n = 1 }) end, function() seen[1] = gate.wait("d") end)
      return a, b, c, ok, reason.n, seen[1]
    end`);
    const pending = call(revision);
    for (const name of ['a', 'b1', 'b2']) await gate.arrived(name);
    for (const name of ['b2', 'a', 'b1']) gate.release(name);
    await gate.arrived('d');
    gate.release('d');
    assert.deepEqual(valuesOf(await pending), ['a', 'b1', 'now', false, 1, 'd']);
    await engine.close();
  });

  test('runs no more functions at once than the limit', async () => {
    const { engine, gate, load, call } = await testEngine();
    const revision = await load(
      `return function() return parallel(function() return gate.wait("1") end, function() return gate.wait("2") end, function() return gate.wait("3") end) end`,
      { limits: { ...testLimits, parallelHostCalls: 2 } },
    );
    const pending = call(revision);
    await gate.arrived('2');
    let third = false;
    void gate.arrived('3').then(() => (third = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(third, false);
    gate.release('1');
    await gate.arrived('3');
    gate.release('2');
    gate.release('3');
    assert.deepEqual(valuesOf(await pending), ['1', '2', '3']);
    await engine.close();
  });
});
