import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { routeTable } from '../../../test/builders/function-entry.ts';
import { openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import type { DeliveryQuery } from './delivery-answers.ts';
import { createDeliveryFollows, type DeliveryChanges, type DeliveryFollows } from './follow-deliveries.ts';
import type { LiveView } from './live-view.ts';

const teamA = { name: 'team-a', uid: 'uid-team-a' };
const teamB = { name: 'team-b', uid: 'uid-team-b' };
const destination = 'uid-of-a-function/web';
const all: DeliveryQuery = { more: {}, limit: 500 };
const dead: DeliveryQuery = { more: { states: ['dead'], latest: true }, limit: 500 };

interface World {
  readonly store: Store;
  readonly view: LiveView;
  readonly follows: DeliveryFollows;
  /** Lets that much time pass. */
  pass(milliseconds: number): Promise<void>;
  append(count: number, namespaceUid?: string): Promise<void>;
  list(snapshot: string, query?: DeliveryQuery): Promise<readonly string[]>;
  changes(snapshot: string, from: number, more?: Partial<Asked>): Promise<DeliveryChanges>;
}

interface Asked {
  readonly query: DeliveryQuery;
  readonly namespace: typeof teamA;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

async function world(t: TestContext): Promise<World> {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const view = {
    table: () => routeTable([]),
    namespaceUid: (name: string) => `uid-${name}`,
    store,
    now: () => time,
    resting: () => Promise.resolve({ reasons: {}, turns: [] }),
  } as unknown as LiveView;
  let time = 0;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const follows = createDeliveryFollows({
    now: () => time,
    after(milliseconds, callback) {
      const timer = { at: time + milliseconds, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  });
  t.after(() => follows.close());
  let events = 0;
  return {
    store,
    view,
    follows,
    async pass(milliseconds) {
      time += milliseconds;
      for (const timer of timers) {
        if (timer.at > time) continue;
        timers.delete(timer);
        timer.callback();
      }
    },
    async append(count, namespaceUid = teamA.uid) {
      const items = Array.from({ length: count }, () => ({
        event: {
          id: `event-${(events += 1)}`,
          namespaceUid,
          type: 'com.acme.order',
          source: '/shop',
          attributes: '{}',
          body: new Uint8Array(),
        },
        deliveries: [{ destination }],
      }));
      await store.append(items);
    },
    async list(snapshot, query = all) {
      const answer = await follows.list({ view, namespace: teamA, query, snapshot });
      assert.ok(answer.status === 200);
      const { items } = answer.body as { readonly items: readonly { readonly metadata: { readonly name: string } }[] };
      return items.map(({ metadata }) => metadata.name);
    },
    changes: (snapshot, from, more = {}) => {
      const asked = { namespace: teamA, query: all, waitMs: 0, signal: AbortSignal.timeout(30_000), ...more };
      return follows.changes({ view, snapshot, from, to: from + 1, ...asked });
    },
  };
}

const told = ({ events, gone }: DeliveryChanges): readonly string[] => [
  ...events.map(({ type, object }) => {
    const { metadata, state } = object as { readonly metadata: { readonly name: string }; readonly state?: string };
    return `${type} ${metadata.name} ${state}`;
  }),
  ...(gone === undefined ? [] : [`gone: ${gone}`]),
];

/** Runs the oldest that waits to this end. */
async function settle(store: Store, kind: 'done' | 'dead'): Promise<void> {
  const [leased] = await store.lease([{ destination, max: 1 }], 30_000);
  assert.ok(leased);
  const ending = kind === 'done' ? ({ kind } as const) : ({ kind, reason: 'Failed', error: 'no stock' } as const);
  assert.deepEqual(await store.settle([{ receipt: leased.receipt, ending }]), ['ok']);
}

suite('deliveries that are followed', () => {
  test('whoever has gone before his turn came costs no look at the store', async (t) => {
    const { follows, list, store, view } = await world(t);
    await list('1');
    let looks = 0;
    const read: Store['read'] = (...asked) => {
      looks += 1;
      return store.read(...asked);
    };
    const question = { view: { ...view, store: { ...store, read } }, namespace: teamA, query: all, snapshot: '1' };
    const ask = (signal: AbortSignal) => follows.changes({ ...question, from: 0, to: 1, waitMs: 0, signal });
    assert.deepEqual(await ask(AbortSignal.abort()), { events: [] });
    assert.equal(looks, 0);
    assert.deepEqual(await ask(AbortSignal.timeout(30_000)), { events: [] });
    assert.equal(looks, 1, 'control: who is there costs one');
  });

  test('what came, changed and left since the list is told once, oldest first', async (t) => {
    const { append, list, changes, store } = await world(t);
    await append(2);
    assert.deepEqual(await list('100'), ['dlv-2', 'dlv-1']);
    assert.deepEqual(told(await changes('100', 0)), []);
    await append(1);
    await settle(store, 'done');
    assert.deepEqual(told(await changes('100', 0)), ['MODIFIED dlv-1 done', 'ADDED dlv-3 waiting']);
    assert.deepEqual(told(await changes('100', 1)), []);
    const [again] = told(await changes('100', 0));
    assert.match(again ?? '', /^gone: what came after it was told/, 'who lost the answer lists anew');
  });

  test('a dead letter comes when its delivery dies, and leaves when it is cancelled', async (t) => {
    const { append, list, changes, store } = await world(t);
    await append(1);
    assert.deepEqual(await list('100', dead), []);
    await settle(store, 'dead');
    assert.deepEqual(told(await changes('100', 0, { query: dead })), ['ADDED dlv-1 dead']);
    assert.equal(await store.cancel({ namespaceUid: teamA.uid, deliveries: [1], states: ['dead'] }), 1);
    assert.deepEqual(told(await changes('100', 1, { query: dead })), ['DELETED dlv-1 cancelled']);
  });

  test('nothing of another namespace is told, and nobody goes on from what another asked for', async (t) => {
    const { append, list, changes } = await world(t);
    await list('100');
    await append(1, teamB.uid);
    assert.deepEqual(told(await changes('100', 0)), []);
    for (const more of [{ namespace: teamB }, { query: dead }]) {
      assert.deepEqual(told(await changes('100', 0, more)), ['gone: it is not remembered any more']);
    }
    assert.deepEqual(told(await changes('101', 0)), ['gone: it is not remembered any more']);
    await append(1);
    assert.equal(told(await changes('100', 0)).length, 1, 'the control');
  });

  test('a question waits for the next change, and a later one for the same takes its place', async (t) => {
    const { append, list, changes, pass, view } = await world(t);
    let looks = 0;
    let reading = 0;
    const { store } = view;
    Object.assign(view, {
      store: {
        ...store,
        read: async (...given: Parameters<Store['read']>) => {
          reading += 1;
          const rows = await store.read(...given);
          reading -= 1;
          looks += 1;
          return rows;
        },
      },
    });
    await list('100');
    const first = changes('100', 0, { waitMs: 20_000 });
    const second = changes('100', 0, { waitMs: 20_000 });
    assert.match(told(await first)[0] ?? '', /^gone: somebody else/);
    await append(1);
    const ended = second.then(() => true);
    const turn = (): Promise<false> => new Promise((resolve) => void setImmediate(resolve, false));
    // Time stands still while the store is read.
    while (!(await Promise.race([ended, turn()]))) if (reading === 0) await pass(1_000);
    assert.deepEqual(told(await second), ['ADDED dlv-1 waiting']);
    assert.ok(looks >= 3, String(looks));
  });

  test('the minute after which a list is forgotten does not begin while a later question waits', async (t) => {
    const { list, changes, pass } = await world(t);
    await list('100');
    const first = changes('100', 0, { waitMs: 20_000 });
    const second = changes('100', 0, { waitMs: 20_000 });
    assert.match(told(await first)[0] ?? '', /^gone: somebody else/);
    await pass(61_000);
    const turn = (): Promise<false> => new Promise((resolve) => void setImmediate(resolve, false));
    const whileTimePasses = async (asked: Promise<DeliveryChanges>): Promise<readonly string[]> => {
      const ended = asked.then(() => true);
      while (!(await Promise.race([ended, turn()]))) await pass(1_000);
      return told(await asked);
    };
    assert.deepEqual(await whileTimePasses(second), []);
    assert.deepEqual(await whileTimePasses(changes('100', 0)), []);
  });

  test('the newest thousand are followed: older ones are left, and more at once has to be listed anew', async (t) => {
    const { append, list, changes } = await world(t);
    await append(900);
    await list('100', { more: {}, limit: 1_000 });
    await append(200);
    const came = await changes('100', 0);
    assert.equal(came.events.length, 200, 'the oldest hundred were pushed out, not deleted');
    assert.ok(came.events.every(({ type }) => type === 'ADDED'));
    await append(1_001);
    assert.match(told(await changes('100', 1))[0] ?? '', /^gone: more than 1000 came at once/);
  });

  test('a list is forgotten after a minute, and a namespace that opens many loses its own', async (t) => {
    const { list, changes, pass, follows, view } = await world(t);
    await list('1');
    await follows.list({ view, namespace: teamB, query: all, snapshot: 'b' });
    for (let number = 2; number <= 41; number += 1) await list(String(number));
    assert.match(told(await changes('1', 0))[0] ?? '', /^gone/);
    assert.deepEqual(told(await changes('41', 0)), []);
    assert.deepEqual(told(await changes('b', 0, { namespace: teamB })), [], 'of another nothing is lost');
    await pass(60_000);
    assert.match(told(await changes('41', 0))[0] ?? '', /^gone/);
  });
});
