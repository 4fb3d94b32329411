import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/open-store.ts';
import { bury, createTombstones } from './tombstones.ts';

test('the store is asked once for all handlers of a function, and for each trigger, which may be gone alone', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const asked: string[] = [];
  const looks: Promise<unknown>[] = [];
  const counting = {
    ...store,
    get: (...[scope, key]: Parameters<typeof store.get>) => {
      asked.push(`${scope.namespaceUid} ${key}`);
      const answer = store.get(scope, key);
      looks.push(answer);
      return answer;
    },
  };
  await bury(store, 'ns-a', 'f', 1_000);
  await bury(store, 'ns-a', 'g/web', 1_000);
  const tombstones = createTombstones(
    counting,
    60_000,
    () => 100_000,
    (error) => assert.fail(String(error)),
  );
  const handlers = Array.from({ length: 500 }, (_, index) => `ns-a/f/handler:h${index}`);
  for (const destination of handlers)
    assert.equal(tombstones.isGone(destination), false, 'looked up for the next time');
  assert.deepEqual(asked, ['ns-a f']);
  const others = ['ns-a/g/trigger:web', 'ns-a/g/trigger:night', 'ns-b/f/handler:h1', 'ns-a/-/subscription:f'];
  for (const destination of others) tombstones.isGone(destination);
  assert.equal(asked.length, 1 + 2 + 2 + 1 + 1);
  await Promise.all(looks);
  await store.ping();
  assert.ok(handlers.every((destination) => tombstones.isGone(destination)));
  assert.deepEqual(
    others.map((destination) => tombstones.isGone(destination)),
    [true, false, false, false],
  );
});
