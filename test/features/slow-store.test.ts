/** A store that answers late: senders get 503 before memory fills, never a 202 that is not kept, and synchronous calls go on. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { runtimeDefaults, type RuntimeSettings } from '../../src/settings/runtime-settings.ts';
import { openStore } from '../../src/store/open-store.ts';
import { serveStore } from '../../src/store/serve-store.ts';
import type { Store } from '../../src/store/store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const code = 'return { keep = function() end, ask = function() return "here" end }';
const triggers = [
  { name: 'keep', http: { path: 'keep', mode: 'async', receiver: open } },
  { name: 'ask', http: { path: 'ask', receiver: open } },
] as const;

async function start(t: TestContext, bounds: Partial<RuntimeSettings['asynchronous']>) {
  const inner = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  const connection = inner.connect();
  /** What appends wait for while it is set. */
  const disk: { stuck: Promise<void> | undefined; appends: number } = { stuck: undefined, appends: 0 };
  const slow: Store = {
    ...connection,
    async append(items) {
      disk.appends += 1;
      await disk.stuck;
      return await connection.append(items);
    },
  };
  const store = {
    ...inner,
    connect: () => slow,
    port() {
      const { port1, port2 } = new MessageChannel();
      serveStore(slow, port1);
      return port2;
    },
  };
  const asynchronous = { ...runtimeDefaults.asynchronous, unansweredMs: 60_000, ...bounds };
  const served = await serveFunctions({
    store,
    settings: { asynchronous },
    functions: [{ name: 'f', code, triggers: [...triggers] }],
  });
  t.after(async () => {
    await served.close();
    await inner.close();
  });
  return {
    disk,
    served,
    send: (bytes = 10): Promise<Response> =>
      fetch(`${served.url}/default/keep`, { method: 'POST', body: 'x'.repeat(bytes) }),
    until: async (appends: number): Promise<void> => {
      while (disk.appends < appends) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

async function refused(response: Response): Promise<void> {
  assert.equal(response.status, 503);
  assert.equal(response.headers.get('retry-after'), '5');
  assert.match(await response.text(), /"code":"StoreUnavailable"/);
}

test('an event that waits for too long lets no further one wait; when it is kept, all goes on', async (t) => {
  const { disk, served, send, until } = await start(t, { unansweredMs: 100 });
  assert.equal((await send()).status, 202);
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.stuck = promise;
  const first = send();
  await until(2);
  // As long as the first is young, others wait with it.
  let more = 2;
  const waiting: Promise<Response>[] = [];
  for (let answer: Response | undefined; answer?.status !== 503;) {
    const next = send();
    answer = await Promise.race([next, until(more + 1).then(() => undefined)]);
    if (answer === undefined) {
      waiting.push(next);
      more += 1;
    } else await refused(answer);
  }
  assert.equal(disk.appends, more, 'what was refused was not handed to the store');
  const asked = await fetch(`${served.url}/default/ask`);
  assert.deepEqual([asked.status, await asked.text()], [200, 'here']);
  resolve();
  disk.stuck = undefined;
  for (const answer of await Promise.all([first, ...waiting])) assert.equal(answer.status, 202);
  assert.equal((await send()).status, 202);
});

test('bytes that wait for the store are bounded, however young they are', async (t) => {
  const { disk, send, until } = await start(t, { unansweredBytes: 64 * 1024 });
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.stuck = promise;
  const large = [send(30_000)];
  await until(1);
  large.push(send(30_000));
  await until(2);
  await refused(await send(30_000));
  resolve();
  disk.stuck = undefined;
  for (const answer of await Promise.all(large)) assert.equal(answer.status, 202);
});

test('the control: without these bounds they wait, and nobody is told', async (t) => {
  const { disk, send, until } = await start(t, { unansweredBytes: Infinity, unansweredMs: Infinity });
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.stuck = promise;
  const sent = Array.from({ length: 20 }, () => send(30_000));
  await until(20);
  resolve();
  disk.stuck = undefined;
  for (const answer of await Promise.all(sent)) assert.equal(answer.status, 202);
});
