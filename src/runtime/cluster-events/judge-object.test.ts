import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ObjectPut } from '../../link/append-messages.ts';
import { nextStep, type Wishes } from './judge-object.ts';
import type { ObjectRow } from './object-rows.ts';

const all: Wishes = {
  events: new Set(['added', 'modified', 'deleted', 'left']),
  initialEach: false,
  hasChanged: false,
};
const at = { term: 2, expressions: 'x' };
const row: ObjectRow = { version: '10', term: 2, name: 'a', expressions: 'x', passed: true };
const set = (version: string, more: { readonly baseline?: true } = {}): ObjectPut => ({
  kind: 'set',
  uid: 'u',
  version,
  object: '{}',
  ...more,
});

suite('nextStep', () => {
  test('an object without a row is added, silently if it was there at the start and is to be skipped', () => {
    const added = { kind: 'judge', name: 'added', event: true, unless: undefined };
    assert.deepEqual(nextStep(set('1'), undefined, at, all), added);
    assert.deepEqual(nextStep(set('1', { baseline: true }), undefined, at, all), { ...added, event: false });
    assert.deepEqual(nextStep(set('1', { baseline: true }), undefined, at, { ...all, initialEach: true }), added);
  });

  test('only a newer version is news; numbers are compared as numbers', () => {
    assert.equal(nextStep(set('11'), row, at, all).kind, 'judge');
    assert.equal(nextStep(set('9'), row, at, all).kind, 'keep');
    assert.equal(nextStep(set('10'), row, at, all).kind, 'keep');
    assert.equal(nextStep(set('100'), { ...row, version: '99' }, at, all).kind, 'judge');
  });

  test('after history was taken back, another version is news whatever its number', () => {
    assert.equal(nextStep(set('7'), { ...row, term: 1 }, at, all).kind, 'judge');
    assert.equal(nextStep(set('10'), { ...row, term: 1 }, at, all).kind, 'keep');
    assert.equal(nextStep(set('11'), { ...row, term: 3 }, at, all).kind, 'keep', 'an older opener has nothing to say');
  });

  test('the value of changed counts only under the expressions it was made by', () => {
    const wishes = { ...all, hasChanged: true };
    const known = { ...row, changed: '1' };
    const modified = { kind: 'judge', name: 'modified', event: true };
    assert.deepEqual(nextStep(set('11'), known, at, wishes), { ...modified, unless: '1' });
    const edited = { term: 2, expressions: 'y' };
    assert.deepEqual(nextStep(set('11'), known, edited, wishes), { ...modified, unless: undefined });
    const silent = { kind: 'judge', name: 'modified', event: false, unless: undefined };
    assert.deepEqual(nextStep(set('10'), known, edited, wishes), silent);
  });

  test('what goes is told if its last state had passed, and only to whoever asked', () => {
    const gone: ObjectPut = { kind: 'gone', uid: 'u' };
    const left: ObjectPut = { kind: 'left', uid: 'u', object: '{}' };
    assert.deepEqual(nextStep(gone, row, at, all), { kind: 'remove', event: 'deleted' });
    assert.deepEqual(nextStep(left, row, at, all), { kind: 'remove', event: 'left' });
    assert.deepEqual(nextStep({ kind: 'drop', uid: 'u' }, row, at, all), { kind: 'remove', event: undefined });
    assert.deepEqual(nextStep(gone, { ...row, passed: false }, at, all), { kind: 'remove', event: undefined });
    const wishes = { ...all, events: new Set(['added', 'modified'] as const) };
    assert.deepEqual(nextStep(gone, row, at, wishes), { kind: 'remove', event: undefined });
    assert.deepEqual(nextStep(gone, undefined, at, all), { kind: 'keep' });
  });
});
