import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, routeTable } from '../../test/builders/function-entry.ts';
import { eventually } from '../../test/builders/eventually.ts';
import { breakerKey } from '../delivery/breakers.ts';
import { formatOutgoing } from '../delivery/outgoing-destination.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import { openStore } from '../store/open-store.ts';
import { sampleStore } from './sample-store.ts';

test('what a suspended function or an open breaker holds is told apart from what waits for its turn', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const store = opened.connect();
  const namespaceUid = 'ns-a';
  const suspended = functionEntry({ uid: 'u1', name: 'rests', namespaceUid, suspended: true });
  const served = functionEntry({ uid: 'u2', name: 'runs', namespaceUid });
  const subscription = { name: 'hook', namespaceUid, url: 'https://down.test/x' } as Partial<SubscriptionEntry>;
  const table = {
    ...routeTable([suspended, served]),
    subscriptions: new Map([['s1', subscription as SubscriptionEntry]]),
  };
  const append = (destination: string) =>
    store.append([
      {
        event: { id: destination, namespaceUid, type: 't', source: '/', attributes: '{}', body: new Uint8Array(1) },
        deliveries: [{ destination }],
      },
    ]);
  async function sampled(broken: readonly string[]): Promise<{ readonly due: number; readonly held: number }> {
    const values = new Map<string, number>();
    const sample = { set: (name: string, value: number) => void values.set(name, value), histogram: () => undefined };
    await sampleStore(sample, store, table, new Set(broken));
    const of = (name: string): number => values.get(`store_oldest_${name}_seconds`) ?? Number.NaN;
    return { due: of('due'), held: of('held') };
  }
  assert.deepEqual(await sampled([]), { due: 0, held: 0 });
  await append('ns-a/rests/handler:default');
  await eventually('it is held', async () => (await sampled([])).held > 0);
  assert.equal((await sampled([])).due, 0);
  await append(formatOutgoing({ namespaceUid, kind: 'subscription', name: 'hook' }));
  await eventually('it waits for its turn', async () => (await sampled([])).due > 0);
  assert.equal((await sampled([breakerKey(namespaceUid, 'https://down.test/y')])).due, 0, 'its host is down');
  await append('ns-a/runs/handler:default');
  await eventually(
    'it waits, too',
    async () => (await sampled([breakerKey(namespaceUid, 'https://down.test')])).due > 0,
  );
});
