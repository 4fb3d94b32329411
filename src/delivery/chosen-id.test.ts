import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosenId, shownId } from './chosen-id.ts';

test('a chosen id comes back as it was, whatever it holds', () => {
  for (const id of ['order-1', 'c9c2xtm8twgc6-4', 'a#b', '#', '%23', 'ü€', '/a/b#c', 'x'.repeat(256)]) {
    assert.equal(shownId(chosenId('/team/fn', id)), id);
    assert.equal(shownId(chosenId('a#b', id)), id);
  }
});

test('an id that the host made is shown as it is', () => {
  for (const id of ['c9c2xtm8twgc6-4', 'c9c2xtm8twgc6-4.1', 'c9c2xtm8twgc6-4-late', '0'.repeat(32)]) {
    assert.equal(shownId(id), id);
    assert.notEqual(chosenId('', id), id);
  }
});

test('source and id together name an event, and no other pair does', () => {
  const pairs = [
    ['/a', 'b'],
    ['/a#b', ''],
    ['/a', '#b'],
    ['/a#', 'b'],
    ['/b', 'b'],
    ['', '/a#b'],
  ] as const;
  assert.equal(new Set(pairs.map(([source, id]) => chosenId(source, id))).size, pairs.length);
});
