import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { parseJson } from './parse-json.ts';

const parsed = (read: (text: string) => unknown, text: string): unknown => {
  try {
    return { value: read(text) };
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return 'no JSON';
  }
};

suite('parseJson', () => {
  test('reads what JSON.parse reads, keys of escapes among it', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        // The marker makes it take the careful way.
        const marked = `[${text},"\\n"]`;
        assert.deepEqual(parseJson(marked), JSON.parse(marked));
        assert.deepEqual(parseJson(text), JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  test('refuses what JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '"a"',
      '"\\n"',
      '1',
      '-',
      '.5',
      '1e5',
      'null',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        assert.deepEqual(parsed(parseJson, text), parsed(JSON.parse, text), text);
      }),
      { numRuns: 5_000 },
    );
    for (const text of ['["\\n",\u00a01]', '{"\\n":1,}', '["\\n",]', '["\\x"]', '["\\u12"]', '["\\n\n"]', '"\\n" 1']) {
      assert.equal(parsed(parseJson, text), 'no JSON', text);
    }
  });

  test('a key of one escape stays itself whatever keys were read before', () => {
    for (const text of ['{"\\\\":1}', '{"\\n":1}', '{"\\"":1}', '{"\\u0041":1}']) {
      assert.deepEqual(Object.keys(parseJson(text) as object), Object.keys(JSON.parse(text) as object));
    }
    assert.deepEqual(Object.keys(parseJson('{"\\n":1,"\\\\":2,"\\t":3}') as object), ['\n', '\\', '\t']);
  });

  test('names of prototypes are members, the last of several equal ones counts', () => {
    const value = parseJson('{"__proto__":{"\\n":1},"constructor":2,"constructor":3}') as Record<string, unknown>;
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.deepEqual(Object.entries(value), [
      ['__proto__', { '\n': 1 }],
      ['constructor', 3],
    ]);
  });

  test('is not led into a deep recursion', () => {
    assert.equal(parsed(parseJson, `["\\n",${'['.repeat(100_000)}`), 'no JSON');
  });
});
