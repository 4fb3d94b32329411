import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testEngine, testLimits, valuesOf } from '../../test/builders/test-engine.ts';
import { changeHeld, mostHeldBytes, NamespaceBooks, type NamespaceAllowance } from './namespace-books.ts';
import type { CallResult } from './types.ts';

const other = { namespace: 'b', namespaceUid: 'uid-b' };
const waits = 'return function(name) return gate.wait(name) end';

function allowing(bounded: NamespaceAllowance): (namespace: string) => NamespaceAllowance {
  return (namespace) => (namespace === 'a' ? bounded : {});
}

describe('what a namespace may take', () => {
  test('of parked memory bounds the calls of all its functions that wait, and of no other namespace', async () => {
    const { engine, gate, load, call } = await testEngine({ allowance: allowing({ parkedBytes: 128 * 1024 }) });
    const [first, second, foreign] = [await load(waits), await load(waits), await load(waits, other)];
    const wait = async (revision: string, name: string): Promise<CallResult> => call(revision, [name]);
    const pending = [wait(first, '1'), wait(second, '2')];
    const refused = await call(first, ['3']);
    assert.ok(refused.kind === 'overloaded' && refused.retryAfterMs > 0, refused.kind);
    assert.match(refused.error.message, /of this namespace/);
    pending.push(wait(foreign, '4'), wait(foreign, '5'), wait(foreign, '6'));
    for (const name of ['1', '2', '4', '5', '6']) {
      await gate.arrived(name);
      gate.release(name);
    }
    assert.deepEqual(
      (await Promise.all(pending)).map((result) => valuesOf(result)[0]),
      ['1', '2', '4', '5', '6'],
      'control: those within it are answered, and so is another namespace with more of them',
    );
    await engine.close();
  });

  test('of bytes outside Lua ends the call that goes above it, and what ended calls held is free again', async () => {
    const { engine, gate, load, call } = await testEngine({ allowance: allowing({ hostBytes: 1000 }) });
    const holds = 'return function(bytes, name) test.hold(bytes) if name then gate.wait(name) end return "held" end';
    const [first, second, foreign] = [await load(holds), await load(holds), await load(holds, other)];
    const waiting = call(first, [800, 'first']);
    await gate.arrived('first');
    const above = await call(second, [300]);
    assert.ok(above.kind === 'memory', above.kind);
    assert.match(above.error.message, /calls of the namespace held more than 1000 bytes outside Lua/);
    assert.deepEqual(valuesOf(await call(foreign, [5000])), ['held'], 'control: another namespace is not bounded');
    gate.release('first');
    assert.deepEqual(valuesOf(await waiting), ['held']);
    for (let times = 0; times < 3; times += 1) assert.deepEqual(valuesOf(await call(second, [900])), ['held']);
    await engine.close();
  });

  test('of bytes outside Lua has a bound also where nobody set one, for each namespace by itself', () => {
    const books = new NamespaceBooks(undefined, () => 0);
    const [book, foreign] = [books.enter('a', 'uid-a'), books.enter('b', 'uid-b')];
    assert.equal(changeHeld(book, mostHeldBytes), undefined);
    assert.match(changeHeld(book, 1)?.message ?? '', /held more than 256 MiB outside Lua/);
    assert.equal(changeHeld(foreign, mostHeldBytes), undefined);
    changeHeld(book, -2);
    assert.equal(changeHeld(book, 1), undefined, 'control: what is given back is free');
  });

  test('stays taken by what a call has collected when it is run again from its start, in slices', async () => {
    const { engine, gate, load, call } = await testEngine({ allowance: allowing({ hostBytes: 20_000_000 }) });
    const spins = `return function(first, second, name)
      gate.keep(first)
      local sum = 0 for i = 1, 8000000 do sum = sum + i % 2 end
      gate.keep(second)
      if name then gate.wait(name) end
      return "kept"
    end`;
    const limits = { ...testLimits, timeoutMs: 60_000, cpuMs: 60_000 };
    const revision = await load(spins, { limits });
    const above = await call(revision, [12_000_000, 8_000_000]);
    assert.equal(above.kind, 'memory');
    const within = call(revision, [12_000_000, 2_000_000, 'within']);
    await gate.arrived('within');
    const second = await call(revision, [5_000_000, 2_000_000]);
    assert.match(second.kind === 'memory' ? second.error.message : second.kind, /calls of the namespace held more/);
    gate.release('within');
    assert.deepEqual(valuesOf(await within), ['kept'], 'control: within the memory of the call it may');
    assert.deepEqual(valuesOf(await call(revision, [5_000_000, 2_000_000])), ['kept'], 'control: all was given back');
    await engine.close();
  });

  test('is not had anew by unloading everything while calls still run', async () => {
    const { engine, gate, load, call } = await testEngine({ allowance: allowing({ hostBytes: 1000 }) });
    const holds = 'return function(bytes, name) test.hold(bytes) if name then gate.wait(name) end return "held" end';
    const first = await load(holds);
    const waiting = call(first, [800, 'first']);
    await gate.arrived('first');
    engine.unload(first);
    const second = await load(holds);
    assert.equal((await call(second, [300])).kind, 'memory');
    gate.release('first');
    assert.deepEqual(valuesOf(await waiting), ['held']);
    assert.deepEqual(valuesOf(await call(second, [300])), ['held'], 'control: what the other one held is free');
    await engine.close();
  });

  test('may change while its functions are loaded', async () => {
    let allowance: NamespaceAllowance = {};
    const { engine, load, call } = await testEngine({ allowance: () => allowance });
    const revision = await load('return function(bytes) test.hold(bytes) return "held" end');
    assert.deepEqual(valuesOf(await call(revision, [5000])), ['held']);
    allowance = { hostBytes: 1000 };
    engine.renewAllowances();
    assert.equal((await call(revision, [5000])).kind, 'memory');
    allowance = {};
    engine.renewAllowances();
    assert.deepEqual(valuesOf(await call(revision, [5000])), ['held']);
    await engine.close();
  });
});

/** Both namespaces loop without end until `ms` of CPU time are used up in all; gives what each of them used. */
async function compete(allowance: NamespaceAllowance, ms: number): Promise<{ bounded: number; free: number }> {
  const { engine, load, call } = await testEngine({ allowance: allowing(allowance) });
  const limits = { ...testLimits, timeoutMs: 60_000, cpuMs: 60_000 };
  const loop = 'return function() while true do end end';
  const [mine, theirs] = [await load(loop, { limits }), await load(loop, { ...other, limits })];
  const cancel = new AbortController();
  const began = process.threadCpuUsage();
  const results = [mine, theirs].map(async (revision) => call(revision, [], { signal: cancel.signal }));
  const used = (): number => {
    const { user, system } = process.threadCpuUsage(began);
    return (user + system) / 1000;
  };
  while (used() < ms) await new Promise((resolve) => setImmediate(resolve));
  cancel.abort();
  const [bounded, free] = await Promise.all(results);
  await engine.close();
  return { bounded: bounded?.usage.cpuMs ?? 0, free: free?.usage.cpuMs ?? 0 };
}

describe('a share of the CPU time', () => {
  test('bounds a namespace while another wants what there is', async () => {
    const { bounded, free } = await compete({ cpuShare: 0.1 }, 1000);
    assert.ok(free > 0 && bounded > 0, `${bounded} and ${free} ms: both ran`);
    assert.ok(bounded < 0.25 * (bounded + free), `${bounded} of ${bounded + free} ms`);
    const control = await compete({}, 300);
    const half = control.bounded / (control.bounded + control.free);
    assert.ok(half > 0.35, `control: without a share it has ${half} of all`);
  });

  test('does not keep a namespace from what nobody else wants', async () => {
    const { engine, load, call } = await testEngine({ allowance: allowing({ cpuShare: 0.01 }) });
    const revision = await load(
      'return function() local sum = 0 for i = 1, 3000000 do sum = sum + i % 2 end return sum end',
    );
    for (let times = 0; times < 3; times += 1) assert.deepEqual(valuesOf(await call(revision)), [1_500_000]);
    await engine.close();
  });

  test('lets quick calls of a namespace that has had its share be answered behind those of others', async () => {
    const { engine, load, call } = await testEngine({ allowance: allowing({ cpuShare: 0.01 }) });
    const [quick, foreign] = [
      await load('return function() return 1 end'),
      await load('return function() return 2 end', other),
    ];
    for (let times = 0; times < 20; times += 1) await call(quick);
    const order: unknown[] = [];
    const note = async (result: ReturnType<typeof call>): Promise<void> => void order.push(...valuesOf(await result));
    const both = [note(call(quick)), note(call(foreign)), note(call(foreign))];
    await Promise.all(both);
    assert.deepEqual(order, [2, 2, 1]);
    await engine.close();
  });
});
