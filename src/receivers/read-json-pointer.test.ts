import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { leastMs } from '../../test/builders/least-time.ts';
import { parsePointer, readJsonPointer, readJsonText } from './read-json-pointer.ts';

const at = (json: string, pointer: string): unknown =>
  readJsonPointer(Buffer.from(json), parsePointer(pointer) ?? assert.fail(pointer));

/** What a full parse finds: own members and elements only. */
function lookUp(value: unknown, segments: readonly string[]): unknown {
  let current = value;
  for (const segment of segments) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, segment)) return undefined;
    // The only own property of an array that is no element, and a text that fast-check likes to make.
    if (Array.isArray(current) && segment === 'length') return undefined;
    current = (current as Record<string, unknown>)[segment];
  }
  return typeof current === 'object' && current !== null ? undefined : current;
}

describe('a JSON pointer read without a parse', () => {
  test('finds what a full parse finds, anywhere in any document, with any white space', () => {
    // JSON.parse of V8 13.6 may read a key of one escaped character as a backslash once it has seen the key `\\`
    // (nodejs/node issue 63785): such documents have no place in a comparison with it.
    const name = fc
      .oneof(fc.constantFrom('a', 'b', '0', '1', '__proto__', 'a/b', 'm~n', '"', '\\n', 'é'), fc.string())
      .filter((text) => text !== '\\');
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const { node } = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(name, tie('node'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(
        node,
        fc.array(name, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', ' ', '\n\t'),
        (value, segments, space) => {
          const json = JSON.stringify(value, undefined, space);
          const paths = [segments, ...pathsOf(JSON.parse(json))];
          for (const path of paths) {
            const found = readJsonPointer(Buffer.from(json), path);
            assert.deepEqual(found, lookUp(JSON.parse(json), path), `${json} at ${path.join('/')}`);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('never throws and never leaves the bytes, whatever they are', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      '"a"',
      '"a":',
      '1',
      'tru',
      ' ',
      '\\"',
      '"\\u12',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const found = at(pieces.join(''), '/a/0');
        assert.ok(found === undefined || found === null || ['string', 'number', 'boolean'].includes(typeof found));
      }),
      { numRuns: 2000 },
    );
  });

  test('takes time in proportion to the document, however deep it is', async () => {
    for (const json of [
      '{"a":'.repeat(100_000),
      '['.repeat(500_000),
      `{"a":"${'\\'.repeat(400_001)}`,
      `{"x":${'"\\"",'.repeat(90_000)}`,
    ]) {
      const ms = await leastMs(300, () => {
        assert.equal(at(json, '/a/b/c'), undefined);
        assert.equal(at(`${json}"b"`, '/b'), undefined);
      });
      assert.ok(ms < 300);
    }
  });

  test('gives ids of numbers as text, and nothing for empty, null, long and structured values', () => {
    const text = (json: string): string | undefined => readJsonText(Buffer.from(json), ['id']);
    assert.equal(text('{"id":42}'), '42');
    assert.equal(text('{"id":"evt_1"}'), 'evt_1');
    for (const json of [
      '{"id":""}',
      '{"id":null}',
      '{"id":{}}',
      '{"id":[1]}',
      `{"id":"${'x'.repeat(2000)}"}`,
      '{}',
      '',
      '{"id"',
    ]) {
      assert.equal(text(json), undefined, json);
    }
  });

  test('is refused where it is not a pointer', () => {
    for (const text of ['', 'a', 'a/b', '/a~2', `/${'a/'.repeat(20)}`])
      assert.equal(parsePointer(text), undefined, text);
    assert.deepEqual(parsePointer('/a~1b/m~0n/'), ['a/b', 'm~n', '']);
  });
});

function pathsOf(value: unknown): readonly string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [[name], ...pathsOf(inner).map((path) => [name, ...path])]);
}
