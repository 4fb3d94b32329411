import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeMove } from './judge-move.ts';
import { transitionsBetween } from './transition-events.ts';

const facts = { namespace: 'bank', group: 'payments', leaving: [], before: undefined };

test('a move that nobody declared strands what the old group holds, until it is declared or taken back', () => {
  const moved = judgeMove({ ...facts, before: 'default' });
  assert.equal(moved.runtimeGroup, 'default', 'it is remembered for as long as nobody says so');
  assert.equal(moved.stranded?.reason, 'MoveNotDeclared');
  assert.match(moved.stranded?.message ?? '', /\{ namespace: bank, from: default \} to runtimeMoves/);
  assert.deepEqual(judgeMove({ ...facts, leaving: ['default'], before: 'default' }), { runtimeGroup: 'payments' });
  assert.deepEqual(judgeMove({ ...facts, group: undefined, before: 'default' }), { runtimeGroup: 'default' });
});

test('a new resource, one of a version before, and one that stays strand nothing', () => {
  for (const before of [undefined, '', 7, 'payments']) {
    assert.deepEqual(judgeMove({ ...facts, before }), { runtimeGroup: 'payments' });
  }
});

test('it is worth one Warning Event when it begins', () => {
  const { stranded } = judgeMove({ ...facts, before: 'default' });
  assert.ok(stranded);
  const status = { conditions: [{ type: 'Stranded', ...stranded }] };
  assert.deepEqual(
    transitionsBetween({}, status).map(({ type, reason }) => ({ type, reason })),
    [{ type: 'Warning', reason: 'MoveNotDeclared' }],
  );
  assert.deepEqual(transitionsBetween(status, status), []);
});
