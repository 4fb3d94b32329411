/** One namespace with a great many destinations, none of which runs anywhere: what others are told does not drown in them. */
import assert from 'node:assert/strict';
import type { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { laterFilter } from '../../src/delivery/later.ts';
import { readDeliveries } from '../../src/store/sqlite-read.ts';
import { openDatabase } from '../../src/store/sqlite-schema.ts';
import type { AppendItem, DeliveryFilter } from '../../src/store/store.ts';
import { storeEngines } from './store-engines.ts';

function item(namespaceUid: string, id: string, destinations: readonly string[], delayMs: number): AppendItem {
  const event = { id, namespaceUid, type: 'com.acme.test', source: '/test', attributes: '{}', body: Buffer.from(id) };
  return { event, deliveries: destinations.map((destination) => ({ destination, delayMs })) };
}

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`many destinations (${name})`, () => {
    test('are told some at a time, those of others always, and of what waits for later the first', async (t) => {
      const store = await open(t);
      const own = Array.from({ length: 700 }, (_, index) => `ns-loud/f/handler:h${index}`);
      await store.append([
        item('ns-loud', 'e1', own, 0),
        item('ns-loud', 'e2', ['ns-loud/f/handler:tomorrow'], 86_400_000),
        item('ns-quiet', 'e3', ['ns-quiet/f/handler:now'], 0),
        item('ns-quiet', 'e4', ['ns-quiet/f/handler:later'], 3_600_000),
      ]);
      const seen = new Set<string>();
      for (let asked = 0; asked < 10; asked += 1) {
        const told = await store.heads();
        const due = told.filter(({ dueInMs }) => dueInMs === 0).map(({ destination }) => destination);
        assert.equal(due.length, 501);
        assert.ok(due.includes('ns-quiet/f/handler:now'));
        for (const destination of due) seen.add(destination);
        const rest = told.filter(({ dueInMs }) => dueInMs > 0);
        assert.equal(rest.length, 1);
        assert.ok((rest[0]?.dueInMs ?? 0) <= 100, 'worth asking again soon');
      }
      assert.equal(seen.size, 701);
      const none = await store.lease([{ destination: 'ns-quiet/f/handler:now', max: 1 }], 60_000);
      assert.equal(none.length, 1);
    });

    test('nothing is found under an id that cannot be one: callers of Lua and of people choose it', async (t) => {
      const store = await open(t);
      await store.append([item('ns-a', 'e1', ['ns-a/f/handler:h'], 60_000)]);
      for (const id of ['e\0', 'e1\0', '%', '_1', 'e*', "e1' OR '1'='1", '\u{10FFFF}', 'e1/../e1']) {
        for (const filter of laterFilter('ns-a', 'f', id)) assert.equal(await store.cancel(filter), 0, id);
        assert.deepEqual(await store.read({ namespaceUid: 'ns-a', destinationPrefix: id }, { limit: 10 }), [], id);
      }
      assert.equal(await store.cancel(laterFilter('ns-b', 'f', 'e1')[0]), 0, 'not of another namespace');
      assert.equal(await store.cancel(laterFilter('ns-a', 'g', 'e1')[0]), 0, 'not of another function');
      assert.equal(await store.cancel(laterFilter('ns-a', 'f', 'e1')[0]), 1, 'control');
    });
  });
}

test('SQLite finds what Lua cancels by an index, and reads no rows for a namespace that has none', () => {
  const database = openDatabase(':memory:');
  const stepsOf = (filter: Omit<DeliveryFilter, 'namespaceUid'>): readonly string[] => {
    let statement = '';
    const overheard = {
      prepare: (text: string) => database.prepare((statement = text)),
    } as DatabaseSync;
    readDeliveries(overheard, { namespaceUid: 'ns', ...filter }, { limit: 1 });
    const steps = database.prepare(`EXPLAIN QUERY PLAN ${statement}`).all();
    return (steps as unknown as { readonly detail: string }[]).map(({ detail }) => detail);
  };
  try {
    for (const filter of laterFilter('ns', 'worker', 'id-or-key')) {
      const steps = stepsOf({ ...filter, states: ['waiting', 'held'] });
      assert.ok(
        steps.some((step) => step.startsWith('SEARCH d USING INDEX')),
        steps.join('\n'),
      );
      assert.deepEqual(
        steps.filter((step) => step.startsWith('SCAN')),
        [],
      );
    }
    const listed = stepsOf({});
    assert.match(listed[0] ?? '', /^SEARCH s USING COVERING INDEX/);
    assert.equal(listed[1], 'SCAN d', 'control: a walk through all rows looks like this');
  } finally {
    database.close();
  }
});
