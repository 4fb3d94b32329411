/** Subscriptions in a folder: mistakes at their lines, standing, pings, and events of a function in the same folder. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { eventually } from '../builders/eventually.ts';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';
import { answer, startReceiver, type WebhookReceiver } from '../builders/webhook-receiver.ts';

const secret = `whsec_${Buffer.from('a secret of a file in a folder').toString('base64')}`;

const secretFile = (url: string): string => `
apiVersion: v1
kind: Secret
metadata: { name: target, namespace: team-a, labels: { moonhook.dev/functions: "true" } }
stringData: { url: "${url}/hidden-path", secret: "${secret}" }
`;
const subscription = (filter: string): string => `
apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: orders, namespace: team-a }
spec:
  urlFrom: { secretKeyRef: { name: target, key: url } }
  events: ["com.acme.*"]
  secretRefs: [{ name: target, key: secret }]
  filter: |
    local data = event.data
    return ${filter}
`;
const shop = `
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: shop, namespace: team-a }
spec:
  code: |
    return function(event) assert(events.publish("com.acme.order", { total = 42 })) end
  triggers:
    - { name: order, http: { path: order, receiver: { open: {} } } }
`;

async function start(t: TestContext, filter: string): Promise<{ local: LocalFixture; receiver: WebhookReceiver }> {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const local = await startLocal(t, {
    files: { 'secret.yaml': secretFile(receiver.url), 'orders.yaml': subscription(filter), 'shop.yaml': shop },
    options: { egressAllow: ['127.0.0.1'] },
  });
  return { local, receiver };
}

async function ask(local: LocalFixture, path: string, method = 'GET'): Promise<Record<string, unknown>> {
  const response = await fetch(`${local.run.addresses.admin}/-/api${path}`, {
    method,
    headers: { authorization: `Bearer ${local.token}` },
  });
  return { status: response.status, ...((await response.json()) as object) };
}

test('a function and a subscription in one folder: the request reaches the receiver as a signed webhook', async (t) => {
  const { local, receiver } = await start(t, 'data.total > 10');
  await local.line(/^whs\/team-a\/orders: live in/);
  assert.equal((await local.fetch('/team-a/order', { method: 'POST' })).status, 204);
  const [received] = await receiver.count('/hidden-path', 1);
  assert.ok(received);
  const payload = new Webhook(secret).verify(received.body, received.headers as Record<string, string>);
  assert.deepEqual((payload as { data: unknown }).data, { total: 42 });

  const { subscriptions } = (await ask(local, '/subscriptions')) as {
    subscriptions: readonly Record<string, unknown>[];
  };
  const [listed] = subscriptions;
  assert.deepEqual([listed?.name, listed?.ready, listed?.url, listed?.breaker], ['orders', 'True', '***', 'Closed']);
  const described = JSON.stringify(await ask(local, '/subscriptions/team-a/orders'));
  assert.match(described, /"retry":\{"schedule":\["5s","5m"/);
  const { functions } = (await ask(local, '/functions')) as { functions: readonly unknown[] };
  assert.equal(functions.length, 1);
  const everything = JSON.stringify([
    described,
    local.lines,
    local.logged,
    await ask(local, '/table'),
    await ask(local, '/calls'),
  ]);
  for (const hidden of ['hidden-path', secret]) assert.ok(!everything.includes(hidden), hidden);
});

test('a ping passes the filter, is tried once, and tells what the receiver answered', async (t) => {
  const { local, receiver } = await start(t, 'false');
  const good = await ask(local, '/subscriptions/team-a/orders/ping', 'POST');
  assert.equal(good.ok, true);
  receiver.on('/hidden-path', answer(503, {}, 'closed for the day'));
  const bad = await ask(local, '/subscriptions/team-a/orders/ping', 'POST');
  assert.equal(bad.ok, false);
  assert.match(String(bad.lines), /the receiver answered 503.*closed for the day/s);
  assert.equal(receiver.received.length, 2);
  const { call } = bad as { readonly call?: { readonly outcome?: string; readonly detail?: string } };
  assert.equal(call?.outcome, 'error');
  // It is told at once, and kept as a call: it is no dead letter, and no replay sends it again.
  const states = async (): Promise<readonly string[]> => {
    const { items } = await ask(local, '/deliveries?subscription=orders&namespace=team-a');
    return (items as readonly { readonly state: string }[]).map(({ state }) => state);
  };
  while ((await states()).includes('leased')) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await states(), ['done', 'done']);
  const unknown = await ask(local, '/subscriptions/team-a/none/ping', 'POST');
  assert.deepEqual([unknown.status, unknown.detail], [404, 'there is no subscription team-a/none']);
});

test('the webhook-id that a receiver was sent finds the event, whoever chose its id', async (t) => {
  const { local, receiver } = await start(t, 'true');
  await local.line(/^whs\/team-a\/orders: live in/);
  const published = await fetch(`${local.run.addresses.calls}/events/team-a`, {
    method: 'POST',
    headers: { authorization: `Bearer ${local.token}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ type: 'com.acme.order', source: '/till', id: 'order 7' }),
  });
  assert.equal(published.status, 202);
  const [received] = await receiver.count('/hidden-path', 1);
  const id = String(received?.headers['webhook-id']);
  assert.match(id, /^evt_/);
  const story = await eventually('its story', async () => {
    const { lines } = await ask(local, `/explain?id=${id}`);
    const told = lines === undefined ? '' : (lines as readonly string[]).join('\n');
    return /^delivery .*: done$/m.test(told) ? told : undefined;
  });
  assert.match(story, new RegExp(`webhook to .*, attempt 1, webhook-id ${id}\n`));
  assert.match(story, /publish: com\.acme\.order from \/till goes to 1 destination/);
  assert.match(story, /event com\.acme\.order, id order 7/);
  assert.match(story, /delivery dlv-\d+ to whs\/team-a\/orders: done/);
  const named = (await ask(local, '/explain?id=order%207&namespace=team-a')).lines as readonly string[];
  assert.equal(named.join('\n'), story, 'as the answer to its publisher says');
  assert.equal((await ask(local, '/explain?id=order%207&namespace=team-b')).status, 404);
  const { calls } = await ask(local, '/calls?namespace=team-a&outcome=accepted');
  const [taken, ...more] = calls as readonly { readonly request?: { readonly target: string } }[];
  assert.deepEqual([taken?.request?.target, more], ['/events/team-a', []], 'whose bus it was, the record says');
});

test('mistakes stand at their lines: of a field, of the Lua, of a value in a Secret', async (t) => {
  const { local } = await start(t, 'data.total > > 10');
  assert.match(await local.line(/orders\.yaml/), /^orders\.yaml:11:5: error: spec\.filter: unexpected symbol near '>'/);
  assert.match(await local.line(/^whs\/team-a\/orders/), /does not serve \(LuaSyntax\)/);
  let seen = local.lines.length;
  local.write('orders.yaml', subscription('true').replace('events:', 'evnts:'));
  assert.match(
    await local.line(/evnts/, seen),
    /^orders\.yaml:7:3: error: .*unknown field "evnts" \(did you mean "events"\?\)/,
  );
  seen = local.lines.length;
  local.write('orders.yaml', subscription('true'));
  await local.line(/^whs\/team-a\/orders: live in/, seen);
  seen = local.lines.length;
  local.write('secret.yaml', secretFile('file:///etc'));
  assert.match(
    await local.line(/orders\.yaml/, seen),
    /^orders\.yaml:6:14: error: .*the value of the Secret cannot be used/,
  );
});
