import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonNull, type LuaKey, type LuaValue } from '../lua/types.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem } from './json-encode.ts';

const table = (...entries: readonly (readonly [LuaKey, LuaValue])[]): LuaValue => new Map(entries);

function problem(value: LuaValue, options = defaultEncodeOptions): string {
  try {
    encodeJson(value, options);
  } catch (error) {
    assert.ok(error instanceof EncodeProblem, String(error));
    return error.message;
  }
  return assert.fail('encoded');
}

test('numbers are written as they are', () => {
  assert.equal(
    encodeJson([1, -0.5, 1e21, 9007199254740993n, -9223372036854775808n, 5]),
    '[1,-0.5,1e+21,9007199254740993,-9223372036854775808,5]',
  );
});

test('what has no JSON form is named with its path', () => {
  assert.equal(problem(table(['a', [1, table(['b', Number.NaN])]])), 'NaN has no JSON form at .a[2].b');
  assert.equal(problem([Number.POSITIVE_INFINITY]), 'infinity has no JSON form at [1]');
  assert.match(
    problem(table(['x', Buffer.from([0x61, 0xff])])),
    /^a string that is not valid UTF-8 \(byte 2; use base64\.encode for bytes\) at \.x$/,
  );
  assert.match(problem(table([true, 1])), /^a key that is a boolean at \.true$/);
});

test('the place of a fault in a string is its first bad byte', () => {
  for (const [bytes, place] of [
    [[0xff], 1],
    [[0x61, 0x62, 0xc3], 3],
    [[0xc3, 0xa9, 0xe2, 0x82, 0x41], 3],
  ] as const) {
    const shown = Number(/byte (\d+)/.exec(problem(Buffer.from(bytes)))?.[1]);
    assert.ok(shown >= place && shown <= bytes.length + 1, `${shown} for ${bytes.join(' ')}`);
  }
});

test('a table with positive integer keys is an array with nulls unless its gaps are many', () => {
  assert.equal(encodeJson(table([1, 'a'], [3, 'c'])), '["a",null,"c"]');
  assert.equal(encodeJson(table([10, 'x'])), `[${'null,'.repeat(9)}"x"]`);
  assert.match(problem(table([11, 'x'])), /too many gaps/);
  const sparse = { convert: true, ratio: 2, safe: 10 };
  assert.equal(encodeJson(table([11, 'x']), { ...defaultEncodeOptions, sparse }), '{"11":"x"}');
  assert.equal(encodeJson(table([0, 'x'])), '{"0":"x"}');
  assert.equal(encodeJson(table([1, 'x'], ['n', 1])), '{"1":"x","n":1}');
  assert.match(problem(table([2 ** 40, 'x'])), /too many gaps/);
});

test('empty tables keep their kind', () => {
  assert.equal(encodeJson(table(['a', []], ['o', new Map()])), '{"a":[],"o":{}}');
  assert.equal(encodeJson(new Map(), { ...defaultEncodeOptions, emptyTable: 'array' }), '[]');
});

test('strings are escaped, long ones too, and pairs are never torn', () => {
  assert.equal(encodeJson('a"\\\n\u2028\u0001'), JSON.stringify('a"\\\n\u2028\u0001'));
  for (const pad of [0, 1]) {
    const long = 'x'.repeat(pad) + '😀'.repeat(20_000);
    assert.equal(encodeJson(long), JSON.stringify(long));
  }
});

test('nulls and prototype names are data', () => {
  assert.equal(encodeJson(table(['__proto__', jsonNull], ['constructor', 1])), '{"__proto__":null,"constructor":1}');
});

test('depth, values and bytes are bounded', () => {
  let deep: LuaValue = 1;
  for (let level = 0; level < 65; level += 1) deep = [deep];
  assert.match(problem(deep), /nested deeper than 64 levels/);
  assert.match(problem(Array.from({ length: 60_000 }, () => 1)), /more than 40000 names and values/);
  assert.match(problem('\u0001'.repeat(400_000)), /longer than 1048576 bytes/);
});

test('sorted keys make equal tables equal texts', () => {
  const options = { ...defaultEncodeOptions, sortKeys: true };
  assert.equal(encodeJson(table(['b', 1], ['a', table(['y', 1], ['x', 2])]), options), '{"a":{"x":2,"y":1},"b":1}');
});
