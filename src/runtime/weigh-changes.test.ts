import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, routeTable, scheduleTriggerEntry } from '../../test/builders/function-entry.ts';
import { PendingWeight, weighChanges } from './weigh-changes.ts';

const plain = functionEntry({ name: 'plain' });
const nightly = functionEntry({ name: 'nightly', triggers: [scheduleTriggerEntry()] });
const nothing = { names: false, schedules: false };
const before = routeTable([plain, nightly]);

test('an edit of a function without schedules weighs nothing', () => {
  const edit = { ...plain, revision: 'next' };
  assert.deepEqual(weighChanges(before, [{ op: 'set', entry: edit }]), nothing);
});

test('what comes, goes or is renamed weighs by its name', () => {
  const names = { names: true, schedules: false };
  assert.deepEqual(weighChanges(before, [{ op: 'set', entry: functionEntry({ name: 'new' }) }]), names);
  assert.deepEqual(weighChanges(before, [{ op: 'delete', uid: plain.uid }]), names);
  assert.deepEqual(weighChanges(before, [{ op: 'deleteSubscription', uid: 'any' }]), names);
  assert.deepEqual(weighChanges(before, [{ op: 'set', entry: { ...plain, namespaceUid: 'made anew' } }]), names);
});

test('schedules weigh when they come, stay or go', () => {
  const schedules = { names: false, schedules: true };
  assert.deepEqual(weighChanges(before, [{ op: 'set', entry: { ...nightly, revision: 'next' } }]), schedules);
  const both = { names: true, schedules: true };
  assert.deepEqual(weighChanges(before, [{ op: 'set', entry: { ...nightly, triggers: [] } }]), both);
  assert.deepEqual(weighChanges(before, [{ op: 'set', entry: { ...plain, triggers: nightly.triggers } }]), both);
  assert.deepEqual(weighChanges(before, [{ op: 'delete', uid: nightly.uid }]), both);
});

test('what nobody has dealt with adds up, and is taken once', () => {
  const pending = new PendingWeight();
  pending.add({ names: true, schedules: false });
  pending.add({ names: false, schedules: true });
  assert.deepEqual(pending.take(), { names: true, schedules: true });
  assert.deepEqual(pending.take(), nothing);
});
