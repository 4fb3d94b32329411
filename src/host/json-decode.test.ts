import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constantFrom, json, property, string } from 'fast-check';
import { jsonNull, type LuaInput } from '../lua/types.ts';
import { closingQuote, decodeJson } from './json-decode.ts';
import { JsonProblem } from './json-problem.ts';

const limits = { maxDepth: 64, maxValues: 1_000, keepNulls: false };
const decode = (text: string): LuaInput => decodeJson(text, limits);

function problem(text: string, given = limits): string {
  try {
    decodeJson(text, given);
  } catch (error) {
    assert.ok(error instanceof JsonProblem, String(error));
    return error.message;
  }
  return assert.fail(`decoded: ${text.slice(0, 60)}`);
}

/** The same value whichever of the two readers made it: objects as entries. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return { entries: [...value].map(([key, item]) => [key, plain(item)]) };
  if (typeof value === 'object' && value !== null) {
    return { entries: Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, plain(item)]])) };
  }
  if (typeof value === 'bigint') return Number(value);
  return value === jsonNull ? null : value;
}

test('integers stay exact to 64 bits and become floats beyond', () => {
  assert.deepEqual(decode('[9007199254740993, -9223372036854775808, 9223372036854775807]'), [
    9007199254740993n,
    -9223372036854775808n,
    9223372036854775807n,
  ]);
  assert.deepEqual(decode('[9223372036854775808, 1e3, 5.0, 1E400]'), [9223372036854775808, 1000, 5, Infinity]);
});

test('names of JavaScript are ordinary keys', () => {
  for (const text of [
    '{"__proto__":{"x":1},"constructor":2,"toString":3}',
    '{"__proto__":{"x":1},"n":9007199254740993}',
  ]) {
    const value = decode(text) as object;
    const keys = value instanceof Map ? [...value.keys()] : Object.keys(value);
    assert.equal(keys[0], '__proto__', text);
    assert.equal(({} as { x?: number }).x, undefined);
  }
});

test('of equal names the last counts, a null among them too', () => {
  assert.deepEqual(plain(decode('{"a":1,"a":2}')), { entries: [['a', 2]] });
  assert.deepEqual(plain(decode('{"n":9007199254740993,"a":1,"a":null}')), { entries: [['n', 9007199254740992]] });
});

test('a byte order mark is skipped', () => {
  assert.equal(decode('\ufeff1'), 1);
});

test('mistakes name line and column', () => {
  for (const [text, message] of [
    ['', 'line 1, column 1: expected a value, got the end of the text'],
    ['{\n  "a": 1,\n  b: 2\n}', 'line 3, column 3: expected a member name in quotes, got "b"'],
    ['[1,]', 'line 1, column 4: expected a value, got "]"'],
    ['[1 2]', 'line 1, column 4: expected "," or "]", got "2"'],
    ['{"a" 1}', 'line 1, column 6: expected ":", got "1"'],
    ['{"a":1,}', 'line 1, column 8: expected a member name in quotes, got "}"'],
    ['01', 'line 1, column 2: expected the end of the text, got "1"'],
    ['1.', 'line 1, column 2: expected the end of the text, got "."'],
    ['+1', 'line 1, column 1: expected a value, got "+"'],
    ['nul', 'line 1, column 1: expected a value, got "n"'],
    ['NaN', 'line 1, column 1: expected a value, got "N"'],
    ['"abc', 'line 1, column 1: the string is not closed'],
    ['"a\nb"', 'line 1, column 3: the control character 10 must be escaped in a string'],
    ['"\\x"', 'line 1, column 2: unknown escape "\\x"'],
    ['"\\u12g4"', 'line 1, column 2: unknown escape "\\u"'],
    ['["ok", "\\ud800"]', 'line 1, column 9: the escape "\\ud800" is half of a surrogate pair'],
    ['"\\ud800\\u0041"', 'line 1, column 2: the escape "\\ud800" is half of a surrogate pair'],
    ['"\\udc00"', 'line 1, column 2: the escape "\\udc00" is half of a surrogate pair'],
    ['1 // x', 'line 1, column 3: expected the end of the text, got "/"'],
    ['\u0000', 'line 1, column 1: expected a value, got the control character 0'],
  ] as const) {
    assert.equal(problem(text), message);
  }
});

test('escapes are read, surrogate pairs joined, an escaped backslash before u is none', () => {
  assert.equal(decode('"\\u00e9\\n\\/\\ud83d\\ude00"'), 'é\n/😀');
  assert.equal(decode('"\\\\ud800"'), '\\ud800');
});

test('depth and number of values are bounded', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  assert.ok(decode(nested(64)));
  assert.match(problem(nested(65)), /nested deeper than 64 levels/);
  assert.match(problem('['.repeat(100_000)), /nested deeper/);
  assert.ok(decode(`[${'0,'.repeat(998)}0]`));
  assert.match(problem(`[${'0,'.repeat(1_000)}0]`), /more than 1000 names and values/);
  assert.match(problem(`[${'{},'.repeat(1_000)}0]`), /more than 1000 names and values/);
});

test('brackets inside of strings do not count', () => {
  assert.equal(decode(`"${'['.repeat(200)}"`), '['.repeat(200));
});

test('with keepNulls a null member stays', () => {
  assert.deepEqual(decodeJson('{"a":null}', { ...limits, keepNulls: true }), new Map([['a', jsonNull]]));
});

test('both readers agree with JSON.parse on every text it accepts', () => {
  check(
    property(json({ maxDepth: 6 }), (text) => {
      const expected = plain(JSON.parse(text));
      assert.deepEqual(plain(decodeJson(text, { ...limits, maxValues: 100_000 })), expected);
      // A half pair hidden in a string of its own sends the text to the careful reader.
      const careful = decodeJson(`[${text},9007199254740993]`, { ...limits, maxValues: 100_000 }) as LuaInput[];
      const sorted = (value: unknown): unknown =>
        Array.isArray(value)
          ? value.map(sorted)
          : typeof value === 'object' && value !== null
            ? {
                entries: (value as { entries: [string, unknown][] }).entries
                  .map(([k, v]) => [k, sorted(v)])
                  .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
              }
            : value;
      assert.deepEqual(sorted(plain(careful[0])), sorted(expected));
    }),
    { numRuns: 300 },
  );
});

test('whatever is not JSON is a JsonProblem, never another error', () => {
  check(
    property(string({ maxLength: 40, unit: constantFrom(...Array.from('{}[]",:\\u09ade.-+ntrf \n')) }), (text) => {
      let accepted = true;
      try {
        JSON.parse(text);
      } catch {
        accepted = false;
      }
      if (!accepted) problem(text);
    }),
    { numRuns: 2_000 },
  );
});

test('the closing quote is the first that no backslash takes, whatever crowds of escapes come before it', () => {
  const walked = (text: string): number => {
    for (let at = 1; at < text.length; at += text[at] === '\\' ? 2 : 1) if (text[at] === '"') return at;
    return -1;
  };
  const part = constantFrom('\\"', '\\\\', '\\n', 'x', 'y'.repeat(31), 'z'.repeat(32), '"', '\\');
  check(
    property(array(part, { maxLength: 40 }), (parts) => {
      const text = `"${parts.join('')}`;
      assert.equal(closingQuote(text, 0), walked(text), text);
    }),
    { numRuns: 2_000 },
  );
});
