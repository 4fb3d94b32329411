import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countLinked } from './count-linked.ts';

const groups = { names: ['payments', 'empty'], placed: {}, leaving: {} };

test('every group has a count: one without a runtime, or whose links are all down, has 0', () => {
  const counts = countLinked(groups, [
    { group: 'default', connected: true },
    { group: 'default', connected: true },
    { group: 'payments', connected: false },
  ]);
  assert.deepEqual(
    [...counts],
    [
      ['default', 2],
      ['payments', 0],
      ['empty', 0],
    ],
  );
});

test('without groups there is the default one, and a group that the policy does not name any more is counted while it has a link', () => {
  assert.deepEqual([...countLinked(undefined, [])], [['default', 0]]);
  assert.deepEqual(
    [...countLinked(undefined, [{ group: 'gone', connected: true }])],
    [
      ['default', 0],
      ['gone', 1],
    ],
  );
});
