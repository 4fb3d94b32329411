import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatQuantity, parseQuantity } from './quantity.ts';

test('sizes are Kubernetes quantities of whole bytes', () => {
  const cases: readonly (readonly [string | number, number | undefined])[] = [
    ['16Mi', 16 * 2 ** 20],
    ['1M', 1_000_000],
    ['1e6', 1_000_000],
    ['1E3', 1000],
    ['1.5Ki', 1536],
    ['0.1Ki', 103],
    ['1048576', 1_048_576],
    [1_048_576, 1_048_576],
    [0, 0],
    ['500m', undefined],
    ['5u', undefined],
    ['1MB', undefined],
    ['16mi', undefined],
    ['-1Ki', undefined],
    ['', undefined],
    ['Mi', undefined],
    [1.5, undefined],
    [-1, undefined],
    [Number.NaN, undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseQuantity(text), expected, JSON.stringify(text));
});

test('a size beyond exact integers is the largest exact integer', () => {
  assert.equal(parseQuantity('9999P'), Number.MAX_SAFE_INTEGER);
  assert.equal(parseQuantity('1e99'), Number.MAX_SAFE_INTEGER);
});

test('whole bytes survive being written and read', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.constantFrom(1, 2 ** 10, 2 ** 20), (count, unit) => {
      const bytes = Math.floor(count / unit) * unit;
      assert.equal(parseQuantity(formatQuantity(bytes)), bytes);
    }),
  );
});
