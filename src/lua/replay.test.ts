import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testEngine, valuesOf } from '../../test/builders/test-engine.ts';
import type { CallResult } from './types.ts';

const learning = `return function(event)
  local order = {}
  parallel(
    function() local v = gate.wait("a") order[#order + 1] = v end,
    function() local v = gate.wait("b") order[#order + 1] = v end,
    function() local v = gate.wait("c") order[#order + 1] = v end)
  local keys = {}
  for key in pairs({ x = 1, y = 2, z = 3, [1] = 4, [event] = 5 }) do keys[#keys + 1] = tostring(key) end
  print("it is", test.now(), os.time(), tostring(order))
  local ok, reason = pcall(gate.fail, "no")
  return table.concat(order, ","), keys, test.random(8), math.random(1 << 40), os.clock(), reason, test.effect("once")
end`;

async function recorded(): Promise<{ result: CallResult; effects: readonly string[] }> {
  const { engine, gate, effects, load, call } = await testEngine();
  const revision = await load(learning);
  const pending = call(revision, [{ id: 1 }], { record: true });
  for (const name of ['a', 'b', 'c']) await gate.arrived(name);
  for (const name of ['c', 'a', 'b']) {
    gate.release(name);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const result = await pending;
  await engine.close();
  return { result, effects };
}

const comparable = (result: CallResult): unknown => ({ ...result, usage: { log: result.usage.log } });

describe('a recorded call', () => {
  test('replays to the same bytes in another engine: order of arrival, clock, randomness, log, addresses', async () => {
    const { result, effects } = await recorded();
    assert.equal(valuesOf(result)[0], 'c,a,b');
    assert.deepEqual(effects, ['once']);
    const { journal } = result.usage;
    assert.ok(journal !== undefined);
    const again = await testEngine({ now: () => 0, randomBytes: (count) => new Uint8Array(count) });
    const revision = await again.load(learning);
    const replayed = await again.call(revision, [{ id: 1 }], { replay: journal });
    assert.deepEqual(comparable(replayed), comparable(result));
    assert.deepEqual(again.effects, [], 'effects are not repeated');
    await again.engine.close();
  });

  test('control: with another journal the answer differs', async () => {
    const { result } = await recorded();
    const { journal } = result.usage;
    assert.ok(journal !== undefined);
    const again = await testEngine();
    const revision = await again.load(learning);
    const changed = journal.readings.map((reading) =>
      reading instanceof Uint8Array ? reading.map((byte) => byte ^ 1) : reading,
    );
    const replayed = await again.call(revision, [{ id: 1 }], { replay: { ...journal, readings: changed } });
    assert.notDeepEqual(comparable(replayed), comparable(result));
    await again.engine.close();
  });
});

test('two engines build the same base image and the same function images', async () => {
  const [first, second] = await Promise.all([testEngine(), testEngine()]);
  const revision = await first.load(learning, { revision: 'r' });
  await second.load(learning, { revision: 'r' });
  const [a, b] = [first.engine.image(revision), second.engine.image(revision)];
  assert.equal(a?.baseDigest, b?.baseDigest);
  assert.deepEqual(JSON.stringify(a?.parts, withoutTime), JSON.stringify(b?.parts, withoutTime));
  await first.engine.close();
  await second.engine.close();
});

const withoutTime = (key: string, value: unknown): unknown => (key === 'startMs' ? 0 : value);

test('a seed gives the same random numbers, another one others', async () => {
  const { engine, load, call } = await testEngine();
  const revision = await load('return function() return math.random(1 << 50), math.random(1 << 50) end');
  const one = valuesOf(await call(revision, [], { seed: [1n, 2n] }));
  assert.deepEqual(valuesOf(await call(revision, [], { seed: [1n, 2n] })), one);
  assert.notDeepEqual(valuesOf(await call(revision, [], { seed: [1n, 3n] })), one);
  assert.notDeepEqual(valuesOf(await call(revision)), valuesOf(await call(revision)));
  await engine.close();
});
