/** The lease loop, the effects of attempts and schedules on a real store. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { AttemptEffects } from '../../src/delivery/attempt-effects.ts';
import { startLeaseLoop } from '../../src/delivery/lease-loop.ts';
import type { Attempt } from '../../src/delivery/run-attempts.ts';
import { laterTarget } from '../../src/delivery/later.ts';
import { createSchedules, type ScheduledTrigger } from '../../src/delivery/schedules.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Ending, Lease, Store } from '../../src/store/store.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const read = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString();
const scope = { namespaceUid: 'ns-a', space: 'f' };
const after = (milliseconds: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, milliseconds);
  return () => clearTimeout(timer);
};

const nobody = () => ({ deliveries: [], count: 0 });

async function open(t: TestContext): Promise<Store> {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  return opened.connect();
}

async function append(store: Store, ...ids: readonly string[]): Promise<void> {
  await store.append(
    ids.map((id) => ({
      event: { id, namespaceUid: 'ns-a', type: 't', source: '/', attributes: '{}', body: text(id) },
      deliveries: [{ destination: 'ns-a/f/trigger:t' }],
    })),
  );
}

const noPlaces = { free: () => 1000, take: () => undefined, leave: () => undefined };

interface LoopOptions {
  readonly run: (lease: Lease, signal: AbortSignal) => Promise<Attempt>;
  readonly slots?: () => number;
  readonly leaseMs?: number;
}

/** Starts a loop and answers a promise of the endings of the first `count` settled attempts. */
function loop(t: TestContext, store: Store, count: number, options: LoopOptions): Promise<readonly Ending[]> {
  return new Promise((resolve, reject) => {
    const endings: Ending[] = [];
    const running = startLeaseLoop({
      store,
      places: noPlaces,
      slots: options.slots ?? (() => 4),
      run: options.run,
      overQuota: (_, message) => ({ ending: { kind: 'dead', reason: 'QuotaExceeded', error: message } }),
      conflicted: () => ({ ending: { kind: 'dead', reason: 'Conflict', error: 'conflict' } }),
      mayPull: () => true,
      onSettled(_, ending) {
        endings.push(ending);
        if (endings.length === count) resolve(endings);
      },
      onError: reject,
      after,
      turns: { nextTurn: (callback) => void setImmediate(callback), now: () => performance.now(), isBusy: () => false },
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
    });
    t.after(() => running.drain(0));
  });
}

test('everything appended before and during the loop runs once, within the free slots', async (t) => {
  const store = await open(t);
  await append(store, 'e1', 'e2', 'e3');
  const ran: string[] = [];
  let atOnce = 0;
  let most = 0;
  const settled = loop(t, store, 6, {
    slots: () => 2 - atOnce,
    async run({ event }) {
      most = Math.max(most, ++atOnce);
      ran.push(event.id);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      return { ending: { kind: 'done' } };
    },
  });
  await append(store, 'e4', 'e5', 'e6');
  await settled;
  assert.deepEqual(ran.toSorted(), ['e1', 'e2', 'e3', 'e4', 'e5', 'e6']);
  assert.equal(most, 2);
  assert.equal((await store.counts()).byState.done, 6);
});

test('what is stored as leased runs in the loop that had a place for it, and a drain waits for the answer', async (t) => {
  const store = await open(t);
  const destination = 'ns-a/f/trigger:t';
  const ran: string[] = [];
  let slots = 1;
  const running = startLeaseLoop({
    store,
    places: noPlaces,
    slots: () => slots,
    async run({ event }) {
      ran.push(event.id);
      return { ending: { kind: 'done' } };
    },
    overQuota: (_, message) => ({ ending: { kind: 'dead', reason: 'QuotaExceeded', error: message } }),
    conflicted: () => ({ ending: { kind: 'dead', reason: 'Conflict', error: 'conflict' } }),
    mayPull: () => false,
    onError: (error) => assert.fail(error),
    after,
    turns: { nextTurn: (callback) => void setImmediate(callback), now: () => performance.now(), isBusy: () => false },
  });
  t.after(() => running.drain(0));
  const appendEager = async (id: string) => {
    const place = running.reserve(destination);
    assert.ok(place);
    const event = { id, namespaceUid: 'ns-a', type: 't', source: '/', attributes: '{}', body: text(id) };
    const [appended] = await store.append([{ event, deliveries: [{ destination, eagerMs: 60_000 }] }]);
    place(appended?.leased[0]);
  };
  await appendEager('e1');
  const late = appendEager('e2');
  slots = 0;
  assert.equal(running.reserve(destination), undefined, 'no place, so it waits in the store');
  const drained = running.drain(60_000);
  slots = 1;
  assert.equal(running.reserve(destination), undefined, 'nothing begins while it drains');
  await Promise.all([late, drained]);
  const { byState, gap } = await store.counts();
  assert.equal(byState.done + byState.waiting, 2, 'run, or given back');
  assert.deepEqual([byState.done, byState.leased, gap], [ran.length, 0, 0]);
});

test('an attempt that fails runs again with a higher count, and what it wrote is not there', async (t) => {
  const store = await open(t);
  await append(store, 'e1');
  const seen: (string | undefined)[] = [];
  await loop(t, store, 2, {
    async run(lease) {
      const effects = new AttemptEffects({ store, lease, match: nobody, target: laterTarget, budget: 100 });
      seen.push(read(await effects.keyValue.get(scope, 'k')));
      await effects.keyValue.set(scope, 'k', text(`"attempt ${lease.attempt}"`));
      if (lease.attempt === 1) return { ending: { kind: 'retry', delayMs: 0, error: 'boom' } };
      return { ending: { kind: 'done' }, effects: effects.collect() };
    },
  });
  assert.deepEqual(seen, [undefined, undefined]);
  assert.equal(read((await store.get(scope, 'k'))?.value), '"attempt 2"');
});

test('an attempt that read a value which changed meanwhile runs again at once without costing an attempt', async (t) => {
  const store = await open(t);
  await append(store, 'e1');
  const attempts: number[] = [];
  const endings = await loop(t, store, 1, {
    async run(lease) {
      attempts.push(lease.attempt);
      const effects = new AttemptEffects({ store, lease, match: nobody, target: laterTarget, budget: 100 });
      const before = read(await effects.keyValue.get(scope, 'k')) ?? '0';
      if (attempts.length === 1)
        await store.write([{ scope, key: 'k', change: { kind: 'set', value: text('41') } }], []);
      await effects.keyValue.set(scope, 'k', text(String(Number(before) + 1)));
      return { ending: { kind: 'done' }, effects: effects.collect() };
    },
  });
  assert.deepEqual([endings, attempts], [[{ kind: 'done' }], [1, 1]]);
  assert.equal(read((await store.get(scope, 'k'))?.value), '42');
});

test('increments of concurrent attempts add up, and each sees its own', async (t) => {
  const store = await open(t);
  await append(store, ...Array.from({ length: 20 }, (_, index) => `e${index}`));
  await loop(t, store, 20, {
    async run(lease) {
      const effects = new AttemptEffects({ store, lease, match: nobody, target: laterTarget, budget: 100 });
      const first = await effects.keyValue.increment(scope, 'n', 1);
      assert.equal(await effects.keyValue.increment(scope, 'n', 1), Number(first) + 1);
      return { ending: { kind: 'done' }, effects: effects.collect() };
    },
  });
  assert.equal(read((await store.get(scope, 'n'))?.value), '40');
});

test('what an attempt publishes and puts off is delivered once, even when its settle is repeated', async (t) => {
  const store = await open(t);
  await append(store, 'e1');
  const ran: string[] = [];
  await loop(t, store, 3, {
    async run(lease) {
      ran.push(lease.destination);
      const match = () => ({ deliveries: [{ destination: 'ns-a/g/trigger:on' }], count: 1 });
      const effects = new AttemptEffects({ store, lease, match, target: laterTarget, budget: 100 });
      if (lease.event.id === 'e1') {
        const origin = { namespaceUid: 'ns-a', namespace: 'a', callId: 'c1', data: text('{}'), hops: 1, budget: 0 };
        await effects.publish({ ...origin, type: 'com.acme.order', source: '/' });
        await effects.enqueue({ ...origin, functionName: 'f', handler: 'finish', delayMs: 0 });
      }
      const item = { receipt: lease.receipt, ending: { kind: 'done' } as const, ...effects.collect() };
      await store.settle([item]);
      return { ending: item.ending, effects: effects.collect() };
    },
  });
  assert.deepEqual(ran.toSorted(), ['ns-a/f/handler:finish', 'ns-a/f/trigger:t', 'ns-a/g/trigger:on']);
  assert.equal((await store.counts()).created, 3);
});

test('what an attempt publishes to very many is expanded later where its settle would write too many rows', async (t) => {
  const store = await open(t);
  await append(store, 'e1');
  const counts: number[][] = [];
  await loop(t, store, 1, {
    async run(lease) {
      const others = Array.from({ length: 400 }, (_, index) => ({ destination: `ns-a/g/trigger:on-${index}` }));
      const later = { destination: 'ns-a/-/fanout:all' };
      const match = async (_: unknown, room = others.length) => ({
        deliveries: others.length > room ? [later] : others,
        count: others.length,
      });
      const origin = { namespaceUid: 'ns-a', namespace: 'a', callId: 'c1', data: text('{}'), hops: 1, budget: 0 };
      const event = { ...origin, type: 'com.acme.order', source: '/' };
      for (const together of [false, true]) {
        const effects = new AttemptEffects({ store, lease, match, target: laterTarget, budget: 100 });
        if (together) await Promise.all(Array.from({ length: 5 }, () => effects.publish(event)));
        else for (let index = 0; index < 5; index += 1) await effects.publish(event);
        counts.push(effects.collect().append.map(({ deliveries }) => deliveries.length));
      }
      return { ending: { kind: 'done' } };
    },
  });
  assert.deepEqual(counts, [
    [400, 400, 1, 1, 1],
    [400, 400, 1, 1, 1],
  ]);
});

test('an attempt that outlives its lease is kept alive by extensions', async (t) => {
  const leaseMs = 1_000;
  const store = await open(t);
  await append(store, 'e1');
  let runs = 0;
  let outlived: (() => void) | undefined;
  const run = new Promise<void>((resolve) => (outlived = resolve));
  const began = performance.now();
  const extended: Store = {
    ...store,
    async extend(receipts, milliseconds) {
      const lost = await store.extend(receipts, milliseconds);
      assert.deepEqual(lost, []);
      if (performance.now() - began > 2 * leaseMs) outlived?.();
      return lost;
    },
  };
  const endings = await loop(t, extended, 1, {
    leaseMs,
    async run() {
      runs++;
      await run;
      return { ending: { kind: 'done' } };
    },
  });
  assert.deepEqual([endings, runs], [[{ kind: 'done' }], 1]);
});

test('a schedule fires each slot once, across two planners and a restart', async (t) => {
  const store = await open(t);
  const clock = { now: Date.UTC(2026, 0, 1, 3, 0, 30) };
  const minute = 60_000;
  const trigger: ScheduledTrigger = {
    namespaceUid: 'ns-a',
    namespace: 'a',
    functionName: 'f',
    trigger: 'nightly',
    destination: 'ns-a/f/trigger:nightly',
    cron: '* * * * *',
    timeZone: 'UTC',
    slots: { after: (moment) => (Math.floor(moment / minute) + 1) * minute },
    missed: 'RunOnce',
    serial: true,
    data: { depth: 7 },
  };
  const planner = () =>
    createSchedules({
      store,
      now: () => clock.now,
      after: () => () => undefined,
      onError: (error) => assert.fail(error),
    });
  await planner().set([trigger]);
  await planner().set([trigger]);
  assert.equal((await store.counts()).created, 1);
  clock.now += minute;
  await planner().set([trigger]);
  const rows = await store.read({ namespaceUid: 'ns-a' }, { limit: 10 });
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['waiting', 'held'],
  );
  const third = planner();
  await third.set([trigger]);
  await third.set([]);
  assert.equal((await store.counts()).byState.cancelled, 2);
});
