/** Breakers of outgoing webhooks: all workers know them, and the next process does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { openStore } from '../../src/store/open-store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';
import { answer, startReceiver } from '../builders/webhook-receiver.ts';

const { egress } = localPolicy('http://127.0.0.1:1', ['127.0.0.1']);
const secretRefs = [{ name: 'signing', key: 'first' }];
const secrets = { 'signing/first': 'a secret that is long enough' };

test('a host that fails is left alone by all workers, after a restart, too; others go on', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const other = await startReceiver();
  t.after(() => other.close());
  receiver.on('/down', answer(503));
  const store = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  t.after(() => store.close());
  const subscription = (name: string, url: string) => ({
    name,
    url,
    events: [`com.${name}`],
    secretRefs,
    concurrency: 1,
    retry: { schedule: ['1h'] },
  });
  const subscriptions = [subscription('down', `${receiver.url}/down`), subscription('fine', `${other.url}/fine`)];
  const functions = [
    {
      name: 'shop',
      code: `return { call = function(event) for _ = 1, event.data.times do assert(events.publish(event.data.type, {})) end end }`,
    },
  ];
  const options = { functions, subscriptions, secrets, policy: { egress }, store, settings: { workers: 2 } };
  const publish = async (served: typeof first, type: string, times: number): Promise<void> => {
    const response = await served.call('/function/default/shop', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type, times }),
    });
    assert.equal(response.status, 204);
  };
  const first = await serveFunctions(options);
  try {
    await publish(first, 'com.down', 40);
    while ((await first.metric('breakers{state="open"}')) < 1);
    await publish(first, 'com.fine', 5);
    await other.count('/fine', 5);
    // Settled, too: what is leased when a process ends keeps its place until the lease lapses.
    while ((await first.metric('deliveries{state="done"}')) < 5);
    // Ten failures in a row, over both workers; one more may have been on its way.
    const tried = receiver.received.length;
    assert.ok(tried >= 10 && tried <= 13, String(tried));
    const [breaker, ...more] = await first.runtime.openBreakers();
    assert.deepEqual([breaker?.kind, more.length], ['open', 0]);
  } finally {
    await first.close();
  }
  const before = receiver.received.length;
  const second = await serveFunctions(options);
  try {
    await publish(second, 'com.fine', 5);
    await other.count('/fine', 10);
    while ((await second.metric('breakers{state="open"}')) < 1);
    assert.equal(receiver.received.length, before, 'nothing was sent to find out');
    // None was given up: what was looked at has been given back.
    while ((await second.metric('deliveries{state="waiting"}')) < 40);
    assert.equal(receiver.received.length, before);
  } finally {
    await second.close();
  }
});
