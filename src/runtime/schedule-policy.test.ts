import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScheduleTriggerEntry } from '../routing/types.ts';
import { laterSlot, replacedAt, retryBefore } from './schedule-policy.ts';

const minute = 60_000;
const slot = Date.UTC(2026, 2, 1, 12, 0);
const at = new Date(slot).toISOString();

function entry(concurrencyPolicy: ScheduleTriggerEntry['concurrencyPolicy']): ScheduleTriggerEntry {
  return {
    kind: 'schedule',
    name: 'tick',
    handlers: ['tick'],
    limits: {} as ScheduleTriggerEntry['limits'],
    retryScheduleMs: [],
    cron: '* * * * *',
    timeZone: 'UTC',
    missed: 'RunOnce',
    concurrencyPolicy,
  };
}

test('Forbid: a slot that waited for another gives way once a later one has come; a retry goes on', () => {
  assert.equal(laterSlot(entry('Forbid'), at, 1, slot + minute - 1), undefined);
  assert.equal(laterSlot(entry('Forbid'), at, 1, slot + minute), slot + minute);
  assert.equal(laterSlot(entry('Forbid'), at, 2, slot + 5 * minute), undefined);
});

test('Replace: a slot gives way at any attempt, and its run ends when the next comes', () => {
  assert.equal(laterSlot(entry('Replace'), at, 3, slot + minute), slot + minute);
  assert.equal(replacedAt(entry('Replace'), at), slot + minute);
  assert.equal(replacedAt(entry('Forbid'), at), undefined);
  const retry = { kind: 'retry', delayMs: 3_600_000, error: 'boom' } as const;
  assert.deepEqual(retryBefore(retry, slot + minute, slot + 10_000), { ...retry, delayMs: 50_000 });
  assert.deepEqual(retryBefore({ kind: 'done' }, slot, slot), { kind: 'done' });
});

test('Allow: every slot runs, however late', () => {
  assert.equal(laterSlot(entry('Allow'), at, 1, slot + 100 * minute), undefined);
  assert.equal(replacedAt(entry('Allow'), at), undefined);
});
