import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Places } from './places.ts';

/** Takes all that each may, in turn, until nobody gets one more. */
function fill(places: Places, names: readonly string[]): readonly number[] {
  const taken = names.map(() => 0);
  for (let more = true; more;) {
    more = false;
    for (const [index, name] of names.entries()) {
      if (places.free(name) === 0) continue;
      places.take(name);
      taken[index] = (taken[index] ?? 0) + 1;
      more = true;
    }
  }
  return taken;
}

test('a namespace alone gets four fifths, and whoever comes then finds places', () => {
  const places = new Places(200);
  assert.deepEqual(fill(places, ['loud']), [160]);
  assert.equal(places.free('quiet'), 32);
  assert.deepEqual(fill(places, ['quiet', 'third']), [18, 17]);
});

test('namespaces that come together get as much each', () => {
  assert.deepEqual(fill(new Places(200), ['a', 'b']), [89, 88]);
  const many = fill(
    new Places(200),
    Array.from({ length: 30 }, (_, index) => `n${index}`),
  );
  assert.deepEqual([Math.min(...many), Math.max(...many)], [6, 7]);
});

test('of few places each goes to whoever has none, and no more than all are taken', () => {
  assert.deepEqual(fill(new Places(1), ['a', 'b']), [1, 0]);
  assert.deepEqual(fill(new Places(3), ['a']), [2]);
  const many = fill(
    new Places(20),
    Array.from({ length: 50 }, (_, index) => `n${index}`),
  );
  assert.equal(
    many.reduce((sum, each) => sum + each, 0),
    20,
  );
});

test('a place that is left is there for whoever asks next', () => {
  const places = new Places(4);
  assert.deepEqual(fill(places, ['a']), [3]);
  assert.equal(places.free('a'), 0);
  places.leave('a');
  assert.equal(places.free('a'), 1);
});
