/**
 * A call that ends the thread it runs in, among innocent ones, while the process lives on: what its neighbours had begun
 * runs again at once and is done, the call itself ends with the reason.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runtimeDefaults, type InjectedFault } from '../../src/settings/runtime-settings.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { DeliveryRow, Store } from '../../src/store/store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';
import { workItem } from './work-item.ts';

const innocents = 16;
const on = { name: 'on', event: { type: 'com.work' } };

/** Rows as they stand once `enough` says so. */
async function rowsWhen(
  store: Store,
  enough: (rows: readonly DeliveryRow[]) => boolean,
): Promise<readonly DeliveryRow[]> {
  const until = performance.now() + 120_000;
  for (;;) {
    const rows = await store.read({ namespaceUid: 'ns-default' }, { limit: 1000 });
    if (enough(rows)) return rows;
    assert.ok(
      performance.now() < until,
      `it does not end: ${JSON.stringify(rows.filter(({ state }) => state !== 'done'))}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

for (const [how, fault, reason] of [
  ['ends its thread', { crashFunction: 'default/poison' }, 'crashed'],
  ['holds its thread until it is ended', { stuckFunction: 'default/poison' }, 'silent'],
] as const satisfies readonly (readonly [string, InjectedFault, string])[]) {
  test(`an event that ${how} takes none of the sixteen around it along: they are done long before a lease ends`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'moonhook-thread-'));
    const store = await openStore({ path: join(folder, 'store.db'), onLost: (error) => assert.fail(error) });
    const connection = store.connect();
    const items = Array.from({ length: innocents }, (_, index) => workItem(`innocent-${index}`, 'innocent'));
    // In the middle of them, so that many run when it strikes.
    items.splice(innocents / 2, 0, workItem('poison', 'poison'));
    await connection.append(items);
    const served = await serveFunctions({
      store,
      settings: {
        workers: 2,
        fault,
        // The function may run again as soon as its thread is replaced.
        watchdog: { ...runtimeDefaults.watchdog, quarantineMs: 1 },
        asynchronous: { ...runtimeDefaults.asynchronous, leaseMs: 3_600_000 },
      },
      functions: [
        {
          name: 'innocent',
          code: 'return function(event) sleep(0.1) kv.incr("runs/" .. event.data.id) end',
          triggers: [on],
        },
        { name: 'poison', code: 'return function() end', triggers: [on] },
      ],
    });
    t.after(async () => {
      await served.close();
      await store.close();
      await rm(folder, { recursive: true });
    });
    const deaths = `worker_replacements_total{reason="${reason}"}`;
    const isInnocent = ({ destination }: DeliveryRow): boolean => destination.includes('/innocent/');
    while ((await served.metric(deaths)) < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const began = performance.now();
    await rowsWhen(
      connection,
      (all) => all.filter((row) => isInnocent(row) && row.state === 'done').length >= innocents,
    );
    t.diagnostic(`innocents done ${Math.round(performance.now() - began)} ms after the first death was seen`);
    for (const each of items.filter(({ event }) => event.id !== 'poison')) {
      const kept = await connection.get({ namespaceUid: 'ns-default', space: 'innocent' }, `runs/${each.event.id}`);
      assert.equal(kept === undefined ? undefined : Buffer.from(kept.value).toString(), '1', each.event.id);
    }
    if (reason === 'silent') return;
    const rows = await rowsWhen(connection, (all) => all.every(({ state }) => state === 'done' || state === 'dead'));
    const died = await served.metric(deaths);
    t.diagnostic(`${died} threads died`);
    assert.deepEqual(
      rows.filter(({ state }) => state === 'dead').map(({ eventId, reason: why }) => [eventId, why]),
      [['poison', 'RuntimeLost']],
    );
    // Two in company, two alone in the middle of its Lua.
    assert.ok(died >= 2 && died <= 4, `${died} threads died`);
  });
}
