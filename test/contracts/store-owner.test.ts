/** Whose a store is, on every engine: taken once, kept, handed over only to whoever names the owner. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { storeEngines } from './store-engines.ts';

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`the owner of a store (${name})`, () => {
    test('a new store is nobody’s, and of several that take it at once one has it', async (t) => {
      const store = await open(t);
      assert.equal(await store.owner(), undefined);
      const told = await Promise.all(['a', 'b', 'c'].map((owner) => store.owner({ owner })));
      assert.equal(new Set(told).size, 1);
      assert.equal(await store.owner(), told[0]);
    });

    test('it is handed over to nobody who does not name the owner', async (t) => {
      const store = await open(t);
      await store.owner({ owner: 'first' });
      assert.equal(await store.owner({ owner: 'second' }), 'first');
      assert.equal(await store.owner({ owner: 'second', from: 'third' }), 'first');
      assert.equal(await store.owner({ owner: 'second', from: 'first' }), 'second');
      assert.equal(await store.owner({ owner: 'second', from: 'first' }), 'second', 'again, as after a restart');
    });

    test('no namespace has it, so no purge of one that is gone takes it away', async (t) => {
      const store = await open(t);
      await store.owner({ owner: 'first' });
      assert.deepEqual(Object.keys((await store.measures()).usage), []);
    });
  });
}
