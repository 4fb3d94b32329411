import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { bitsOf, KeyFilter, placeOf } from './key-filter.ts';

const keyOf = (index: number): Buffer => createHash('sha256').update(String(index)).digest().subarray(0, 16);
const count = 20_000;
const holds = (filter: KeyFilter, index: number): boolean => {
  const key = keyOf(index);
  return filter.mayHold(placeOf(key), bitsOf(key));
};

function filled(room: number): KeyFilter {
  const filter = KeyFilter.for(room);
  for (let index = 0; index < count; index += 1) filter.add(placeOf(keyOf(index)), bitsOf(keyOf(index)));
  return filter;
}

describe('a filter', () => {
  for (const [what, filter] of [
    ['that is full', filled(count)],
    ['that was made smaller', filled(count * 64).shrunkTo(count)],
    ['that was stored', KeyFilter.of(Buffer.from(filled(count).bytes))],
  ] as const) {
    test(`${what} knows each of its keys, and takes few strangers for one`, () => {
      for (let index = 0; index < count; index += 1) assert.ok(holds(filter, index));
      let strangers = 0;
      for (let index = count; index < count * 3; index += 1) if (holds(filter, index)) strangers += 1;
      assert.ok(strangers < count * 2 * 0.01, `${strangers} of ${count * 2}`);
    });
  }

  test('is no larger than what it has room for, and never smaller than a line', () => {
    assert.equal(KeyFilter.for(262_144).bytes.length, 1024 * 1024);
    assert.equal(filled(count * 64).shrunkTo(count).bytes.length, KeyFilter.for(count).bytes.length);
    assert.equal(KeyFilter.for(262_144).shrunkTo(1).bytes.length, 64);
  });

  test('that is empty holds nothing', () => {
    const filter = KeyFilter.for(count);
    for (let index = 0; index < 1000; index += 1) assert.ok(!holds(filter, index));
  });
});
