import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, routeTable, scheduleTriggerEntry } from '../../test/builders/function-entry.ts';
import { createStateReports } from './report-states.ts';

test('schedules are told when they change; a slot that has passed becomes the last one', async () => {
  const entry = functionEntry({ triggers: [scheduleTriggerEntry()] });
  let table = routeTable([entry]);
  let now = 1_000;
  let next: number | undefined = 5_000;
  const reports = createStateReports({
    table: () => table,
    nextScheduleTime: () => next,
    health: async () => ({}),
    openBreakers: async () => [],
    now: () => now,
  });
  const told = { uid: entry.uid, trigger: 'nightly' };
  assert.deepEqual((await reports.changes()).schedules, [{ ...told, next: 5_000 }]);
  assert.deepEqual((await reports.changes()).schedules, []);
  now = 5_001;
  next = 9_000;
  assert.deepEqual((await reports.changes()).schedules, [{ ...told, last: 5_000, next: 9_000 }]);
  assert.deepEqual(reports.told().schedules, [{ ...told, last: 5_000, next: 9_000 }]);
  // Edited before its slot came: that slot never ran.
  next = 8_000;
  assert.deepEqual((await reports.changes()).schedules, [{ ...told, last: 5_000, next: 8_000 }]);
  table = routeTable([]);
  assert.deepEqual((await reports.changes()).schedules, []);
  assert.deepEqual(reports.told().schedules, []);
});
