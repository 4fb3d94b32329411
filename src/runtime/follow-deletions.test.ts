import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { functionEntry, routeTable, scheduleTriggerEntry } from '../../test/builders/function-entry.ts';
import { openStore } from '../store/open-store.ts';
import { createDeletionFollower } from './follow-deletions.ts';
import { scheduledTriggers } from './run-schedules.ts';

const entry = functionEntry({ name: 'hook', triggers: [scheduleTriggerEntry({ name: 'nightly' })] });
const full = routeTable([entry]);
const empty = routeTable([]);

async function follower() {
  const store = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  after(() => store.close());
  const connection = store.connect();
  const scope = { namespaceUid: entry.namespaceUid, space: '.tombstones' };
  return {
    deletions: createDeletionFollower(connection, () => 1),
    graves: () => connection.list(scope, '', 10, undefined),
  };
}

test('what is deleted gets a tombstone, what moved to another group has none: its events wait', async () => {
  const deleted = await follower();
  await deleted.deletions.follow(full);
  await deleted.deletions.follow(empty);
  assert.deepEqual(await deleted.graves(), ['hook', 'hook/nightly'], 'the control');

  const moved = await follower();
  await moved.deletions.follow(full);
  moved.deletions.moved([{ op: 'delete', uid: entry.uid, moved: true }]);
  await moved.deletions.follow(empty);
  assert.deepEqual(await moved.graves(), []);

  // Back again and then really deleted: said once, it does not hold for ever.
  await moved.deletions.follow(full);
  moved.deletions.moved([{ op: 'delete', uid: entry.uid }]);
  await moved.deletions.follow(empty);
  assert.deepEqual(await moved.graves(), ['hook', 'hook/nightly']);
});

test('a function that has moved plans no schedules in its old group', () => {
  assert.equal(scheduledTriggers(full).length, 1, 'the control');
  assert.equal(scheduledTriggers(routeTable([{ ...entry, draining: true }])).length, 0);
});
