import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreDiskLow } from '../../store/store-disk-low.ts';
import { StoreOverQuota } from '../../store/store-over-quota.ts';
import { tellRefusal } from './tell-refusal.ts';

test('what the store refuses for now is answered with its words; a defect stays one', async () => {
  const fails = (error: Error) => async () => {
    throw error;
  };
  assert.deepEqual(await tellRefusal(fails(new StoreDiskLow('the disk is nearly full'))), {
    status: 409,
    message: 'the disk is nearly full',
  });
  assert.deepEqual(await tellRefusal(fails(new StoreOverQuota('keyValueBytes of team-a'))), {
    status: 409,
    message: 'keyValueBytes of team-a',
  });
  await assert.rejects(tellRefusal(fails(new Error('a defect'))), /a defect/);
  assert.equal(await tellRefusal(() => Promise.resolve(7)), 7);
});
