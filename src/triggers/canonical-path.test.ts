import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalPath, maxRequestPathLength } from './canonical-path.ts';

test('a path is decoded once, and its query stays as it was', () => {
  assert.deepEqual(canonicalPath('/a/b%20c/%2561?x=%2F&y'), {
    ok: true,
    path: '/a/b c/%61',
    segments: ['a', 'b c', '%61'],
    query: 'x=%2F&y',
  });
  assert.deepEqual(canonicalPath('/'), { ok: true, path: '/', segments: [], query: undefined });
  assert.deepEqual(canonicalPath('/.hidden/..x?'), {
    ok: true,
    path: '/.hidden/..x',
    segments: ['.hidden', '..x'],
    query: '',
  });
});

test('no accepted path holds an empty, dot or split segment, whatever was sent', () => {
  const hostile = fc.array(
    fc.constantFrom(
      '/',
      '.',
      '%',
      '%2',
      '%2e',
      '%2f',
      '%5c',
      '\\',
      'a',
      '%00',
      '%25',
      'é',
      '%c3%a9',
      '%ff',
      '#',
      ' ',
      '?',
      ':',
      '*',
    ),
    { maxLength: 10 },
  );
  let accepted = 0;
  fc.assert(
    fc.property(hostile, (parts) => {
      const target = `/${parts.join('')}`;
      const canonical = canonicalPath(target);
      if (!canonical.ok) return;
      accepted += 1;
      for (const segment of canonical.segments) {
        assert.doesNotMatch(segment, /[/\\\x00-\x1f\x7f]/, target);
        assert.ok(segment !== '' && segment !== '.' && segment !== '..', target);
      }
      assert.equal(canonical.path, `/${canonical.segments.join('/')}`);
    }),
    { numRuns: 2000 },
  );
  // The control: the property was not empty.
  assert.ok(accepted > 100, String(accepted));
});

test('a path written in two ways has one canonical form', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
      (words) => {
        fc.pre(words.every((word) => !/[/\\]/.test(word) && word !== '.' && word !== '..'));
        const encoded = canonicalPath(words.map((word) => `/${encodeURIComponent(word)}`).join(''));
        const hex = canonicalPath(
          words
            .map(
              (word) => `/${[...Buffer.from(word)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
            )
            .join(''),
        );
        assert.ok(encoded.ok && hex.ok);
        assert.deepEqual(encoded.segments, words);
        assert.equal(encoded.path, hex.path);
      },
    ),
  );
});

test('a path over the limit is refused before it is taken apart', () => {
  assert.equal(canonicalPath(`/${'a'.repeat(maxRequestPathLength - 1)}`).ok, true);
  const refused = canonicalPath(`/${'a'.repeat(maxRequestPathLength)}`);
  assert.ok(!refused.ok && /longer than 4096 bytes/.test(refused.reason));
});
