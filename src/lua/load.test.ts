import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testEngine, testLimits, valuesOf } from '../../test/builders/test-engine.ts';
import type { LuaMistake, Program } from './types.ts';

const program = (code: string, extra: Partial<Program> = {}): Program => ({
  namespaceUid: 'uid-a',
  namespace: 'a',
  name: 'deploy-on-push',
  revision: 'r',
  code,
  modules: new Map(),
  env: new Map(),
  expressions: new Map(),
  limits: testLimits,
  ...extra,
});

async function mistakesOf(code: string, extra: Partial<Program> = {}): Promise<readonly LuaMistake[]> {
  const { engine } = await testEngine();
  const result = await engine.load(program(code, extra));
  await engine.close();
  return result.ok ? [] : result.mistakes;
}

const handler = 'return function() end';

describe('mistakes found when a program is loaded', () => {
  const places: readonly (readonly [string, string, Partial<LuaMistake>])[] = [
    ['a syntax error', 'return function()\n  local x = = 1\nend', { kind: 'syntax', line: 2, column: 13 }],
    ['an unfinished block', 'return function()\n  if x then', { kind: 'syntax', line: 2, column: 12 }],
    ['a goto without its label', 'return function() goto nowhere end', { kind: 'syntax', line: 1 }],
    ['an error of the top level', 'local a\nlocal b = a.b\nreturn a', { kind: 'load', line: 2 }],
    ['the clock at load time', '\n\nlocal t = test.now()', { kind: 'load', line: 3 }],
    ['a host call at load time', 'local t = gate.soon(1)', { kind: 'load', line: 1 }],
    ['os.time at load time', 'local t = os.time()', { kind: 'load', line: 1 }],
    ['random numbers at load time', 'local t = math.random()', { kind: 'load', line: 1 }],
    ['the log at load time', 'print("x")', { kind: 'load', line: 1 }],
    ['exit at load time', 'pcall(print) exit(1)', { kind: 'load', line: 1 }],
    [
      'a yield that nobody waits for',
      '\ncoroutine.yield(1)',
      { kind: 'load', line: 2, message: 'attempt to yield from outside a coroutine' },
    ],
    ['an error without a value', '\nerror()', { kind: 'load', line: 2, message: '(error object is a nil value)' }],
    ['nothing returned', 'local x = 1', { kind: 'shape' }],
    ['a number returned', 'return 1', { kind: 'shape' }],
    ['a table without handlers', 'return {}', { kind: 'shape' }],
    ['a table with something else in it', 'return { push = 1 }', { kind: 'shape' }],
    ['a list of functions', 'return { print }', { kind: 'shape' }],
    ['an endless top level', 'while true do end', { kind: 'cpu' }],
    ['too much memory at the top level', 'local t = {} while true do t[#t + 1] = {} end', { kind: 'memory' }],
  ];
  for (const [what, code, expected] of places) {
    test(what, async () => {
      const limits = { ...testLimits, cpuMs: expected.kind === 'memory' ? 2000 : 60 };
      const [mistake, ...rest] = await mistakesOf(code, { limits });
      assert.ok(mistake !== undefined);
      assert.deepEqual(rest, []);
      assert.equal(mistake.file, 'deploy-on-push');
      for (const [field, value] of Object.entries(expected)) {
        assert.equal(mistake[field as keyof LuaMistake], value, `${field} of ${JSON.stringify(mistake)}`);
      }
    });
  }

  test('are reported for every file at once, with the file they are in', async () => {
    const mistakes = await mistakesOf('return function( end', {
      modules: new Map([
        ['util', '\nx ='],
        ['good', 'return {}'],
      ]),
      expressions: new Map([['filter', 'event.data ==']]),
    });
    assert.deepEqual(
      mistakes.map(({ kind, file, line }) => [kind, file, line]),
      [
        ['syntax', 'deploy-on-push', 1],
        ['syntax', 'util', 2],
        ['syntax', 'filter', 1],
      ],
    );
  });

  test('name the module whose top level failed', async () => {
    const modules = new Map([['util', '\nerror("broken")']]);
    const [mistake] = await mistakesOf(`local u = require("util")\n${handler}`, { modules });
    assert.deepEqual([mistake?.kind, mistake?.file, mistake?.line, mistake?.message], ['load', 'util', 2, 'broken']);
  });
});

describe('modules', () => {
  test('are required once, see each other, and say what exists when one does not', async () => {
    const { engine, run } = await testEngine();
    const modules = new Map([
      ['a', 'return { b = require("b"), n = require("b").next() }'],
      ['b', 'local n = 0 return { next = function() n = n + 1 return n end }'],
    ]);
    const code = `local a = require("a")
      return function() return a.n, a.b.next(), require("b") == a.b, pcall(require, "c") end`;
    const values = valuesOf(await run(code, [], { modules }));
    assert.deepEqual(values.slice(0, 4), [1, 2, true, false]);
    assert.equal(values[4], "module 'c' not found; known modules: a, b");
    const cycle = new Map([['a', 'return require("a")']]);
    const again = await engine.load(program(`require("a") ${handler}`, { modules: cycle }));
    assert.match(again.ok ? '' : (again.mistakes[0]?.message ?? ''), /module 'a' requires itself/);
    await engine.close();
  });

  test('read their environment values and cannot change them', async () => {
    const { engine, run } = await testEngine();
    const env = new Map([['CHANNEL', '#ops']]);
    const code = `return function()
      local seen = {}
      for name, value in pairs(env) do seen[name] = value end
      return env.CHANNEL, env.OTHER, seen, pcall(function() env.CHANNEL = "x" end)
    end`;
    const values = valuesOf(await run(code, [], { env }));
    assert.deepEqual(values.slice(0, 4), ['#ops', undefined, new Map([['CHANNEL', '#ops']]), false]);
    await engine.close();
  });
});

test('an image that was evicted is made again from bytecode and answers the same', async () => {
  const { engine, load, call } = await testEngine({ imageBytes: 1 });
  const code =
    'local big = {} for i = 1, 100 do big[i] = i end return function(n) big[1] = big[1] + n return big[1], #big end';
  const [first, second] = [await load(code), await load(code)];
  for (let round = 0; round < 4; round += 1) {
    assert.deepEqual(valuesOf(await call(first, [round])), [1 + round, 100]);
    assert.deepEqual(valuesOf(await call(second, [round])), [1 + round, 100]);
  }
  await engine.close();
});

test('an unloaded program is gone, calls of it that wait end as they would', async () => {
  const { engine, gate, load, call } = await testEngine();
  const revision = await load('return function(name) return gate.wait(name) end');
  const pending = call(revision, ['x']);
  engine.unload(revision);
  assert.equal((await call(revision, ['y'])).kind, 'error');
  gate.release('x', 'late');
  assert.deepEqual(valuesOf(await pending), ['late']);
  assert.equal(engine.stats().functions, 0);
  await engine.close();
});

test('a handle spares the search, and one of a program that was loaded anew or unloaded is not followed', async () => {
  const { engine, load, call } = await testEngine();
  const revision = await load('return function() return "old" end', { revision: 'r' });
  const old = engine.find(revision);
  assert.ok(old !== undefined);
  assert.deepEqual(valuesOf(await call('of no program', [], { program: old })), ['old'], 'control: it is followed');
  await load('return function() return "new" end', { revision: 'r' });
  assert.deepEqual(valuesOf(await call(revision, [], { program: old })), ['new']);
  assert.deepEqual(valuesOf(await call(revision, [], { program: engine.find(revision) })), ['new']);
  engine.unload(revision);
  assert.equal(engine.find(revision), undefined);
  assert.equal((await call(revision, [], { program: old })).kind, 'error');
  await engine.close();
});
