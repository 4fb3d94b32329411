/** Deliveries in pieces and in company: bounds of a destination, and what is added to an event that is stored. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppendItem, NewDelivery } from '../../src/store/store.ts';
import { storeEngines } from './store-engines.ts';

function item(id: string, deliveries: readonly NewDelivery[], more: Partial<AppendItem> = {}): AppendItem {
  const event = {
    id,
    namespaceUid: 'ns-a',
    type: 'com.acme.test',
    source: '/test',
    attributes: '{}',
    body: Buffer.from(id),
  };
  return { event, deliveries, ...more };
}

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`bounds and pieces (${name})`, () => {
    test('a lease limit holds over everybody who leases', async (t) => {
      const store = await open(t);
      await store.append(['e1', 'e2', 'e3'].map((id) => item(id, [{ destination: 'f/t' }])));
      const wish = { destination: 'f/t', max: 10, limit: 2 };
      assert.equal((await store.lease([wish], 60_000)).length, 2);
      assert.equal((await store.lease([wish], 60_000)).length, 0);
      assert.equal((await store.lease([{ ...wish, limit: 3 }], 60_000)).length, 1);
    });

    test('deliveries can be added to a stored event, each once, and never in the place of themselves', async (t) => {
      const store = await open(t);
      await store.append([item('e1', [{ destination: 'f/t' }])]);
      const quiet = { destination: 'h/t', orderKey: 'k', supersede: true } as const;
      const more = item('e1', [{ destination: 'f/t' }, { destination: 'g/t', background: true }, quiet], {
        known: true,
      });
      await store.append([more]);
      await store.append([more]);
      const rows = await store.read({ namespaceUid: 'ns-a' }, { limit: 10 });
      assert.deepEqual(
        rows.map(({ destination, state }) => [destination, state]),
        [
          ['f/t', 'waiting'],
          ['g/t', 'waiting'],
          ['h/t', 'waiting'],
        ],
      );
      // The control: without the mark the first event stands as it is.
      await store.append([item('e1', [{ destination: 'i/t' }])]);
      assert.equal((await store.read({ namespaceUid: 'ns-a' }, { limit: 10 })).length, 3);
    });

    test('many replays at once to destinations that nobody has named before all land', async (t) => {
      const store = await open(t);
      const numbers = Array.from({ length: 16 }, (_, index) => index);
      await store.append(numbers.map((index) => item(`e${index}`, [{ destination: 'f/t' }])));
      const leases = await store.lease([{ destination: 'f/t', max: 16 }], 60_000);
      const ending = { kind: 'dead', reason: 'Failed', error: '' } as const;
      await store.settle(leases.map(({ receipt }) => ({ receipt, ending })));
      const filter = (index: number) => ({ namespaceUid: 'ns-a', eventId: `e${index}` });
      const created = await Promise.all(numbers.map((index) => store.replay(filter(index), 1, `new${index}/t`)));
      assert.deepEqual(
        created,
        numbers.map(() => 1),
      );
    });
  });
}
