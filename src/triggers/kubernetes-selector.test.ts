import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelSelector } from '../function/types.ts';
import { checkFieldSelector, matchLabels, writeLabelSelector } from './kubernetes-selector.ts';

const selector: LabelSelector = {
  matchLabels: { app: 'web' },
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['front', 'back'] },
    { key: 'example.com/old', operator: 'DoesNotExist' },
    { key: 'zone', operator: 'NotIn', values: ['x'] },
    { key: 'owner', operator: 'Exists' },
  ],
};

test('a selector is written as the API server takes it', () => {
  assert.deepEqual(writeLabelSelector(selector), {
    ok: true,
    text: 'app=web,tier in (front,back),!example.com/old,zone notin (x),owner',
  });
  assert.deepEqual(writeLabelSelector({}), { ok: true, text: '' });
});

test('labels are judged with the condition that decided', () => {
  const good = { app: 'web', tier: 'back', owner: '' };
  assert.equal(matchLabels(selector, good).matched, true);
  assert.deepEqual(matchLabels(selector, { ...good, app: 'api' }), {
    matched: false,
    reason: 'its label app is api, not web',
  });
  assert.deepEqual(matchLabels(selector, { ...good, tier: 'x' }), {
    matched: false,
    reason: 'its label tier is x; wanted: In front, back',
  });
  assert.equal(matchLabels(selector, { ...good, zone: 'x' }).matched, false);
  assert.equal(matchLabels(selector, { ...good, 'example.com/old': '1' }).matched, false);
  assert.deepEqual(matchLabels(selector, { app: 'web', tier: 'back' }), {
    matched: false,
    reason: 'its label owner is not set; wanted: Exists',
  });
  assert.equal(matchLabels({ matchLabels: { constructor: 'x' } }, {}).matched, false);
});

test('a selector that would reach the API server as something else is refused', () => {
  const bad: readonly LabelSelector[] = [
    { matchLabels: { 'a b': 'c' } },
    { matchLabels: { a: 'b,c=d' } },
    { matchLabels: { 'A_B.c/x': 'y' } },
    { matchLabels: { '/x': 'y' } },
    { matchExpressions: [{ key: 'a', operator: 'In' }] },
    { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] },
    { matchExpressions: [{ key: 'a', operator: 'In', values: ['b)'] }] },
    { matchLabels: { ['a'.repeat(64)]: 'b' } },
  ];
  for (const one of bad) assert.equal(writeLabelSelector(one).ok, false, JSON.stringify(one));
});

test('field selectors are conditions on paths', () => {
  assert.deepEqual(checkFieldSelector('metadata.name==web, status.phase != Running'), {
    ok: true,
    text: 'metadata.name=web,status.phase!=Running',
  });
  for (const bad of ['', 'name', 'a=b=c', 'metadata.name=a b', '1x=2', 'a..b=c', 'a=b,']) {
    assert.equal(checkFieldSelector(bad).ok, false, bad);
  }
});
