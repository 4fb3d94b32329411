import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.ts';

test('durations are whole numbers with a unit', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['10', undefined],
    ['1.5s', undefined],
    ['-1s', undefined],
    ['1h30m', undefined],
    ['500m CPU', undefined],
    ['s', undefined],
    ['', undefined],
    [' 1s', undefined],
    ['1s\n', undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseDuration(text), expected, JSON.stringify(text));
});

test('a duration beyond exact integers is the largest exact integer, never less than it says in order', () => {
  assert.equal(parseDuration('999999999d'), Number.MAX_SAFE_INTEGER);
});

test('whole milliseconds survive being written and read', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (value) =>
      assert.equal(parseDuration(formatDuration(value)), value),
    ),
  );
});
