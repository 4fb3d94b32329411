import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planSchedule, type Slots } from './plan-schedule.ts';

const minute = 60_000;
/** A slot each minute. */
const slots: Slots = { after: (moment) => (Math.floor(moment / minute) + 1) * minute };
const settings = { hash: 'h', missed: 'RunOnce', starting: false } as const;

test('a new schedule stores its next slot and nothing of the past', () => {
  const plan = planSchedule(slots, settings, undefined, 10 * minute + 5);
  assert.deepEqual(plan.fire, [{ slot: 11 * minute, delayMs: minute - 5 }]);
  assert.deepEqual(plan.position, { hash: 'h', slot: 11 * minute });
});

test('a slot that is stored already is not stored again, even when a timer comes early', () => {
  const plan = planSchedule(slots, settings, { hash: 'h', slot: 11 * minute }, 11 * minute - 1);
  assert.deepEqual(plan.fire, []);
});

test('at its slot a schedule stores the next one', () => {
  const plan = planSchedule(slots, settings, { hash: 'h', slot: 11 * minute }, 11 * minute);
  assert.deepEqual(plan.fire, [{ slot: 12 * minute, delayMs: minute }]);
});

test('after downtime RunOnce runs the last missed slot, in place of the one that was stored', () => {
  const plan = planSchedule(slots, { ...settings, starting: true }, { hash: 'h', slot: 11 * minute }, 20 * minute + 1);
  assert.deepEqual(
    plan.fire.map(({ slot }) => slot / minute),
    [20, 21],
  );
  assert.equal(plan.drop, 11 * minute);
});

test('after months the last missed slot is found in a few steps, however often or seldom it comes', () => {
  const now = 1_000_000 * minute + 1;
  for (const every of [1, 7, 60, 1440, 43_200]) {
    let asked = 0;
    const counted: Slots = {
      after(moment) {
        asked += 1;
        return (Math.floor(moment / (every * minute)) + 1) * every * minute;
      },
    };
    const plan = planSchedule(counted, { ...settings, starting: true }, { hash: 'h', slot: every * minute }, now);
    assert.equal(plan.fire[0]?.slot, Math.floor(1_000_000 / every) * every * minute);
    assert.ok(asked < 30, `${asked} steps`);
  }
});

test('after downtime of less than a slot RunOnce leaves the stored one to run', () => {
  const plan = planSchedule(slots, { ...settings, starting: true }, { hash: 'h', slot: 11 * minute }, 11 * minute + 5);
  assert.deepEqual(
    plan.fire.map(({ slot }) => slot / minute),
    [12],
  );
  assert.equal(plan.drop, undefined);
});

test('after downtime Skip runs nothing of the past', () => {
  const plan = planSchedule(
    slots,
    { ...settings, missed: 'Skip', starting: true },
    { hash: 'h', slot: 11 * minute },
    20 * minute + 1,
  );
  assert.deepEqual(
    plan.fire.map(({ slot }) => slot / minute),
    [21],
  );
  assert.equal(plan.drop, 11 * minute);
});

test('an edited schedule starts from now', () => {
  const plan = planSchedule(slots, { ...settings, starting: true }, { hash: 'old', slot: 3 * minute }, 20 * minute + 1);
  assert.deepEqual(
    plan.fire.map(({ slot }) => slot / minute),
    [21],
  );
  // Its slots are others than those of before, which were cancelled: also where it is edited back.
  assert.deepEqual(plan.position, { hash: 'h', slot: 21 * minute, since: 20 * minute + 1 });
  const later = planSchedule(slots, settings, plan.position, 21 * minute);
  assert.deepEqual(later.position, { hash: 'h', slot: 22 * minute, since: 20 * minute + 1 });
});

test('what was deleted and came back within an hour has missed its slots, later it starts from now under new ids', () => {
  const gone = { hash: 'h', slot: 20 * minute, since: 20 * minute, gone: 20 * minute };
  const soon = planSchedule(slots, { ...settings, starting: true }, gone, 79 * minute + 1);
  assert.deepEqual(
    soon.fire.map(({ slot }) => slot / minute),
    [79, 80],
  );
  assert.deepEqual(soon.position, { hash: 'h', slot: 80 * minute, since: 20 * minute });
  const late = planSchedule(slots, { ...settings, starting: true }, gone, 80 * minute + 1);
  assert.deepEqual(
    late.fire.map(({ slot }) => slot / minute),
    [81],
  );
  assert.deepEqual([late.position.since, late.position.gone, late.drop], [80 * minute + 1, undefined, undefined]);
});

test('a schedule that has no slot any more waits for nothing', () => {
  const plan = planSchedule({ after: () => undefined }, settings, undefined, 5);
  assert.deepEqual([plan.fire, plan.next], [[], undefined]);
});
