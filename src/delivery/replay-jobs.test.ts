/** Replays against a real store: counted, repeated, stopped, gone on with. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { countDeliveries } from './count-deliveries.ts';
import { createReplayJobs, type ReplayJobs, type ReplayStatus } from './replay-jobs.ts';

const namespaceUid = 'ns-a';
const filter = { namespaceUid, states: ['dead'] as const };

async function deadOnes(t: TestContext, count: number): Promise<Store> {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const items = Array.from({ length: count }, (_, index) => ({
    event: { id: `e${index}`, namespaceUid, type: 't', source: '/s', attributes: '{}', body: new Uint8Array() },
    deliveries: [{ destination: 'ns-a/f/trigger:t' }],
  }));
  await store.append(items);
  await killAll(store, count);
  return store;
}

async function killAll(store: Store, count: number): Promise<void> {
  const leases = await store.lease([{ destination: 'ns-a/f/trigger:t', max: count }], 60_000);
  assert.equal(leases.length, count);
  const ending = { kind: 'dead', reason: 'Failed', error: 'no' } as const;
  await store.settle(leases.map(({ receipt }) => ({ receipt, ending })));
}

const jobsOf = (store: Store, pause = (): Promise<void> => Promise.resolve()): ReplayJobs =>
  createReplayJobs({ store, now: () => 1, pause });

async function ended(jobs: ReplayJobs, generation: number): Promise<ReplayStatus> {
  for (;;) {
    const status = await jobs.status(namespaceUid, generation);
    if (status !== undefined && status.state !== 'running') return status;
  }
}

test('a replay runs every dead delivery again once, however often it is asked for', async (t) => {
  const store = await deadOnes(t, 450);
  const jobs = jobsOf(store);
  assert.deepEqual((await countDeliveries(store, { ...filter, latest: true })).count, 450);
  const first = await jobs.start({ filter, generation: 10 });
  assert.ok(first.ok);
  await jobs.start({ filter, generation: 10 });
  assert.deepEqual(await ended(jobs, 10), { generation: 10, state: 'done', created: 450, started: 1 });
  await jobs.start({ filter, generation: 10 });
  assert.equal((await ended(jobs, 10)).created, 450);
  await jobs.start({ filter, generation: 11 });
  assert.equal((await ended(jobs, 11)).created, 0, 'they wait already');
  assert.equal((await countDeliveries(store, { namespaceUid, states: ['waiting'] })).count, 450);
});

test('replays without a number within a moment are several, each above what ran before', async (t) => {
  const store = await deadOnes(t, 3);
  const jobs = jobsOf(store);
  const elsewhere = jobsOf(store);
  const numbers: number[] = [];
  for (const [index, each] of [jobs, jobs, elsewhere].entries()) {
    const started = await each.start({ filter: { ...filter, eventId: `e${index}` }, above: 20 });
    assert.ok(started.ok, JSON.stringify(started));
    const { generation } = started.status;
    assert.equal((await ended(each, generation)).created, 1);
    numbers.push(generation);
  }
  assert.deepEqual(numbers, [21, 22, 23]);
  assert.equal((await countDeliveries(store, { namespaceUid, states: ['waiting'] })).newest, 23);
  const none = await jobs.start({ filter, above: 2 ** 31 - 1 });
  assert.deepEqual(none, { ok: false, message: `no number is left above that of replay ${2 ** 31 - 1}` });
});

test('a generation belongs to one replay', async (t) => {
  const jobs = jobsOf(await deadOnes(t, 1));
  await jobs.start({ filter, generation: 10 });
  const other = await jobs.start({ filter: { namespaceUid }, generation: 10 });
  assert.deepEqual(other, { ok: false, message: 'generation 10 is of another replay: choose another' });
  const elsewhere = await jobs.start({ filter: { namespaceUid: 'ns-b' }, generation: 10 });
  assert.ok(elsewhere.ok, 'each namespace has its own');
  assert.equal(await jobs.cancel('ns-c', 10), undefined);
});

test('cancelling stops the expansion and ends what waits of it, nothing else', async (t) => {
  const store = await deadOnes(t, 450);
  const paused = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const jobs = jobsOf(store, () => {
    paused.resolve();
    return goOn.promise;
  });
  const live = { id: 'live', namespaceUid, type: 't', source: '/s', attributes: '{}', body: new Uint8Array() };
  await store.append([{ event: live, deliveries: [{ destination: 'ns-a/f/trigger:t' }] }]);
  await jobs.start({ filter, generation: 10 });
  await paused.promise;
  const cancelling = jobs.cancel(namespaceUid, 10);
  assert.equal((await ended(jobs, 10)).state, 'cancelled');
  goOn.resolve();
  assert.equal(await cancelling, 200);
  assert.equal((await jobs.status(namespaceUid, 10))?.state, 'cancelled');
  const waiting = await store.read({ namespaceUid, states: ['waiting'] }, { limit: 1000 });
  assert.deepEqual(
    waiting.map(({ eventId }) => eventId),
    ['live'],
  );
});

test('the next process goes on where the former one ended', async (t) => {
  const store = await deadOnes(t, 450);
  const paused = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const former = jobsOf(store, () => {
    paused.resolve();
    return goOn.promise;
  });
  await former.start({ filter, generation: 10 });
  await paused.promise;
  const closing = former.close();
  goOn.resolve();
  await closing;
  assert.equal((await countDeliveries(store, { namespaceUid, states: ['waiting'] })).count, 200, 'control: not whole');
  const next = jobsOf(store);
  await next.resume([namespaceUid]);
  assert.equal((await ended(next, 10)).created, 450);
});
