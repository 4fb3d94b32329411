/** What a thread had leased when it ended in a living process: given back at once, by every engine. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { connectStore } from '../../src/store/connect-store.ts';
import { openStore } from '../../src/store/open-store.ts';
import { serveStore } from '../../src/store/serve-store.ts';
import type { AppendItem, Lease, Store } from '../../src/store/store.ts';
import { eventually } from '../builders/eventually.ts';
import { storeEngines } from './store-engines.ts';

const destination = 'ns-a/f/trigger:t';
/** Nothing lapses while a test runs. */
const leaseMs = 3_600_000;

function item(id: string, more: Partial<AppendItem['deliveries'][number]> = {}): AppendItem {
  const event = {
    id,
    namespaceUid: 'ns-a',
    type: 'com.acme.test',
    source: '/',
    attributes: '{}',
    body: Buffer.from(id),
  };
  return { event, deliveries: [{ destination, ...more }] };
}

/** Once something can be leased. */
async function leaseSome(store: Store, max: number): Promise<readonly Lease[]> {
  return await eventually('something comes back', async () => {
    const leases = await store.lease([{ destination, max }], leaseMs);
    return leases.length > 0 && leases;
  });
}

const idsOf = (leases: readonly Lease[]): readonly string[] => leases.map(({ event }) => event.id).toSorted();

/** A connection as a thread has it, and the function that ends that thread. */
type Threads = (t: TestContext) => Promise<{ readonly main: Store; thread(): { store: Store; die(): void } }>;

const threads: Record<string, Threads> = {
  async 'SQLite in its thread'(t) {
    const folder = await mkdtemp(join(tmpdir(), 'moonhook-threads-'));
    const opened = await openStore({ path: join(folder, 'store.db'), onLost: (error) => assert.fail(error) });
    t.after(async () => {
      await opened.close();
      await rm(folder, { recursive: true });
    });
    const thread = () => {
      const port = opened.port();
      return { store: connectStore(port, true), die: () => port.close() };
    };
    return { main: opened.connect(), thread };
  },
};

for (const [name, open] of Object.entries(storeEngines())) {
  threads[`${name}, served by another thread`] = async (t) => {
    const main = await open(t);
    const thread = () => {
      const { port1, port2 } = new MessageChannel();
      serveStore(main, port1);
      return { store: connectStore(port2, true), die: () => port2.close() };
    };
    return { main, thread };
  };

  suite(name, () => {
    test('gives back what a dead holder had, with its attempt and one crash, and nothing else', async (t) => {
      const store = await open(t);
      await store.append([item('e0'), item('e1'), item('e2')]);
      const leases = await store.lease([{ destination, max: 3 }], leaseMs);
      const [first, second, third] = leases.map(({ receipt }) => receipt);
      assert.ok(first && second && third);
      await store.settle([{ receipt: first, ending: { kind: 'done' } }]);
      await store.abandon([first, second, { ...third, epoch: third.epoch + 1 }]);
      const again = await store.lease([{ destination, max: 3 }], leaseMs);
      assert.deepEqual(
        again.map(({ event, attempt, crashes }) => [event.id, attempt, crashes]),
        [['e1', 1, 1]],
      );
      assert.deepEqual(await store.settle([{ receipt: second, ending: { kind: 'done' } }]), ['stale']);
      assert.deepEqual(await store.settle([{ receipt: third, ending: { kind: 'done' } }]), ['ok']);
      assert.equal((await store.counts()).gap, 0);
    });
  });
}

for (const [name, open] of Object.entries(threads)) {
  suite(name, () => {
    test('what a thread had pulled, accepted for itself or kept alive comes back when it ends', async (t) => {
      const { main, thread } = await open(t);
      const dying = thread();
      await main.append([item('pulled'), item('kept alive')]);
      const pulled = await dying.store.lease([{ destination, max: 2 }], leaseMs);
      await dying.store.extend(
        pulled.map(({ receipt }) => receipt),
        leaseMs,
      );
      const [accepted] = await dying.store.append([item('accepted', { leaseMs })]);
      assert.equal(accepted?.leased.length, 1);
      assert.deepEqual(await main.lease([{ destination, max: 9 }], leaseMs), []);
      const woken = new Promise<void>((resolve) => main.wake(resolve));
      dying.die();
      await woken;
      const back = [...(await leaseSome(main, 9))];
      while (back.length < 3) back.push(...(await leaseSome(main, 9)));
      assert.deepEqual(idsOf(back), ['accepted', 'kept alive', 'pulled']);
      for (const { attempt, crashes } of back) assert.deepEqual([attempt, crashes], [1, 1]);
    });

    test('what it had settled or given back does not, and what others hold stays theirs', async (t) => {
      const { main, thread } = await open(t);
      const dying = thread();
      await main.append([item('settled'), item('given back'), item('held')]);
      const leases = await dying.store.lease([{ destination, max: 3 }], leaseMs);
      const [settled, given, held] = leases.map(({ receipt }) => receipt);
      assert.ok(settled && given && held);
      await dying.store.release([given], 0);
      const [other] = await main.lease([{ destination, max: 1 }], leaseMs);
      assert.equal(other?.event.id, 'given back');
      // Said right before it ends: it counts.
      const last = dying.store.settle([{ receipt: settled, ending: { kind: 'done' } }]);
      await last;
      dying.die();
      assert.deepEqual(idsOf(await leaseSome(main, 9)), ['held']);
      assert.deepEqual(await main.settle([{ receipt: other.receipt, ending: { kind: 'done' } }]), ['ok']);
      const { byState } = await main.counts();
      assert.deepEqual([byState.done, byState.leased, byState.waiting], [2, 1, 0]);
    });
  });
}
