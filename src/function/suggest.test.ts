import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, editDistance, suggest } from './suggest.ts';

test('the distance counts insertions, deletions, substitutions and swaps of neighbours', () => {
  assert.equal(editDistance('', ''), 0);
  assert.equal(editDistance('abc', ''), 3);
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('reciever', 'receiver'), 1);
  assert.equal(editDistance('abcd', 'badc'), 2);
});

test('the nearest word is suggested, and a far one is not', () => {
  const fields = ['name', 'filter', 'http', 'schedule', 'receiver'];
  assert.equal(suggest('reciever', fields), 'receiver');
  assert.equal(suggest('HTTP', fields), 'http');
  assert.equal(suggest('htp', fields), 'http');
  assert.equal(suggest('banana', fields), undefined);
  assert.equal(suggest('', fields), undefined);
  assert.equal(suggest('x'.repeat(10_000), fields), undefined);
  assert.equal(didYouMean('filters', fields), 'did you mean "filter"?');
});

test('a word that is already right is no suggestion for itself', () => {
  assert.equal(suggest('name', ['name']), undefined);
});
