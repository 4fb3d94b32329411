import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEngine, valuesOf } from '../../test/builders/test-engine.ts';

test('a call says when its Lua gets hold of the thread and lets go of it, and nothing while others run', async () => {
  const { engine, gate, load, call } = await testEngine();
  const waits = await load('return function() local a = gate.wait("first") return a, gate.wait("second") end');
  const quick = await load('return function() return 1 end');
  const told: boolean[] = [];
  const pending = call(waits, [], { onSlice: (running) => void told.push(running) });
  await gate.arrived('first');
  assert.deepEqual(told, [true, false]);
  assert.deepEqual(valuesOf(await call(quick)), [1]);
  assert.deepEqual(told, [true, false], 'another call ran');
  gate.release('first', 1);
  await gate.arrived('second');
  assert.deepEqual(told, [true, false, true, false]);
  gate.release('second', 2);
  assert.deepEqual(valuesOf(await pending), [1, 2]);
  assert.deepEqual(told, [true, false, true, false, true, false]);
  await engine.close();
});

test('a call that takes long lets go between its slices, and at its end however it ends', async () => {
  const { engine, load, call } = await testEngine();
  const revision = await load('return function(loops) for i = 1, loops do end error("at its end") end');
  const told: boolean[] = [];
  const pending = call(revision, [2e7], { onSlice: (running) => void told.push(running) });
  assert.equal((await pending).kind, 'error');
  assert.ok(told.length >= 6, `${told.length / 2} slices`);
  assert.deepEqual(
    told,
    told.map((_, index) => index % 2 === 0),
  );
  await engine.close();
});
