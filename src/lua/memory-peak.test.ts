import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testEngine, testLimits } from '../../test/builders/test-engine.ts';

describe('the memory a call reports', () => {
  const peakOf = async (body: string): Promise<number> => {
    const { engine, load, call } = await testEngine();
    const result = await call(await load(`return function(...) ${body} end`), []);
    await engine.close();
    return result.usage.memoryPeakBytes;
  };

  test('is what Lua asked for at most, though the heap of an image has room for small calls', async () => {
    const string = await peakOf('local s = ("x"):rep(1000)');
    assert.ok(string > 1000 && string < 3000, `${string}`);
    const tables = await peakOf('local t = {} for i = 1, 100 do t[i] = {} end');
    assert.ok(tables > 100 * 32 + 100 * 16 && tables < 8192, `${tables}`);
    assert.equal(await peakOf(''), 0, 'control: nothing is asked for');
  });

  test('is the most at one time, not the sum of what came and went', async () => {
    const peak = await peakOf('for i = 1, 200 do local s = ("x"):rep(100000) .. i end collectgarbage()');
    assert.ok(peak > 200_000 && peak < 2_000_000, `${peak}`);
  });

  test('holds over an error', async () => {
    const peak = await peakOf('local s = ("x"):rep(10000) error(s:sub(1, 5))');
    assert.ok(peak > 10_000 && peak < 40_000, `${peak}`);
  });

  test('goes on counting where a call was parked, and knows nothing of the calls between', async () => {
    const { engine, gate, load, call } = await testEngine({ machines: 1, slicedMachines: 1 });
    const limits = { ...testLimits, timeoutMs: 120_000, cpuMs: 60_000 };
    const waits = await load(
      `return function(name)
      local kept = ("k"):rep(20000)
      gate.wait(name)
      local more = ("m"):rep(10000)
      return #kept + #more
    end`,
      { limits },
    );
    const large = await load('return function() return #("x"):rep(1000000) end', { limits });
    // Two can sit in machines, in one for quick calls and in one for slices.
    const names = ['a', 'b', 'c'];
    const pending = names.map(async (name) => call(waits, [name]));
    await Promise.all(names.map((name) => gate.arrived(name)));
    assert.ok((await call(large)).usage.memoryPeakBytes > 1_000_000, 'control');
    assert.ok(engine.stats().parkedCalls > 0);
    for (const name of names) gate.release(name);
    for (const { usage } of await Promise.all(pending)) {
      // A string is made beside the buffer it was built in: 40 KB, then the 20 KB kept and twice 10 KB.
      assert.ok(usage.memoryPeakBytes > 40_000 && usage.memoryPeakBytes < 80_000, `${usage.memoryPeakBytes}`);
    }
    await engine.close();
  });
});
