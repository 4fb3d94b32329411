/** Appending under conditions: events and key-value rows land together or not at all, on every engine of the store. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppendItem, KeyValueWrite } from '../../src/store/store.ts';
import { storeEngines } from './store-engines.ts';

const scope = { namespaceUid: 'ns-a', space: '.rows' };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const event = (id: string): AppendItem => ({
  event: { id, namespaceUid: 'ns-a', type: 'com.acme.test', source: '/test', attributes: '{}', body: text(id) },
  deliveries: [{ destination: 'f/t', orderKey: 'object', supersede: true }],
});

const row = (key: string, value: string): KeyValueWrite => ({
  scope,
  key,
  change: { kind: 'set', value: text(value) },
});

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`appending under conditions (${name})`, () => {
    test('stores events and rows together, and nothing when an expectation fails', async (t) => {
      const store = await open(t);
      const first = { append: [event('e1')], writes: [row('a', '1')], expectations: [{ scope, key: 'a', version: 0 }] };
      assert.equal(await store.appendIf(first), 'ok');
      const kept = await store.get(scope, 'a');
      assert.ok(kept);
      const stale = { append: [event('e2')], writes: [row('a', '2'), row('b', '2')], expectations: first.expectations };
      assert.equal(await store.appendIf(stale), 'conflict');
      assert.equal(await store.event('ns-a', 'e2'), undefined);
      assert.equal(await store.get(scope, 'b'), undefined);
      const second = { ...stale, expectations: [{ scope, key: 'a', version: kept.version }] };
      assert.equal(await store.appendIf(second), 'ok');
      assert.equal(Buffer.from((await store.get(scope, 'a'))?.value ?? []).toString(), '2');
      const { byState, gap } = await store.counts();
      assert.deepEqual([byState.waiting, byState.superseded, gap], [1, 1, 0], 'the newer state takes the place');
      const [lease] = await store.lease([{ destination: 'f/t', max: 5 }], 60_000);
      assert.equal(lease?.event.id, 'e2');
    });

    test('a settle whose increment meets a word is a conflict, and neighbours land', async (t) => {
      const store = await open(t);
      await store.write([row('word', 'x')], []);
      await store.append(['e1', 'e2'].map((id) => ({ ...event(id), deliveries: [{ destination: 'f/t' }] })));
      const leases = await store.lease([{ destination: 'f/t', max: 2 }], 60_000);
      const settled = await store.settle(
        leases.map(({ receipt }, index) => ({
          receipt,
          ending: { kind: 'done' },
          writes: [{ scope, key: ['word', 'count'][index] ?? '', change: { kind: 'increment', delta: 1 } }],
        })),
      );
      assert.deepEqual(settled, ['conflict', 'ok']);
      assert.equal(Buffer.from((await store.get(scope, 'count'))?.value ?? []).toString(), '1');
    });

    test('of two that expect the same, one lands', async (t) => {
      const store = await open(t);
      const both = ['e1', 'e2'].map((id) =>
        store.appendIf({
          append: [event(id)],
          writes: [row('a', id)],
          expectations: [{ scope, key: 'a', version: 0 }],
        }),
      );
      assert.deepEqual((await Promise.all(both)).toSorted(), ['conflict', 'ok']);
      assert.equal((await store.counts()).created, 1);
    });
  });
}
