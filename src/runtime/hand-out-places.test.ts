import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { functionEntry } from '../../test/builders/function-entry.ts';
import { createPlaceBook, otherRow } from './hand-out-places.ts';

function book(maxFunctions = 10, labelledFunctions = 10) {
  const cleared: string[] = [];
  const places = createPlaceBook({
    maxFunctions,
    labelledFunctions,
    maxRows: 20,
    clearRow: (row) => cleared.push(`row ${row}`),
    clearIndex: (index) => cleared.push(`index ${index}`),
  });
  return { places, cleared };
}
const entry = (uid: string) => functionEntry({ uid, name: uid });

suite('createPlaceBook', () => {
  test('a function keeps its places while it is edited', () => {
    const { places } = book();
    const first = places.take(entry('a'));
    places.take(entry('b'));
    assert.deepEqual(places.take(entry('a')), first);
  });

  test('places of a deleted function are cleared before another gets them', () => {
    const { places, cleared } = book();
    const first = places.take(entry('a'));
    places.release('a');
    assert.equal(cleared.length, 0);
    const second = places.take(entry('b'));
    assert.equal(second?.index, first?.index);
    assert.ok(cleared.includes(`index ${first?.index ?? ''}`));
    assert.ok(cleared.includes(`row ${second?.callRow ?? ''}`));
  });

  test('functions beyond the cap on labels are counted as other; a freed label goes to the next', () => {
    const { places } = book(10, 1);
    assert.notEqual(places.take(entry('a'))?.callRow, otherRow);
    assert.equal(places.take(entry('b'))?.callRow, otherRow);
    places.release('a');
    assert.notEqual(places.take(entry('c'))?.callRow, otherRow);
    assert.ok([...places.rows()].some(([row, { functionName }]) => row === otherRow && functionName === 'other'));
  });

  test('there is no place beyond the number of functions', () => {
    const { places } = book(1);
    assert.notEqual(places.take(entry('a')), undefined);
    assert.equal(places.take(entry('b')), undefined);
  });
});
