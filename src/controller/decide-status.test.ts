import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideStatus } from './decide-status.ts';
import type { ResourceStatus } from './watched-resources.ts';

type Words = readonly [type: string, status: 'True' | 'False' | 'Unknown', reason: string, message?: string];

function status(words: readonly Words[], more: Partial<ResourceStatus> = {}): ResourceStatus {
  return {
    observedGeneration: 1,
    revision: 'r1',
    programmed: '2/2',
    conditions: words.map(([type, state, reason, message = '']) => ({ type, status: state, reason, message })),
    ...more,
  };
}

const ready = status([
  ['Accepted', 'True', 'Accepted'],
  ['ResolvedRefs', 'True', 'ResolvedRefs'],
  ['Programmed', 'True', 'Programmed', '2 of 2 runtimes run this revision'],
  ['Ready', 'True', 'Ready'],
]);
const unheard = status([
  ['Accepted', 'Unknown', 'Pending'],
  ['ResolvedRefs', 'True', 'ResolvedRefs'],
  ['Programmed', 'Unknown', 'Pending', '0 of 2 runtimes run this revision'],
  ['Ready', 'Unknown', 'Pending'],
]);

test('what is the same is not written, whenever it changed last and in whatever order it stands', () => {
  const shown = {
    ...ready,
    conditions: ready.conditions?.toReversed().map((each) => ({ ...each, lastTransitionTime: '2026-01-01T00:00:00Z' })),
  } as ResourceStatus;
  assert.equal(decideStatus(shown, ready), 'keep');
});

test('a first verdict that is about to change waits a moment, a final one does not', () => {
  assert.equal(decideStatus(undefined, unheard), 'soon');
  assert.equal(decideStatus(undefined, ready), 'now');
  assert.equal(decideStatus(unheard, ready), 'now');
});

test('silence takes nothing back that runtimes have said of the same revision', () => {
  assert.equal(decideStatus(ready, unheard), 'keep');
  for (const reason of ['NoRuntimes', 'RuntimeUnreachable']) {
    const silent = status([
      ['Accepted', 'True', 'Accepted'],
      ['ResolvedRefs', 'True', 'ResolvedRefs'],
      ['Programmed', 'False', reason],
      ['Ready', 'False', reason],
    ]);
    assert.equal(decideStatus(ready, silent), 'keep');
  }
});

test('silence of the runtimes of another group is news: those that spoke serve it no more', () => {
  const served = { ...ready, runtimeGroup: 'default' };
  assert.equal(decideStatus(served, { ...unheard, runtimeGroup: 'default' }), 'keep', 'the control');
  assert.notEqual(decideStatus(served, { ...unheard, runtimeGroup: 'payments' }), 'keep', 'a move that was declared');
  const stranded = { type: 'Stranded', status: 'True', reason: 'MoveNotDeclared', message: 'it moved' } as const;
  const moved = { ...unheard, runtimeGroup: 'default', conditions: [...(unheard.conditions ?? []), stranded] };
  assert.equal(decideStatus(served, moved), 'soon');
  assert.equal(
    decideStatus(ready, { ...unheard, runtimeGroup: 'default' }),
    'keep',
    'of a version before nothing is known',
  );
});

test('of another revision or generation silence is news', () => {
  assert.equal(decideStatus(ready, { ...unheard, revision: 'r2' }), 'soon');
  assert.equal(decideStatus(ready, { ...unheard, observedGeneration: 2 }), 'soon');
});

test('silence does not hide a reference that has gone', () => {
  const gone = status([
    ['Accepted', 'Unknown', 'Pending'],
    ['ResolvedRefs', 'False', 'SecretNotFound', 'Secret "a" does not exist'],
    ['Programmed', 'Unknown', 'Pending'],
    ['Ready', 'False', 'SecretNotFound'],
  ]);
  assert.equal(decideStatus(ready, gone), 'now');
});

test('a rejection by a runtime is news at once', () => {
  const rejected = status([
    ['Accepted', 'False', 'LuaSyntax', 'hello.lua:1: unexpected symbol'],
    ['ResolvedRefs', 'True', 'ResolvedRefs'],
    ['Programmed', 'False', 'LuaSyntax'],
    ['Ready', 'False', 'LuaSyntax'],
  ]);
  assert.equal(decideStatus(ready, rejected), 'now');
});

test('counts of pods alone are no news', () => {
  const more = status(
    [
      ['Accepted', 'True', 'Accepted'],
      ['ResolvedRefs', 'True', 'ResolvedRefs'],
      ['Programmed', 'True', 'Programmed', '3 of 3 runtimes run this revision'],
      ['Ready', 'True', 'Ready'],
    ],
    { programmed: '3/3' },
  );
  assert.equal(decideStatus(ready, more), 'keep');
});

test('times of schedules and the health of a receiver are written now and then', () => {
  const triggers = [{ name: 'nightly', ready: true, nextScheduleTime: '2026-01-02T03:00:00Z' }];
  const before = { ...ready, triggers: [{ name: 'nightly', ready: true }] };
  assert.equal(decideStatus(before, { ...ready, triggers }), 'eventually');
  assert.equal(decideStatus(ready, { ...ready, lastSuccess: '2026-01-01T00:00:00Z' }), 'eventually');
});

test('a trigger that is ready now is news', () => {
  const before = { ...ready, triggers: [{ name: 'web', ready: false }] };
  assert.equal(decideStatus(before, { ...ready, triggers: [{ name: 'web', ready: true }] }), 'now');
});
