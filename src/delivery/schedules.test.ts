import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/open-store.ts';
import { StoreDiskLow } from '../store/store-disk-low.ts';
import type { Store } from '../store/store.ts';
import { createSchedules, type ScheduledTrigger } from './schedules.ts';

const minute = 60_000;
const trigger: ScheduledTrigger = {
  namespaceUid: 'ns',
  namespace: 'default',
  functionName: 'f',
  trigger: 'tick',
  destination: 'ns/f/trigger:tick',
  cron: '* * * * *',
  timeZone: 'UTC',
  slots: { after: (moment) => (Math.floor(moment / minute) + 1) * minute },
  missed: 'Skip',
  serial: true,
  data: {},
};

test('a schedule whose next slot the store cannot take now is planned again, and nobody else waits for that', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  let full = true;
  const failing: Store = {
    ...store,
    appendIf: (conditional) => (full ? Promise.reject(new StoreDiskLow()) : store.appendIf(conditional)),
  };
  const timers: { readonly milliseconds: number; run(): void }[] = [];
  const errors: Error[] = [];
  const schedules = createSchedules({
    store: failing,
    now: () => 1_000_000,
    after(milliseconds, run) {
      timers.push({ milliseconds, run });
      return () => undefined;
    },
    onError: (error) => errors.push(error),
  });
  await schedules.set([trigger]);
  assert.equal(errors.length, 1);
  assert.equal(schedules.nextScheduleTime(trigger.destination), undefined);
  assert.equal(timers.at(-1)?.milliseconds, 5_000);
  full = false;
  timers.at(-1)?.run();
  const until = Date.now() + 30_000;
  while (schedules.nextScheduleTime(trigger.destination) === undefined) {
    assert.ok(Date.now() < until, 'planned again');
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await store.backlog(trigger.destination, 10), 1);
  schedules.stop();
});

test('an edit of another schedule asks this one for no slot, and what it says beside its times counts at once', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const clock = { now: 1_000_000 };
  const timers: (() => void)[] = [];
  const schedules = createSchedules({
    store,
    now: () => clock.now,
    after(_milliseconds, run) {
      timers.push(run);
      return () => undefined;
    },
    onError: (error) => assert.fail(error),
  });
  await schedules.set([trigger]);
  const slots = { after: () => assert.fail('asked') };
  const other = { ...trigger, destination: 'ns/g/trigger:tick', functionName: 'g' };
  await schedules.set([{ ...trigger, serial: false, slots }, other]);
  clock.now = 1_020_001;
  timers[0]?.();
  const until = Date.now() + 30_000;
  while ((await store.backlog(trigger.destination, 10)) < 2) assert.ok(Date.now() < until, 'planned again');
  const rows = await store.read({ namespaceUid: 'ns', destination: trigger.destination }, { limit: 10 });
  assert.deepEqual(
    rows.map(({ orderKey }) => orderKey),
    ['schedule', undefined],
  );
  schedules.stop();
});
