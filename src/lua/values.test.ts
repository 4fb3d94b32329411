import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { lazyTable, testEngine, valuesOf } from '../../test/builders/test-engine.ts';
import { floatText } from './host-arguments.ts';
import { jsonNull, type LuaInput, type LuaValue } from './types.ts';

const scalar = fc.oneof(
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.constant(jsonNull),
);
const tree = fc.letrec<{ value: LuaInput }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'a'), fc.string({ minLength: 1 })),
      tie('value'),
      {
        minKeys: 1,
        maxKeys: 5,
        noNullPrototype: false,
      },
    ),
  ),
})).value;

/** What a value should come back as: objects as Maps. */
function asRead(value: LuaInput): LuaValue {
  if (Array.isArray(value)) return value.map((item: LuaInput) => asRead(item));
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value as Record<string, LuaInput>).map(([key, item]) => [key, asRead(item)]));
  }
  return value as LuaValue;
}

describe('values', () => {
  test('cross into Lua and back unchanged, names of JavaScript included', async () => {
    const { engine, load, call } = await testEngine();
    const revision = await load('return function(v) return v, test.echo(v) end');
    await fc.assert(
      fc.asyncProperty(tree, async (value) => {
        const expected = asRead(value);
        assert.deepEqual(valuesOf(await call(revision, [value])), [expected, expected]);
      }),
      { numRuns: 300 },
    );
    await engine.close();
  });

  test('strings are bytes: NUL, invalid UTF-8 and large bodies included', async () => {
    const { engine, run } = await testEngine();
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) & 255);
    const result = await run('return function(b, t) return #b, b:byte(256), b, t, "a\\0b", "\\xff" end', [
      bytes,
      'ü'.repeat(50_000),
    ]);
    const expected = [300_000, bytes[255], bytes, 'ü'.repeat(50_000), 'a\0b', Uint8Array.of(255)];
    assert.deepEqual(valuesOf(result), expected);
    await engine.close();
  });

  test('integers keep 64 bits, floats stay floats, an empty array given stays an array', async () => {
    const { engine, run } = await testEngine();
    const code = `return function(a, b, c, d)
      return math.type(a), math.type(b), math.type(c), math.maxinteger, math.mininteger, 1 << 53, d, {}, json.array({})
    end`;
    const values = valuesOf(await run(code, [1, 1.5, -0, []]));
    assert.deepEqual(values.slice(0, 3), ['integer', 'float', 'float']);
    assert.deepEqual(values.slice(3), [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, [], new Map(), []]);
    await engine.close();
  });

  test('what cannot cross is a clear error, in results and in arguments of host functions', async () => {
    const { engine, run } = await testEngine();
    for (const [code, message] of [
      ['return { f = print }', /^the result cannot be taken: a function cannot be passed on/],
      ['local t = {} t.t = t return t', /the table contains itself/],
      ['local t = {} for _ = 1, 100 do t = { t } end return t', /nested deeper than 64/],
      ['return { [{}] = 1 }', /a key of type table/],
      ['return { ["\\xff"] = 1 }', /not valid UTF-8/],
      ['return ("x"):rep(5000000)', /^the result is larger than 4 MiB$/],
      ['return test.echo(("x"):rep(5000000))', /^the result is larger than 4 MiB$/],
      [
        'local t = {} for i = 1, 20000 do t["k" .. i] = i end return t',
        /^the result has too many entries: .* 16666 of/,
      ],
      ['exit(("x"):rep(5000000))', /^what is given to exit is larger than 4 MiB$/],
      ['return gate.wait(("x"):rep(2^20 + 1))', /bad argument #1 to 'wait' \(longer than 1 MiB\)/],
      ['return test.random(("1"):rep(201))', /bad argument #1 to 'random' \(number expected, got string\)/],
      ['return test.echo(coroutine.create(print))', /bad argument #1 to 'echo' \(a thread cannot be passed on/],
    ] as const) {
      const result = await run(`return function() ${code} end`);
      assert.equal(result.kind, 'error');
      assert.match(result.kind === 'error' ? result.error.message : '', message);
    }
    await engine.close();
  });
});

describe('lazy tables', () => {
  const event = lazyTable({
    id: 'e1',
    list: [],
    request: lazyTable({ path: '/p', headers: lazyTable({ 'x-a': '1', host: 'h' }, true) }),
  });

  test('are made field by field, and all at once for pairs, the length and a whole copy', async () => {
    const asked: string[] = [];
    const spy = { ...event, keys: () => event.keys(), get: (key: string) => (asked.push(key), event.get(key)) };
    const { engine, run } = await testEngine();
    assert.deepEqual(valuesOf(await run('return function(e) return e.id, e.id, e.nothing, e.nothing end', [spy])), [
      'e1',
      'e1',
      undefined,
      undefined,
    ]);
    assert.deepEqual(asked, ['id', 'nothing']);
    const code = `return function(e)
      local keys = {}
      for key in pairs(e.request.headers) do keys[#keys + 1] = key end
      table.sort(keys)
      return keys, #e, test.echo(e)
    end`;
    const [keys, length, copy] = valuesOf(await run(code, [event]));
    assert.deepEqual([keys, length], [['host', 'x-a'], 0]);
    assert.deepEqual(
      copy,
      new Map<string, unknown>([
        ['id', 'e1'],
        ['list', []],
        [
          'request',
          new Map<string, unknown>([
            ['path', '/p'],
            [
              'headers',
              new Map([
                ['x-a', '1'],
                ['host', 'h'],
              ]),
            ],
          ]),
        ],
      ]),
    );
    await engine.close();
  });

  test('keep assignments, removals included, under any spelling of a header', async () => {
    const { engine, run } = await testEngine();
    const code = `return function(e)
      local h = e.request.headers
      e.id = nil
      h["X-A"] = nil
      h["X-New"] = "n"
      return e.id, h["x-a"], h["X-a"], h["x-new"], h.Host, rawget(h, "host"), pcall(setmetatable, e, {})
    end`;
    const values = valuesOf(await run(code, [event]));
    assert.deepEqual(values.slice(0, 7), [undefined, undefined, undefined, 'n', 'h', 'h', false]);
    await engine.close();
  });
});

test('floats given as text look as in Lua', () => {
  const samples: [number, string][] = [
    [1.5, '1.5'],
    [1e15, '1e+15'],
    [2 ** 53, '9.007199254741e+15'],
    [1e100, '1e+100'],
    [0.1, '0.1'],
    [1e-5, '1e-05'],
    [3, '3.0'],
    [-0, '-0.0'],
    [123456789012345.6, '1.2345678901235e+14'],
  ];
  for (const [value, text] of samples) assert.equal(floatText(value), text);
});
