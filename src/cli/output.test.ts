/** Columns and formats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createColumns, formatAge, formatTable } from './output.ts';

test('rows that come one by one stay in their columns until something wider comes', () => {
  const columns = createColumns(['A', 'NAME', 'WHAT'], [3, 6]);
  assert.equal(columns.header, 'A    NAME    WHAT');
  assert.equal(columns.row(['1', 'ab', 'x']), '1    ab      x');
  assert.equal(columns.row(['1234', 'ab', 'a longer text']), '1234  ab      a longer text');
  assert.equal(columns.row(['1', 'ab', 'x']), '1     ab      x');
});

test('cells hold no control characters and no line ends', () => {
  assert.equal(createColumns(['A', 'B'], []).row(['\u001b[31m', 'a\nb\tc']), '\\u001b[31m  a b c');
  assert.equal(formatTable(['A'], [['a\nb']]), 'A\na b\n');
});

test('ages have the largest unit that says enough', () => {
  assert.deepEqual([0, -5, 119_000, 120_000, 7_199_000, 7_200_000, 172_800_000].map(formatAge), [
    '0s',
    '0s',
    '119s',
    '2m',
    '119m',
    '2h',
    '2d',
  ]);
});
