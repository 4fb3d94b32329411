import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import { suite, test, type TestContext } from 'node:test';
import { connectStore } from '../store/connect-store.ts';
import type { AppendItem } from '../store/store.ts';
import { appendEager } from './append-eager.ts';
import { PendingAppends, StoreBehind } from './pending-appends.ts';
import type { WorkerParts } from './worker-parts.ts';

const item: AppendItem = {
  event: { id: 'e1', namespaceUid: 'ns-a', type: 't', source: '/', attributes: '{}', body: Buffer.from('{}') },
  deliveries: [{ destination: 'ns-a/f/trigger:t' }],
};

/** A connection that was closed: everything asked of it fails at once, before the call has returned. */
async function closed(t: TestContext, reserve: WorkerParts['reserve']) {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port2.close());
  const store = connectStore(port1, true);
  const gone = new Promise<void>((resolve) => void port1.once('close', () => resolve()));
  await store.close();
  await gone;
  // Room for one event only: another is refused until it has ended.
  const pending = new PendingAppends({ unansweredBytes: 600, unansweredMs: 60_000 }, () => 0);
  const parts = { store, pending, reserve, settings: { asynchronous: { leaseMs: 1_000 } } } as unknown as WorkerParts;
  return { parts, pending };
}

suite('an append that fails at once', () => {
  test('is told once, also where who is told throws, and holds neither a place nor room', async (t) => {
    const given: unknown[] = [];
    const { parts, pending } = await closed(t, () => (lease) => void given.push(lease));
    const told: string[] = [];
    const failed = (error: Error): void => {
      told.push(error.message);
      throw new Error('from who was told');
    };
    assert.throws(() => appendEager([item], parts, () => assert.fail('it is not kept'), failed), /from who was told/);
    assert.deepEqual(told, ['the store has been closed']);
    assert.deepEqual(given, [undefined]);
    const begun = pending.begin([item]);
    assert.throws(() => pending.begin([item]), StoreBehind, 'control: one event is all that fits');
    pending.end(begun);
  });

  test('throws where no place could be asked for, and holds no room', async (t) => {
    const { parts, pending } = await closed(t, () => {
      throw new Error('no places');
    });
    const never = (): void => assert.fail('it was thrown');
    assert.throws(() => appendEager([item], parts, never, never), /no places/);
    pending.end(pending.begin([item]));
  });
});
