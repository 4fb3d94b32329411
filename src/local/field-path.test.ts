import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPath } from '../function/mistakes.ts';
import { parseFieldPath } from './field-path.ts';

test('a printed path is read back', () => {
  for (const steps of [[], ['spec', 'triggers', 0, 'http'], ['metadata', 'labels', 'a/b "c"', 'd-e'], ['a', 1, 2]]) {
    assert.deepEqual(parseFieldPath(formatPath(steps)), steps);
  }
});

test('what follows a path is left out', () => {
  assert.deepEqual(parseFieldPath('spec.modulesFrom[1].configMapRef (key "a.lua")'), [
    'spec',
    'modulesFrom',
    1,
    'configMapRef',
  ]);
});
