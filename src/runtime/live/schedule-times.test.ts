import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, scheduleTriggerEntry } from '../../../test/builders/function-entry.ts';
import type { CallRecord } from '../call-record.ts';
import { scheduleTimes } from './schedule-times.ts';

const run = (callId: string, kind: CallRecord['kind'], time: number): CallRecord => ({
  callId,
  time,
  kind,
  outcome: 'error',
  durationMs: 1,
});

test('a schedule tells its next slot and its last run, which a call by hand is not', async () => {
  const triggers = ['a', 'b'].map((name) => scheduleTriggerEntry({ name, cron: '0 3 * * *', timeZone: 'UTC' }));
  const times = await scheduleTimes(
    {
      nextScheduleTime: (destination) => (destination.endsWith('a') ? 5000 : undefined),
      findRecords: async ({ trigger }) =>
        trigger === 'a' ? [run('by-hand', 'call', 4000), run('slot', 'schedule', 3000)] : [],
    },
    functionEntry({ triggers }),
  );
  assert.deepEqual(times, [
    {
      trigger: 'a',
      cron: '0 3 * * *',
      timeZone: 'UTC',
      next: '1970-01-01T00:00:05.000Z',
      last: { time: '1970-01-01T00:00:03.000Z', outcome: 'error', callId: 'slot' },
    },
    { trigger: 'b', cron: '0 3 * * *', timeZone: 'UTC' },
  ]);
});
