/** Places that deliveries hold in the lease loop come back, whatever ends them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryPlaces } from '../../src/delivery/delivery-places.ts';
import { startLeaseLoop } from '../../src/delivery/lease-loop.ts';
import type { Attempt, GivenBack } from '../../src/delivery/run-attempts.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Lease, Store } from '../../src/store/store.ts';
import { eventually } from '../builders/eventually.ts';

const done: Attempt = { ending: { kind: 'done' } };
const dead: Attempt = { ending: { kind: 'dead', reason: 'Conflict', error: '' } };
const all = 10;
/** What a namespace that holds nothing may take of all places. */
const whole = 8;
const scope = { namespaceUid: 'a', space: 'f' };

test('places are left by what is done, given back, lost, in conflict, refused, thrown, failed in the store and drained', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const places = new DeliveryPlaces(all);
  const errors: string[] = [];
  const settled: string[] = [];
  let [leases, settles] = [0, 0];
  /** Now and then it cannot be reached. */
  const shaky: Store = {
    ...store,
    async lease(wishes, leaseMs) {
      leases += 1;
      if (leases % 3 === 0) throw new Error('no lease now');
      return await store.lease(wishes, leaseMs);
    },
    async settle(items) {
      settles += 1;
      if (settles % 7 === 0) throw new Error('no settle now');
      return await store.settle(items);
    },
  };
  const tried = new Map<string, number>();
  async function run({ event: { id }, receipt }: Lease): Promise<Attempt | GivenBack> {
    const times = (tried.get(id) ?? 0) + 1;
    tried.set(id, times);
    const [kind] = id.split(' ');
    if (kind === 'thrown' && times === 1) throw new Error('a defect');
    if (kind === 'back' && times === 1) return { giveBackMs: 1 };
    // Somebody else has it then.
    if (kind === 'lost' && times === 1) await store.abandon([receipt]);
    if (kind === 'conflict') return { ...done, effects: { expectations: [{ scope, key: 'k', version: 1 }] } };
    const write = { scope, key: id, change: { kind: 'set', value: new Uint8Array(5_000) } } as const;
    return kind === 'refused' ? { ...done, effects: { writes: [write] } } : done;
  }
  const loop = startLeaseLoop({
    store: shaky,
    places,
    slots: () => 5,
    run,
    conflicted: () => dead,
    overQuota: () => dead,
    mayPull: () => true,
    onSettled: ({ event }) => void settled.push(event.id),
    onError: (error) => void errors.push(error.message),
    after(milliseconds, callback) {
      const timer = setTimeout(callback, Math.min(milliseconds, 5));
      return () => clearTimeout(timer);
    },
    turns: { nextTurn: (callback) => void setImmediate(callback), now: () => performance.now(), isBusy: () => false },
  });
  const quota = { waitingRows: 1e6, waitingBytes: 1e9, keyValueBytes: 1_000 };
  await store.setQuotas({ all: quota, byNamespace: {} });
  const kinds = ['done', 'thrown', 'back', 'lost', 'conflict', 'refused'];
  const ids = Array.from({ length: 20 }, (_, index) => kinds.map((kind) => `${kind} ${index}`)).flat();
  for (const [index, id] of ids.entries()) {
    const destination = `${['a', 'b', 'c'][index % 3]}/f/trigger:t`;
    const event = {
      id,
      namespaceUid: destination[0] ?? '',
      type: 't',
      source: '/',
      attributes: '{}',
      body: new Uint8Array(),
    };
    // Every second one is promised a place before it is stored; every fourth promise comes to nothing.
    const place = index % 2 === 0 ? loop.reserve(destination) : undefined;
    const eager = place !== undefined && index % 4 !== 0 ? { eagerMs: 60_000 } : {};
    const [appended] = await store.append([{ event, deliveries: [{ destination, ...eager }] }]);
    place?.(appended?.leased[0]);
  }
  const ended = async (): Promise<number> => {
    const { done: ran, dead: died } = (await store.counts()).byState;
    return ran + died;
  };
  await eventually('all have ended', async () => (await ended()) === ids.length);
  await eventually('their places are left', () =>
    ['a', 'b', 'c', 'new'].every((name) => places.free(`${name}/f/trigger:t`) === whole),
  );
  for (const kind of kinds) assert.ok(settled.some((id) => id.startsWith(kind)) || kind === 'lost', kind);
  for (const message of ['no lease now', 'no settle now', 'a defect']) assert.ok(errors.includes(message), message);
  const kept = loop.reserve('a/f/trigger:t');
  assert.ok(kept);
  assert.ok(places.free('new/f/trigger:t') < whole, 'control: a place that is held is missed');
  kept(undefined);
  await loop.drain(0);
  assert.equal(places.free('new/f/trigger:t'), whole);
});
