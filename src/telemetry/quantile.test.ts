import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantileOf } from './quantile.ts';

test('a quantile lies within its bucket, in proportion', () => {
  assert.equal(quantileOf(0.5, [1, 2, 4], [0, 10, 0, 0]), 1.5);
  assert.equal(quantileOf(0.99, [1, 2, 4], [50, 0, 50, 0]), 3.96);
});

test('nothing counted has no quantile, and what lies beyond the last bound answers that bound', () => {
  assert.equal(quantileOf(0.5, [1, 2], [0, 0, 0]), undefined);
  assert.equal(quantileOf(0.5, [1, 2], [0, 0, 7]), 2);
});
