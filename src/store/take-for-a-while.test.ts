import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeForAWhile } from './take-for-a-while.ts';

/** Each item takes so long on a clock of its own. */
function taking(itemMs: number) {
  let now = 0;
  const turns: (() => void)[] = [];
  const taken: string[] = [];
  const take = takeForAWhile<string>({ nextTurn: (callback) => turns.push(callback), now: () => now }, (item) => {
    taken.push(item);
    now += itemMs;
  });
  return { take, taken, turns };
}

describe('taking for a while', () => {
  test('takes at once what fits in a turn, and asks for no other', () => {
    const { take, taken, turns } = taking(0.1);
    take(['a', 'b', 'c']);
    assert.deepEqual([taken, turns.length], [['a', 'b', 'c'], 0]);
  });

  test('leaves the rest to the next turn, in order, with what came meanwhile behind it', () => {
    const { take, taken, turns } = taking(0.6);
    take(['a', 'b', 'c']);
    assert.deepEqual(taken, ['a', 'b']);
    take(['d']);
    assert.deepEqual([taken.length, turns.length], [2, 1]);
    turns.shift()?.();
    assert.deepEqual([taken, turns.length], [['a', 'b', 'c', 'd'], 0]);
    take(['e']);
    assert.equal(taken.at(-1), 'e');
  });

  test('takes one in each turn however long it takes', () => {
    const { take, taken, turns } = taking(5);
    take(['a', 'b']);
    assert.deepEqual(taken, ['a']);
    turns.shift()?.();
    assert.deepEqual(taken, ['a', 'b']);
  });

  test('goes on with those behind one that throws', () => {
    const turns: (() => void)[] = [];
    const taken: string[] = [];
    const take = takeForAWhile<string>({ nextTurn: (callback) => turns.push(callback), now: () => 0 }, (item) => {
      if (item === 'bad') throw new Error('thrown by an item');
      taken.push(item);
    });
    assert.throws(() => take(['a', 'bad', 'b']), /thrown by an item/);
    take(['c']);
    assert.deepEqual([taken, turns.length], [['a'], 1]);
    turns.shift()?.();
    take(['d']);
    assert.deepEqual([taken, turns.length], [['a', 'b', 'c', 'd'], 0]);
  });

  test('loses and repeats nothing while there is always more', () => {
    const { take, taken, turns } = taking(5);
    const all = Array.from({ length: 3000 }, (_, index) => String(index));
    take(all.slice(0, 2));
    for (const item of all.slice(2)) {
      turns.shift()?.();
      take([item]);
    }
    while (turns.length > 0) turns.shift()?.();
    assert.deepEqual(taken, all);
  });
});
