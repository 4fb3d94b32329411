/** The difference that a conflict shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { changeBetween } from './page/edit/change-between.ts';
import { lineDifference } from './page/edit/line-difference.ts';

const told = (before: string, after: string): readonly string[] =>
  lineDifference(before, after).map(({ sign, text }) => `${sign}${text}`);

test('lines that differ are shown with their neighbours, and long common parts are left out', () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  const changed = lines.with(10, 'other');
  assert.deepEqual(told(lines.join('\n'), changed.join('\n')), [
    ' …',
    ' line 7',
    ' line 8',
    ' line 9',
    '-line 10',
    '+other',
    ' line 11',
    ' line 12',
    ' line 13',
    ' …',
  ]);
  assert.deepEqual(told('same', 'same'), []);
});

test('from what is shown of short texts both can be made again', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      if (before === after) return;
      const lines = lineDifference(before, after).filter(({ text: shown }) => shown !== '…');
      const without = (sign: string): string =>
        lines
          .filter((line) => line.sign !== sign)
          .map((line) => line.text)
          .join('\n');
      // At most three lines in common stand around each difference: short texts are shown whole.
      assert.equal(without('+'), before);
      assert.equal(without('-'), after);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('a change between two texts is the smallest one that makes the second', () => {
  assert.deepEqual(changeBetween('one two three', 'one 2 three'), { from: 4, to: 7, insert: '2' });
  assert.deepEqual(changeBetween('aaa', 'aaaa'), { from: 3, to: 3, insert: 'a' });
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const { from, to, insert } = changeBetween(before, after);
      assert.ok(from <= to);
      assert.equal(before.slice(0, from) + insert + before.slice(to), after);
    }),
    { seed: 1, numRuns: 200 },
  );
});
