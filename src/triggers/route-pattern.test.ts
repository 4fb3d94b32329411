import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalPath } from './canonical-path.ts';
import {
  comparePatterns,
  formatSegments,
  matchPattern,
  parseRoutePattern,
  type PathSegment,
  type RoutePattern,
} from './route-pattern.ts';
import { patternsOverlap } from '../../test/builders/patterns-overlap.ts';

function pattern(text: string): RoutePattern {
  const parsed = parseRoutePattern(text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
  return parsed.pattern;
}

function segmentsOf(path: string): readonly string[] {
  const canonical = canonicalPath(path);
  assert.ok(canonical.ok, canonical.ok ? '' : canonical.reason);
  return canonical.segments;
}

/** Few words, so that random patterns and paths meet. */
const word = fc.constantFrom('a', 'b', 'c');
const anySegments = fc
  .tuple(
    fc.array(
      fc.oneof(
        word.map((text): PathSegment => ({ kind: 'literal', text })),
        fc.constant<PathSegment>({ kind: 'parameter', name: 'p' }),
      ),
      { maxLength: 4 },
    ),
    fc.boolean(),
  )
  .map(([segments, rest]): readonly PathSegment[] => {
    const named = segments.map((segment, index) =>
      segment.kind === 'parameter' ? { kind: 'parameter' as const, name: `p${index}` } : segment,
    );
    return rest ? [...named, { kind: 'rest' as const }] : named;
  });
const anyPattern = anySegments.map((segments) => pattern(formatSegments(segments)));

/** Every path of up to five of the words. */
const allPaths: readonly (readonly string[])[] = (() => {
  let level: string[][] = [[]];
  const all: string[][] = [[]];
  for (let length = 1; length <= 5; length += 1) {
    level = level.flatMap((path) => ['a', 'b', 'c'].map((next) => [...path, next]));
    all.push(...level);
  }
  return all;
})();

test('two patterns overlap exactly if some path is matched by both', () => {
  fc.assert(
    fc.property(anyPattern, anyPattern, (left, right) => {
      const shared = allPaths.some((path) => matchPattern(left, path) && matchPattern(right, path));
      assert.equal(patternsOverlap(left, right), shared, `${left.text} and ${right.text}`);
      assert.equal(patternsOverlap(right, left), shared);
    }),
    { numRuns: 300 },
  );
});

test('the text of any segments parses to the same segments', () => {
  const literal = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((text) => !/[/\\\x00-\x1f\x7f]/.test(text) && text !== '.' && text !== '..' && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(literal, { maxLength: 6 }), (texts) => {
      const segments = texts.map((text): PathSegment => ({ kind: 'literal', text }));
      const parsed = pattern(formatSegments(segments));
      assert.deepEqual(parsed.segments, segments);
      assert.equal(pattern(parsed.text).text, parsed.text);
    }),
  );
});

test('a pattern of literals is matched by its own encoded path', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), (text) => {
      fc.pre(!/[/\\\x00-\x1f\x7f]/.test(text) && text !== '.' && text !== '..' && text.isWellFormed());
      const target = `/${encodeURIComponent(text)}`;
      const written = pattern(formatSegments([{ kind: 'literal', text }]));
      assert.ok(matchPattern(written, segmentsOf(target)), target);
    }),
  );
});

test('parameters and the rest are named', () => {
  assert.deepEqual(pattern('/items/:id/files/*').names, ['id', '*']);
  assert.deepEqual(
    [...(matchPattern(pattern('/items/:id/files/*'), ['items', '7', 'files', 'x', 'y']) ?? [])],
    [
      ['id', '7'],
      ['*', 'x/y'],
    ],
  );
});

test('a final * takes one or more segments', () => {
  assert.equal(matchPattern(pattern('/a/*'), ['a']), undefined);
  assert.ok(matchPattern(pattern('/a/*'), ['a', 'b', 'c']));
});

test('an encoded and a plain literal are the same pattern', () => {
  assert.equal(pattern('/caf%C3%A9').text, pattern('/café').text);
  assert.equal(pattern('/%61').text, '/a');
  assert.equal(pattern('/%3Aid').text, '/%3Aid');
  assert.equal(pattern('/a:b').text, '/a:b');
});

const refused: readonly (readonly [text: string, message: RegExp, hint?: RegExp])[] = [
  ['a', /does not begin with "\/"/],
  ['/a//b', /empty segment/],
  ['/a/', /trailing slash/],
  ['/a/../b', /segment "\.\."/],
  ['/a/%2e%2E/b', /segment "\.\."/],
  ['/a%2Fb', /encoded slash/],
  ['/a%5Cb', /backslash/],
  ['/a%00b', /control character/],
  ['/a%zz', /broken percent-encoding/],
  ['/a%ff', /not UTF-8/],
  ['/*/a', /not its last segment/, /:name/],
  ['/a*', /not a literal/, /stands alone/],
  ['/{id}', /no parameter here/, /":id"/],
  ['/<id>', /no parameter here/, /":id"/],
  [String.raw`/:id(\d+)`, /not the name of a parameter/, /whole segment/],
  ['/:', /not the name of a parameter/],
  ['/:a/:a', /":a" twice/],
  ['/a?x=1', /not a literal/],
  ['/a b', /not a literal/],
  ['/\ud800', /surrogate/],
  [`/${'a/'.repeat(40)}b`, /more than 32 segments/],
  [`/${'a'.repeat(2000)}`, /longer than 1024/],
];

for (const [text, message, hint] of refused) {
  test(`the pattern ${text.slice(0, 30)} is refused with its reason`, () => {
    const parsed = parseRoutePattern(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.message, message);
    if (hint) assert.match(parsed.hint ?? '', hint);
  });
}

test('literals come before parameters, parameters before the rest, longer before shorter', () => {
  const order = ['/a/b/c', '/a/b/:x', '/a/:x/c', '/a/:x', '/a/*', '/:x/b', '/*'];
  const shuffled = [...order].reverse().map(pattern);
  assert.deepEqual(
    shuffled.sort(comparePatterns).map(({ text }) => text),
    order,
  );
});
