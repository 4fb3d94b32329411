/** One namespace with a great many destinations, none of which runs anywhere: what others are told does not drown in them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppendItem } from '../../src/store/store.ts';
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
  });
}
