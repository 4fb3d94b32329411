import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchedule, type Schedule } from './schedule.ts';

function schedule(cron: string, timeZone?: string): Schedule {
  const parsed = parseSchedule(cron, timeZone);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
  return parsed.schedule;
}

function times(cron: string, timeZone: string, from: string, count: number): readonly string[] {
  const { after } = schedule(cron, timeZone);
  const found: string[] = [];
  let moment = Date.parse(from);
  for (let index = 0; index < count; index += 1) {
    const next = after(moment);
    if (next === undefined) break;
    found.push(new Date(next).toISOString());
    moment = next;
  }
  return found;
}

test('the next time is strictly after the moment, in the time zone of the schedule', () => {
  assert.deepEqual(times('0 3 * * *', 'Europe/Berlin', '2026-01-10T02:00:00Z', 2), [
    '2026-01-11T02:00:00.000Z',
    '2026-01-12T02:00:00.000Z',
  ]);
  assert.deepEqual(times('*/15 * * * *', 'UTC', '2026-01-10T02:00:00.001Z', 2), [
    '2026-01-10T02:15:00.000Z',
    '2026-01-10T02:30:00.000Z',
  ]);
});

test('a daily time that daylight saving skips runs once at the end of the gap, and one that comes twice runs once', () => {
  // Europe/Berlin: 2026-03-29 has no 02:30, 2026-10-25 has two.
  assert.deepEqual(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T02:00:00Z', 2), [
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  assert.deepEqual(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
});

test('day and weekday together mean either, as in crontab', () => {
  assert.deepEqual(times('0 0 1 * 1', 'UTC', '2026-01-30T00:00:00Z', 3), [
    '2026-02-01T00:00:00.000Z',
    '2026-02-02T00:00:00.000Z',
    '2026-02-09T00:00:00.000Z',
  ]);
});

test('nicknames are schedules', () => {
  assert.deepEqual(times('@daily', 'UTC', '2026-01-10T02:00:00Z', 1), ['2026-01-11T00:00:00.000Z']);
});

test('a date that comes once in 28 years is a schedule', () => {
  assert.deepEqual(times('0 0 29 2 +6#5', 'UTC', '2026-01-01T00:00:00Z', 2), [
    '2048-02-29T00:00:00.000Z',
    '2076-02-29T00:00:00.000Z',
  ]);
});

const refused: readonly (readonly [cron: string, timeZone: string, field: string, message: RegExp])[] = [
  ['', 'UTC', 'cron', /0 fields/],
  ['* * * *', 'UTC', 'cron', /4 fields; a schedule has five/],
  ['0 0 3 * * *', 'UTC', 'cron', /6 fields/],
  ['61 * * * *', 'UTC', 'cron', /minute/],
  ['a b c d e', 'UTC', 'cron', /is not a schedule/],
  ['0 0 30 2 *', 'UTC', 'cron', /never fires/],
  ['0 0 31W 2 *', 'UTC', 'cron', /never fires/],
  // The first of each weekday comes within seven days.
  ['0 0 8-31 * +0#1,1#1,2#1,3#1,4#1,5#1,6#1', 'Europe/Berlin', 'cron', /never fires/],
  ['0 0 ? * *', 'UTC', 'cron', /write \*/],
  ['@reboot', 'UTC', 'cron', /there are @hourly/],
  ['0 3 * * *', 'Europe/Atlantis', 'timeZone', /not a time zone/],
  ['0 3 * * *', '', 'timeZone', /not a time zone/],
];

for (const [cron, timeZone, field, message] of refused) {
  test(`refused with its field: "${cron}" in "${timeZone}"`, () => {
    const parsed = parseSchedule(cron, timeZone);
    assert.ok(!parsed.ok);
    assert.equal(parsed.field, field);
    assert.match(parsed.message, message);
  });
}
