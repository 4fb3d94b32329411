/** What a process had leased when it died: given back, tried in small company, and alone in the end; innocents live. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import { crashLimit, type AppendItem, type Lease, type NewDelivery, type Store } from '../../src/store/store.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function item(id: string, deliveries: readonly NewDelivery[], more: Partial<AppendItem> = {}): AppendItem {
  const event = { id, namespaceUid: 'ns-a', type: 'com.acme.test', source: '/test', attributes: '{}', body: text(id) };
  return { event, deliveries, ...more };
}

/** Leases until the row that kills its process has been leased, or nothing can be; then the process is gone. */
async function liveAndDie(path: string, poison: string): Promise<{ readonly done: string[]; readonly ended: Lease[] }> {
  const opened = await openStore({ path, onLost: (error) => assert.fail(error) });
  const store: Store = opened.connect();
  const done: string[] = [];
  const ended: Lease[] = [];
  try {
    for (;;) {
      const leases = await store.lease([{ destination: 'ns-a/f/trigger:t', max: 8 }], 60_000);
      const lost = leases.filter(({ crashes }) => crashes >= crashLimit);
      for (const lease of lost) {
        ended.push(lease);
        await store.settle([{ receipt: lease.receipt, ending: { kind: 'dead', reason: 'RuntimeLost', error: '' } }]);
      }
      const alive = leases.filter(({ crashes }) => crashes < crashLimit);
      if (leases.length === 0) return { done, ended };
      if (alive.some(({ event }) => event.id === poison)) {
        if (alive.some(({ crashes }) => crashes === crashLimit - 1)) assert.equal(leases.length, 1, 'it runs alone');
        return { done, ended };
      }
      for (const { receipt, event } of alive) {
        await store.settle([{ receipt, ending: { kind: 'done' } }]);
        done.push(event.id);
      }
    }
  } finally {
    await opened.close();
  }
}

test('a row that kills its process dies after three deaths, its neighbours are all done', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-crash-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const first = await openStore({ path, onLost: (error) => assert.fail(error) });
  const ids = Array.from({ length: 30 }, (_, index) => `e${index}`);
  await first.connect().append(ids.map((id) => item(id, [{ destination: 'ns-a/f/trigger:t' }])));
  await first.close();
  const done: string[] = [];
  const ended: Lease[] = [];
  const until = Date.now() + 30_000;
  while (done.length + ended.length < ids.length && Date.now() < until) {
    const life = await liveAndDie(path, 'e3');
    done.push(...life.done);
    ended.push(...life.ended);
  }
  assert.deepEqual(
    ended.map(({ event, crashes }) => [event.id, crashes]),
    [['e3', crashLimit]],
  );
  assert.deepEqual(done.toSorted(), ids.filter((id) => id !== 'e3').toSorted());
});

test('deaths from outside, however many in a row, bring no row to the limit that had company', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-crash-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  for (let life = 0; life < 6; life += 1) {
    const opened = await openStore({ path, onLost: (error) => assert.fail(error) });
    const store = opened.connect();
    if (life === 0) {
      await store.append(['e1', 'e2'].map((id) => item(id, [{ destination: 'ns-a/f/trigger:t' }])));
    }
    const leases = await store.lease([{ destination: 'ns-a/f/trigger:t', max: 8 }], 60_000);
    assert.ok(leases.every(({ crashes, attempt }) => crashes < crashLimit && attempt === 1));
    await opened.close();
  }
  const opened = await openStore({ path, onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  const rows = await opened.connect().read({ namespaceUid: 'ns-a' }, { limit: 10 });
  assert.deepEqual(
    rows.map(({ state, crashes }) => [state, crashes]),
    [
      ['waiting', crashLimit - 1],
      ['waiting', crashLimit - 1],
    ],
  );
});
