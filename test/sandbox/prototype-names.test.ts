/** `__proto__`, `constructor` and their like are ordinary names wherever a script, a file or a caller can choose a name. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LuaValue } from '../../src/lua/types.ts';
import { valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  'then',
  'toJSON',
  'length',
  'get',
  'size',
];

/** Properties an attack would add to every object of the process. */
function polluted(): string[] {
  return Reflect.ownKeys(Object.prototype)
    .map(String)
    .filter((key) => key.startsWith('polluted'));
}

describe('names of prototypes', () => {
  test('as keys of results, arguments, log fields and errors are data', () =>
    withEngine(async ({ run, context, checkNeighbour }) => {
      const code = `return function(names)
        local t, nested = {}, {}
        for _, name in ipairs(names) do t[name] = "v:" .. name end
        nested.__proto__ = { polluted1 = "yes" }
        nested.constructor = { prototype = { polluted2 = "yes" } }
        test.see(t)
        test.see(nested)
        local back = test.echo(t)
        for _, name in ipairs(names) do if back[name] ~= "v:" .. name then error("lost " .. name) end end
        return t, nested
      end`;
      const result = await run(code, [names]);
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      const [first] = result.values;
      assert.ok(first instanceof Map);
      assert.deepEqual(new Set(first.keys()), new Set(names));
      for (const name of names) assert.equal(first.get(name), `v:${name}`);
      const seen = context.seen[0];
      assert.ok(seen instanceof Map);
      assert.equal(seen.get('__proto__'), 'v:__proto__');
      assert.deepEqual(polluted(), []);
      await checkNeighbour();
    }));

  test('as keys given to Lua are fields, and unknown names are nil', () =>
    withEngine(async ({ run }) => {
      const given = JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}') as Record<string, never>;
      const result = await run(
        'return function(t) return rawget(t, "__proto__").admin, t.constructor, t.toString, t.valueOf, t.hasOwnProperty, t.admin end',
        [given],
      );
      assert.deepEqual(result.kind === 'ok' ? result.values.slice(0, 2) : result, [true, 1]);
      assert.deepEqual(
        result.kind === 'ok' ? result.values.slice(2).filter((value) => value !== undefined) : result,
        [],
      );
    }));

  test('as error values, in both directions', () =>
    withEngine(async ({ run }) => {
      const result = await run('return function() error({ __proto__ = { polluted3 = 1 }, constructor = "c" }) end');
      assert.equal(result.kind, 'error');
      const value = result.error.value;
      assert.ok(value instanceof Map);
      assert.equal(value.get('constructor'), 'c');
      assert.deepEqual(polluted(), []);
    }));

  for (const name of names) {
    test(`"${name}" as handler, module, env name, expression and global`, () =>
      withEngine(async ({ load, checkNeighbour }) => {
        const absent = await load('return { other = function() return "other" end }');
        const refused = await absent.call([], { target: { handler: name } });
        assert.equal(refused.kind, 'error', 'a handler that is not there is an error, not an inherited property');
        const hook = await load(
          `local m = require("${name}")
          return {
            ["${name}"] = function() return "handler", m.value, env["${name}"], _G["${name}"] end,
            other = function() return env.toString, env.constructor, pcall(require, "valueOf2") end,
          }`,
          {
            modules: { [name]: 'return { value = "module" }' },
            env: { [name]: 'env' },
            expressions: { [name]: `${JSON.stringify(name)} .. (event and event.x or "")` },
          },
        );
        assert.ok(hook.result.ok, JSON.stringify(hook.result));
        assert.deepEqual(hook.result.handlers.toSorted(), [name, 'other'].toSorted());
        const result = await hook.call([], { target: { handler: name } });
        assert.deepEqual(result.kind === 'ok' ? result.values : result, ['handler', 'module', 'env', undefined]);
        const expression = await hook.call([], { target: { expression: name }, globals: { event: { x: '!' } } });
        assert.equal(valueOf(expression), `${name}!`);
        const unknown = await hook.call([], { target: { expression: 'hasOwnProperty2' } });
        assert.equal(unknown.kind, 'error');
        const global = await hook.call([], {
          target: { expression: name },
          globals: JSON.parse(`{"${name}": 5}`) as Record<string, number>,
        });
        assert.equal(valueOf(global), name);
        assert.deepEqual(polluted(), []);
        await checkNeighbour();
      }));
  }

  test('a result that looks like a promise is not waited for', () =>
    withEngine(async ({ run }) => {
      const result = await run('return function() return { ["then"] = "not a function", catch = 1 } end');
      const value = valueOf(result) as Map<string, LuaValue>;
      assert.equal(value.get('then'), 'not a function');
    }));

  test('control: the search for pollution finds it', () => {
    const key = 'pollutedByTheControl';
    // oxlint-disable-next-line no-extend-native -- pollution is what the control is about
    Object.defineProperty(Object.prototype, key, { value: 1, configurable: true });
    try {
      assert.deepEqual(polluted(), [key]);
    } finally {
      Reflect.deleteProperty(Object.prototype, key);
    }
  });
});
