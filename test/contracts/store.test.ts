/** The contract every engine of the store keeps. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import type { AppendItem, NewDelivery } from '../../src/store/store.ts';
import { storeEngines } from './store-engines.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const scope = { namespaceUid: 'ns-a', space: 'counter' };

function item(id: string, deliveries: readonly NewDelivery[], more: Partial<AppendItem> = {}): AppendItem {
  const event = { id, namespaceUid: 'ns-a', type: 'com.acme.test', source: '/test', attributes: '{}', body: text(id) };
  return { event, deliveries, ...more };
}

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`the store (${name})`, () => {
    test('leases what was appended, once, oldest first', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }]), item('e2', [{ destination: 'f/t' }])]);
      const leases = await store.lease([{ destination: 'f/t', max: 10 }], 60_000);
      assert.deepEqual(
        leases.map(({ event, attempt }) => [event.id, attempt]),
        [
          ['e1', 1],
          ['e2', 1],
        ],
      );
      assert.deepEqual(Buffer.from(leases[0]?.event.body ?? []).toString(), 'e1');
      assert.deepEqual(await store.lease([{ destination: 'f/t', max: 10 }], 60_000), []);
    });

    test('settles under the current lease only, and answers a repeated settle as the first time', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(lease);
      await store.release([lease.receipt], 0);
      assert.deepEqual(await store.settle([{ receipt: lease.receipt, ending: { kind: 'done' } }]), ['stale']);
      const [again] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(again);
      assert.equal(again.attempt, 1, 'a released attempt is given back');
      assert.deepEqual(await store.settle([{ receipt: again.receipt, ending: { kind: 'done' } }]), ['ok']);
      assert.deepEqual(await store.settle([{ receipt: again.receipt, ending: { kind: 'done' } }]), ['ok']);
      assert.equal((await store.counts()).byState.done, 1);
    });

    test('retries not before the delay, counts attempts, and keeps the dead with their reason', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      const [first] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(first);
      await store.settle([{ receipt: first.receipt, ending: { kind: 'retry', delayMs: 3_600_000, error: 'boom' } }]);
      assert.deepEqual(await store.lease([{ destination: 'f/t', max: 1 }], 60_000), []);
      const [head] = await store.heads();
      assert.ok(head !== undefined && head.dueInMs > 3_500_000);
      await store.append([item('e2', [{ destination: 'f/t' }])]);
      const [second] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.equal(second?.event.id, 'e2');
      await store.settle([{ receipt: second.receipt, ending: { kind: 'dead', reason: 'Failed', error: 'no use' } }]);
      const dead = await store.read({ namespaceUid: 'ns-a', states: ['dead'] }, { limit: 10 });
      assert.deepEqual(
        dead.map(({ eventId, reason, error }) => [eventId, reason, error]),
        [['e2', 'Failed', 'no use']],
      );
    });

    test('suppresses duplicates within the window, per endpoint, and runs a dead one again', async (t) => {
      const store = await open(t);
      const duplicate = { endpoint: 'f/t', key: 'delivery-1', windowMs: 60_000 };
      await store.append([item('e1', [{ destination: 'f/t' }], { duplicate })]);
      const [same] = await store.append([item('e2', [{ destination: 'f/t' }], { duplicate })]);
      assert.deepEqual(same, { id: 'e1', duplicateOf: 'e1', leased: [] });
      const known = (endpoint: string, scope = 'ns-a'): Promise<boolean> =>
        store.isKnown(scope, { ...duplicate, endpoint });
      assert.deepEqual(await Promise.all([known('f/t'), known('g/t'), known('f/t', 'another namespace')]), [
        true,
        false,
        false,
      ]);
      const [other] = await store.append([
        item('e3', [{ destination: 'g/t' }], { duplicate: { ...duplicate, endpoint: 'g/t' } }),
      ]);
      assert.equal(other?.duplicateOf, undefined);
      const [lease] = await store.lease([{ destination: 'f/t', max: 5 }], 60_000);
      assert.ok(lease);
      await store.settle([{ receipt: lease.receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
      const [again] = await store.append([item('e4', [{ destination: 'f/t' }], { duplicate })]);
      assert.deepEqual(again, { id: 'e1', duplicateOf: 'e1', generation: 1, leased: [] });
      const [rerun] = await store.lease([{ destination: 'f/t', max: 5 }], 60_000);
      assert.deepEqual([rerun?.event.id, rerun?.generation, rerun?.attempt], ['e1', 1, 1]);
    });

    test('a key of one body runs a dead or cancelled event again for that body only, the empty one too', async (t) => {
      const store = await open(t);
      const [own, empty] = [new Uint8Array([1, 0, 2]), new Uint8Array(0)];
      const append = async (id: string, key: string, body: Uint8Array, oneBody = true): Promise<unknown> => {
        const { event, deliveries } = item(id, [{ destination: `f/${key}` }]);
        const duplicate = { endpoint: 'f', key, windowMs: 60_000, oneBody };
        return (await store.append([{ event: { ...event, body }, deliveries, duplicate }]))[0];
      };
      const lease = () => store.lease([{ destination: 'f/dead', max: 5 }], 60_000);
      await append('full', 'dead', own);
      await append('none', 'cancelled', empty);
      const other = { id: 'full', duplicateOf: 'full', leased: [], otherBody: true };
      assert.deepEqual(await append('e1', 'dead', empty), other, 'while it waits, too');
      const [first] = await lease();
      assert.ok(first);
      await store.settle([{ receipt: first.receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
      assert.equal(await store.cancel({ namespaceUid: 'ns-a', destination: 'f/cancelled' }), 1);
      assert.deepEqual(await append('e2', 'dead', empty), other);
      assert.deepEqual(await append('e3', 'dead', new Uint8Array([1, 0, 3])), other);
      assert.deepEqual(await append('e4', 'cancelled', own), { ...other, id: 'none', duplicateOf: 'none' });
      assert.deepEqual(await lease(), [], 'nothing ran again');
      const again = { leased: [], generation: 1 };
      assert.deepEqual(await append('e5', 'dead', own), { ...again, id: 'full', duplicateOf: 'full' });
      assert.deepEqual(await append('e6', 'cancelled', empty), { ...again, id: 'none', duplicateOf: 'none' });
      const [second] = await lease();
      assert.ok(second);
      await store.settle([{ receipt: second.receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
      const control = await append('e7', 'dead', empty, false);
      assert.deepEqual(control, { id: 'full', duplicateOf: 'full', generation: 2, leased: [] }, 'control');
    });

    test('runs deliveries of one order key one at a time and in order', async (t) => {
      const store = await open(t);
      const delivery = { destination: 'f/t', orderKey: 'k' };
      await store.append([
        item('e1', [delivery]),
        item('e2', [delivery]),
        item('e3', [{ destination: 'f/t', orderKey: 'l' }]),
      ]);
      const first = await store.lease([{ destination: 'f/t', max: 10 }], 60_000);
      assert.deepEqual(
        first.map(({ event }) => event.id),
        ['e1', 'e3'],
      );
      assert.ok(first[0]);
      await store.settle([{ receipt: first[0].receipt, ending: { kind: 'retry', delayMs: 0, error: '' } }]);
      const retried = await store.lease([{ destination: 'f/t', max: 10 }], 60_000);
      assert.deepEqual(
        retried.map(({ event, attempt }) => [event.id, attempt]),
        [['e1', 2]],
      );
      assert.ok(retried[0]);
      await store.settle([{ receipt: retried[0].receipt, ending: { kind: 'done' } }]);
      const next = await store.lease([{ destination: 'f/t', max: 10 }], 60_000);
      assert.deepEqual(
        next.map(({ event }) => event.id),
        ['e2'],
      );
    });

    test('supersedes what waits under the same order key, never what runs', async (t) => {
      const store = await open(t);
      const delivery = { destination: 'f/t', orderKey: 'pod-1', supersede: true };
      await store.append([item('v1', [delivery])]);
      const [running] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(running);
      await store.append([item('v2', [delivery])]);
      await store.append([item('v3', [delivery])]);
      await store.settle([{ receipt: running.receipt, ending: { kind: 'done' } }]);
      const [next] = await store.lease([{ destination: 'f/t', max: 5 }], 60_000);
      assert.equal(next?.event.id, 'v3');
      assert.equal((await store.counts()).byState.superseded, 1);
    });

    test('writes what a settle carries together with it, or nothing of it', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(lease);
      const settle = {
        receipt: lease.receipt,
        ending: { kind: 'done' },
        append: [item('child', [{ destination: 'g/t' }])],
        writes: [{ scope, key: 'seen', change: { kind: 'set', value: text('1') } }],
      } as const;
      const expectation = { scope, key: 'other', version: 7 };
      assert.deepEqual(await store.settle([{ ...settle, expectations: [expectation] }]), ['conflict']);
      assert.equal(await store.get(scope, 'seen'), undefined);
      assert.deepEqual(await store.lease([{ destination: 'g/t', max: 1 }], 60_000), []);
      assert.deepEqual(await store.settle([{ ...settle, expectations: [{ ...expectation, version: 0 }] }]), ['ok']);
      assert.equal(Buffer.from((await store.get(scope, 'seen'))?.value ?? []).toString(), '1');
      assert.equal((await store.lease([{ destination: 'g/t', max: 1 }], 60_000))[0]?.event.id, 'child');
    });

    test('increments atomically under concurrency and refuses what is not an integer', async (t) => {
      const store = await open(t);
      const increment = [{ scope, key: 'n', change: { kind: 'increment', delta: 1 } }] as const;
      const answers = await Promise.all(Array.from({ length: 50 }, () => store.write(increment, [])));
      const numbers = answers.map((answer) => (answer.kind === 'ok' ? answer.numbers[0] : undefined));
      assert.deepEqual(
        numbers.toSorted((a, b) => Number(a) - Number(b)),
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      await store.write([{ scope, key: 'n', change: { kind: 'set', value: text('"x"') } }], []);
      assert.deepEqual(await store.write(increment, []), { kind: 'notInteger', key: 'n' });
    });

    test('keeps a claim for the delivery that made it and its retries, and gives it back when that dies', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }]), item('e2', [{ destination: 'f/t' }])]);
      const [one, two] = await store.lease([{ destination: 'f/t', max: 2 }], 60_000);
      assert.ok(one && two);
      const claim = { scope, key: 'pod-1', value: text('1') };
      assert.equal(await store.claim({ ...claim, owner: one.receipt.delivery }), true);
      assert.equal(await store.claim({ ...claim, owner: one.receipt.delivery }), true, 'a retry owns it');
      assert.equal(await store.claim({ ...claim, owner: two.receipt.delivery }), false);
      assert.equal(await store.claim(claim), false);
      await store.settle([{ receipt: one.receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
      assert.equal(await store.claim({ ...claim, owner: two.receipt.delivery }), true);
      await store.settle([{ receipt: two.receipt, ending: { kind: 'done' } }]);
      assert.equal(await store.claim(claim), false, 'the claim of one that succeeded stays');
    });

    test('never shows rows of one namespace to another, not even by id', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      await store.write([{ scope, key: 'k', change: { kind: 'set', value: text('a') } }], []);
      assert.equal(await store.event('ns-b', 'e1'), undefined);
      assert.deepEqual(await store.read({ namespaceUid: 'ns-b' }, { limit: 10 }), []);
      assert.equal(await store.get({ ...scope, namespaceUid: 'ns-b' }, 'k'), undefined);
      assert.deepEqual(await store.list({ ...scope, namespaceUid: 'ns-b' }, '', 10), []);
      assert.equal(await store.cancel({ namespaceUid: 'ns-b', eventId: 'e1' }), 0);
      assert.equal((await store.event('ns-a', 'e1'))?.id, 'e1');
      assert.deepEqual(await store.list(scope, '', 10), ['k']);
    });

    test('replays the dead to their own destination once per generation, and cancels what waits', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }, { destination: 'g/t' }])]);
      const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(lease);
      await store.settle([{ receipt: lease.receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
      assert.equal(await store.replay({ namespaceUid: 'ns-a' }, 1), 1);
      assert.equal(await store.replay({ namespaceUid: 'ns-a' }, 1), 0);
      assert.equal(await store.cancel({ namespaceUid: 'ns-a', destination: 'g/t' }), 1);
      const rows = await store.read({ namespaceUid: 'ns-a' }, { limit: 10 });
      assert.deepEqual(
        rows.map(({ destination, state, generation }) => [destination, state, generation]),
        [
          ['f/t', 'dead', 0],
          ['g/t', 'cancelled', 0],
          ['f/t', 'waiting', 1],
        ],
      );
      const counts = await store.counts();
      assert.deepEqual([counts.created, counts.gap], [3, 0]);
    });

    test('discards the dead when asked to: nothing else, and a replay brings them back', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }, { destination: 'g/t' }])]);
      const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(lease);
      await store.settle([{ receipt: lease.receipt, ending: { kind: 'dead', reason: 'Failed', error: 'no' } }]);
      assert.equal(await store.cancel({ namespaceUid: 'ns-b', states: ['dead'] }), 0);
      assert.equal((await store.counts()).deadKept, 1);
      assert.equal(await store.cancel({ namespaceUid: 'ns-a', states: ['dead'] }), 1);
      assert.equal(await store.cancel({ namespaceUid: 'ns-a', states: ['dead'] }), 0, 'once');
      const rows = await store.read({ namespaceUid: 'ns-a' }, { limit: 10 });
      assert.deepEqual(
        rows.map(({ destination, state, reason }) => [destination, state, reason]),
        [
          ['f/t', 'cancelled', 'Failed'],
          ['g/t', 'waiting', undefined],
        ],
      );
      const { deadKept, gap } = await store.counts();
      assert.deepEqual([deadKept, gap], [0, 0]);
      assert.equal(await store.replay({ namespaceUid: 'ns-a' }, 1), 1);
    });

    test('replays what no newer generation followed: not what a replay has done, not twice at the same time', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      const end = async (kind: 'done' | 'dead'): Promise<void> => {
        const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
        assert.ok(lease);
        const ending = kind === 'done' ? { kind } : { kind, reason: 'Failed', error: 'no' };
        assert.deepEqual(await store.settle([{ receipt: lease.receipt, ending }]), ['ok']);
      };
      const scoped = { namespaceUid: 'ns-a' };
      await end('dead');
      const created = await Promise.all([store.replay(scoped, 10), store.replay(scoped, 11)]);
      assert.equal(created[0] + created[1], 1, 'one of two at the same time');
      assert.equal(await store.replay(scoped, 12), 0, 'while it waits');
      await end('dead');
      assert.equal(await store.replay(scoped, 13), 1, 'it died again');
      await end('done');
      assert.equal(await store.replay(scoped, 14), 0, 'it is done');
      assert.equal((await store.read({ ...scoped, states: ['dead'] }, { limit: 10 })).length, 2);
      assert.equal((await store.read({ ...scoped, states: ['dead'], latest: true }, { limit: 10 })).length, 0);
      assert.equal(await store.replay({ ...scoped, states: ['done', 'waiting'] }, 15), 1, 'done ones by name only');
      assert.equal(await store.replay({ ...scoped, states: ['waiting'] }, 16), 0, 'never what has not ended');
      assert.equal((await store.counts()).gap, 0);
    });

    test('reads a delivery with any text in its error and order key', async (t) => {
      const store = await open(t);
      const odd = 'a\u0000b\n\u{1F41F}';
      await store.append([item('e1', [{ destination: 'f/t', orderKey: odd }])]);
      const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(lease);
      await store.settle([{ receipt: lease.receipt, ending: { kind: 'dead', reason: 'Failed', error: odd } }]);
      const [row] = await store.read({ namespaceUid: 'ns-a' }, { limit: 10 });
      assert.deepEqual([row?.error, row?.orderKey], [odd, odd]);
    });

    test('replays to another destination once per generation, outside the order it had', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t', orderKey: 'k' }])]);
      const [lease] = await store.lease([{ destination: 'f/t', max: 1 }], 60_000);
      assert.ok(lease);
      await store.settle([{ receipt: lease.receipt, ending: { kind: 'dead', reason: 'Failed', error: '' } }]);
      assert.equal(await store.replay({ namespaceUid: 'ns-a' }, 7, 'g/t'), 1);
      assert.equal(await store.replay({ namespaceUid: 'ns-a' }, 7, 'g/t'), 0);
      const [there] = await store.lease([{ destination: 'g/t', max: 1 }], 60_000);
      assert.deepEqual([there?.event.id, there?.orderKey, there?.generation], ['e1', undefined, 7]);
    });

    test('reads rows by number, generation and time of the event, forwards and backwards', async (t) => {
      const store = await open(t);
      const at = (id: string, time: number): AppendItem => {
        const { event, deliveries } = item(id, [{ destination: 'f/t' }]);
        return { event: { ...event, time }, deliveries };
      };
      await store.append([at('e1', 1000), at('e2', 2000), at('e3', 3000)]);
      const ids = async (more: object, page = {}): Promise<readonly string[]> =>
        (await store.read({ namespaceUid: 'ns-a', ...more }, { limit: 10, ...page })).map(({ eventId }) => eventId);
      const rows = await store.read({ namespaceUid: 'ns-a' }, { limit: 10 });
      const numbers = rows.map(({ delivery }) => delivery);
      assert.deepEqual(await ids({}, { newestFirst: true }), ['e3', 'e2', 'e1']);
      assert.deepEqual(await ids({}, { newestFirst: true, after: numbers[2] }), ['e2', 'e1']);
      assert.deepEqual(await ids({}, { after: numbers[0] }), ['e2', 'e3']);
      assert.deepEqual(await ids({ deliveries: [numbers[1]] }), ['e2']);
      assert.deepEqual(await ids({ namespaceUid: 'ns-b', deliveries: [numbers[1]] }), []);
      assert.deepEqual(await ids({ since: 2000 }), ['e2', 'e3']);
      assert.deepEqual(await ids({ until: 2000 }), ['e1']);
      assert.deepEqual(await ids({ generation: 0, since: 3000 }), ['e3']);
      assert.deepEqual(await ids({ generation: 1 }), []);
      assert.deepEqual([rows[1]?.type, rows[1]?.time, rows[1]?.ended], ['com.acme.test', 2000, undefined]);
    });

    test('a bad item fails alone: its neighbours of the same turn are kept', async (t) => {
      const store = await open(t);
      const broken = item('bad', [{ destination: 'f/t' }]);
      const results = await Promise.allSettled([
        store.append([item('e1', [{ destination: 'f/t' }])]),
        store.append([{ ...broken, event: { ...broken.event, attributes: undefined as unknown as string } }]),
        store.append([item('e2', [{ destination: 'f/t' }])]),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      const leases = await store.lease([{ destination: 'f/t', max: 10 }], 60_000);
      assert.deepEqual(leases.map(({ event }) => event.id).toSorted(), ['e1', 'e2']);
    });

    test('an eager delivery is leased at once, or waits like any other: it runs once either way', async (t) => {
      const store = await open(t);
      const eager = { destination: 'f/t', eagerMs: 60_000 };
      const appended = await store.append([
        item('e1', [eager, { destination: 'f/u' }]),
        item('e2', [{ ...eager, delayMs: 0 }]),
      ]);
      const leased = appended.flatMap((each) => each.leased);
      const pulled = await store.lease([{ destination: 'f/t', max: 10 }], 60_000);
      const all = [...leased, ...pulled];
      assert.deepEqual(
        all.map(({ event, attempt, generation }) => [
          event.id,
          Buffer.from(event.body).toString(),
          attempt,
          generation,
        ]),
        [
          ['e1', 'e1', 1, 0],
          ['e2', 'e2', 1, 0],
        ],
      );
      assert.deepEqual(await store.settle(all.map(({ receipt }) => ({ receipt, ending: { kind: 'done' } }))), [
        'ok',
        'ok',
      ]);
      const { byState, gap } = await store.counts();
      assert.deepEqual([byState.done, byState.waiting, byState.leased, gap], [2, 1, 0, 0]);
    });

    test('an eager delivery never overtakes what waits for its destination', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      const [second] = await store.append([item('e2', [{ destination: 'f/t', eagerMs: 60_000 }])]);
      assert.equal(second?.id, 'e2');
      const order = [...second.leased, ...(await store.lease([{ destination: 'f/t', max: 10 }], 60_000))];
      assert.deepEqual(
        order.map(({ event, attempt }) => [event.id, Buffer.from(event.body).toString(), attempt]),
        [
          ['e1', 'e1', 1],
          ['e2', 'e2', 1],
        ],
      );
    });

    test('an eager delivery of an order key waits for the one before it', async (t) => {
      const store = await open(t);
      const ordered = { destination: 'f/t', orderKey: 'k', eagerMs: 60_000 };
      const [first] = await store.append([item('e1', [ordered])]);
      const [second] = await store.append([item('e2', [ordered])]);
      assert.deepEqual(second?.leased, []);
      const leased = [...(first?.leased ?? []), ...(await store.lease([{ destination: 'f/t', max: 10 }], 60_000))];
      assert.deepEqual(
        leased.map(({ event }) => event.id),
        ['e1'],
      );
    });

    test('wakes its listeners after something may have become due', async (t) => {
      const store = await open(t);
      const woken = new Promise<void>((resolve) => store.wake(resolve));
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      await woken;
    });
  });
}

test('a store that is in use refuses a second owner with the path and what to do', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-store-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const first = await openStore({ path, onLost: (error) => assert.fail(error) });
  t.after(() => first.close());
  await assert.rejects(openStore({ path, onLost: () => undefined }), /store\.db is in use by another process: stop it/);
});
