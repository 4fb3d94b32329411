/** The console of a cluster, in a real browser: it sees and does what the user of its kubeconfig may, through the real API server. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openClusterDesk } from '../../src/cli/ask-cluster.ts';
import { openClusterConsole } from '../../src/cli/cluster-console.ts';
import { connectCluster } from '../../src/cli/cluster-run-client.ts';
import { openPage } from '../browser/start-console.ts';
import type { PastEventAnswer } from '../../src/console/console-source.ts';
import { runCli, startCli } from '../builders/run-cli.ts';
import { eventually } from '../builders/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { runInstallation } from '../kube/run-installation.ts';
import { useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ apiServerFlags: proxy.flags });

const orders = webhookFunction('orders', {
  code: `return function(event)
  log.info("took", { item = event.data.item })
  if event.data.item == "tea" then error("no stock of tea") end
end`,
  retry: { schedule: ['1ms'] },
  triggers: [{ ...openTrigger('orders'), http: { path: 'orders', mode: 'async', receiver: { open: {} } } }],
});

async function start(own: TestCluster) {
  const installation = await runInstallation(own, ['team-a', 'team-b']);
  await apply(own.client, functionPath('team-a', 'orders'), orders);
  const roles = ['moonhook-view', 'moonhook-edit', 'moonhook-admin'];
  const kubeconfig = await installation.userWith('ada', { 'team-a': roles });
  const post = (item: string): Promise<Response> =>
    fetch(`${installation.runtime.publicUrl}/team-a/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ item }),
    });
  await eventually('an order is taken', async () => (await post('tea')).status === 202);
  return { ...own, ...installation, kubeconfig, post };
}

const started = cluster === undefined ? undefined : await start(cluster);

test('functions are edited over what they were read as, and dead letters run again', { skip }, async (t) => {
  assert.ok(started);
  const { kubeconfig, client: admin, post } = started;
  const client = connectCluster({ kubeconfig });
  const desk = openClusterDesk({ kubeconfig });
  assert.ok(client.ok && desk.ok);
  const console = await openClusterConsole({
    client: client.value,
    desk: desk.value,
    scope: 'team-a',
    port: 0,
    token: randomBytes(32).toString('base64url'),
    now: () => Date.now(),
    onDefect: (message) => assert.fail(message),
  });
  t.after(() => console.close());
  const page = await openPage(t, console.url);
  await page.getByRole('button', { name: 'team-a/orders' }).click();
  const editor = page.getByRole('textbox', { name: 'Lua' });
  const retype = async (code: string): Promise<void> => {
    await editor.click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(code);
  };
  await retype('return function(event)\n  kv.sett("last", 1)\nend\n');
  await page.getByRole('region', { name: 'Problems' }).getByText(/sett/).first().waitFor();
  // Somebody else is faster: nothing is overwritten before the difference was seen.
  const faster = { ...orders, metadata: { name: 'orders', annotations: { 'example.com/by': 'kubectl' } } };
  await apply(admin, functionPath('team-a', 'orders'), faster);
  await retype('return function(event)\n  kv.set("last", event.data.item)\nend\n');
  await page.getByText('No errors').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Nothing was written').waitFor();
  await page.getByRole('button', { name: /Keep mine/ }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  // It belongs to whoever applied it: taken over only by choice.
  const owned = page.getByRole('alertdialog', { name: 'Fields of others' });
  await owned.getByText('.spec.code belongs to test').waitFor();
  await owned.getByLabel('Difference of .spec.code').getByText('no stock of tea').waitFor();
  await owned.getByRole('button', { name: 'Leave it to them' }).and(page.locator(':focus')).waitFor();
  await owned.getByRole('button', { name: 'Take over and save' }).click();
  await page.getByText('Saved').first().waitFor();
  await page.locator('button:disabled', { hasText: 'Save' }).waitFor();
  // The tea of before runs on the new code.
  await page.getByRole('navigation').getByRole('link', { name: 'Dead letters' }).click();
  await page.getByRole('row').nth(1).getByRole('button').click();
  const story = page.getByRole('complementary', { name: 'Story' });
  await story.getByText('no stock of tea').first().waitFor();
  await eventually('the new code serves', async () => {
    await post('milk');
    const keys = await client.value.readKeys('team-a', { function: 'orders' }, { key: 'last' });
    return keys.ok && keys.value['value'] === 'milk';
  });
  await story.getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay 1 delivery' }).click();
  await eventually('the tea has run', async () => {
    const keys = await client.value.readKeys('team-a', { function: 'orders' }, { key: 'last' });
    return keys.ok && keys.value['value'] === 'tea';
  });
  // From a starting point to a function that answers, through the API server.
  await page.getByRole('link', { name: 'New', exact: true }).click();
  await page.getByRole('searchbox', { name: 'Find a starting point' }).fill('anyone');
  await page.keyboard.press('Enter');
  assert.equal(await page.getByLabel('Namespace').inputValue(), 'team-a');
  await page.getByLabel('Name', { exact: true }).fill('orders');
  await page.getByRole('button', { name: 'Create orders' }).click();
  await page.getByText('there is a function team-a/orders already').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('hello');
  await page.getByRole('button', { name: 'Create hello' }).click();
  await page.getByRole('region', { name: 'Next steps' }).getByText('/team-a/hello').waitFor();
  await eventually('the new function answers', async () => {
    const answer = await fetch(`${started.runtime.publicUrl}/team-a/hello`, { method: 'POST' });
    return answer.status === 200;
  });
  // What the user may not is said in the API server's words, and nothing is made.
  await page.getByRole('link', { name: 'New', exact: true }).click();
  await page.getByRole('button', { name: 'GitHub', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('pushes');
  await page.getByRole('button', { name: 'Create pushes' }).click();
  await page.getByText(/Secret team-a\/pushes was not made.*cannot create resource "secrets"/).waitFor();
  // What is not there is said.
  await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click();
  await page.getByText('Figures of this run are in Prometheus').waitFor();
  await page.getByRole('row').filter({ hasText: 'team-a/orders' }).getByText('http', { exact: true }).waitFor();
  await page.getByRole('navigation').getByRole('link', { name: 'Routes' }).click();
  await page.getByLabel('Path or URL').fill('/team-a/order');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByLabel('Explanation').getByText('did you mean "orders"').waitFor();
});

test('real events are for whoever may see what senders sent, and for nobody else', { skip }, async (t) => {
  assert.ok(started);
  const { kubeconfig, userWith, post } = started;
  const viewer = await userWith('eve', { 'team-a': ['moonhook-view', 'moonhook-edit'] });
  const open = async (own: string) => {
    const [client, desk] = [connectCluster({ kubeconfig: own }), openClusterDesk({ kubeconfig: own })];
    assert.ok(client.ok && desk.ok);
    const options = { client: client.value, desk: desk.value, scope: 'team-a', port: 0, now: () => Date.now() };
    const onDefect = (message: string): void => assert.fail(message);
    const token = randomBytes(32).toString('base64url');
    const opened = await openClusterConsole({ ...options, token, onDefect });
    t.after(() => opened.close());
    return async (namespace: string, name: string, body: object = {}): Promise<PastEventAnswer> => {
      const answer = await fetch(`${opened.place}/api/functions/${namespace}/${name}/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return (await answer.json()) as PastEventAnswer;
    };
  };
  const [ask, askAsViewer] = [await open(kubeconfig), await open(viewer)];
  assert.equal((await post('sugar')).status, 202);
  const found = await eventually('the order is among the events', async () => {
    const answer = await ask('team-a', 'orders');
    return answer.kind === 'events' ? answer.events.find(({ body }) => body.includes('sugar')) : undefined;
  });
  assert.equal(found.trigger, 'web');
  assert.equal(found.target, '/team-a/orders');
  for (const body of [{}, { catching: true }]) {
    const refused = await askAsViewer('team-a', 'orders', body);
    assert.ok(refused.kind === 'refused');
    assert.match(refused.message, /functions\/records/);
    assert.equal((await ask('team-b', 'orders', body)).kind, 'refused');
  }
  // Answered at once: kept while it is asked for, by whichever runtime answered.
  const hello = webhookFunction('greets', {
    code: 'return function(event) return "hi" end',
    triggers: [{ ...openTrigger('greets'), http: { path: 'greets', receiver: { open: {} } } }],
  });
  await apply(started.client, functionPath('team-a', 'greets'), hello);
  const greet = (body: string): Promise<Response> =>
    fetch(`${started.runtime.publicUrl}/team-a/greets`, {
      method: 'POST',
      body,
      headers: { authorization: 'Bearer of-somebody', 'content-type': 'application/json' },
    });
  await eventually('it answers', async () => (await greet('"before"')).status === 200);
  await eventually('it is caught from now on', async () => {
    const answer = await ask('team-a', 'greets', { catching: true });
    return answer.kind === 'events' && answer.catching;
  });
  assert.equal((await greet('"now"')).status, 200);
  const caught = await eventually('the request is shown', async () => {
    const answer = await ask('team-a', 'greets', { catching: true });
    return answer.kind === 'events' && answer.events.length > 0 ? answer.events : undefined;
  });
  assert.deepEqual(
    caught.map(({ body }) => body),
    ['"now"'],
  );
  assert.doesNotMatch(JSON.stringify(caught), /of-somebody/);
  const ended = await ask('team-a', 'greets', { catching: false });
  assert.ok(ended.kind === 'events' && ended.events.length === 0);
});

test('the command says who may not, and serves until it is stopped', { skip }, async (t) => {
  assert.ok(started);
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-console-'));
  after(() => rmSync(folder, { recursive: true }));
  const env = { KUBECONFIG: started.kubeconfig };
  const refusal = await runCli(['console', '-n', 'team-b', '--no-open'], { cwd: folder, env });
  assert.equal(refusal.exitCode, 1);
  assert.match(refusal.stderr, /cannot list resource "functions".*"team-b"/);
  // Control: what the user may, is shown.
  const served = startCli(['console', '-n', 'team-a', '--no-open'], { cwd: folder, env });
  t.after(() => served.stop('SIGKILL'));
  const url = new URL(/http:\S+/.exec(await served.output(/http:\S+#token=\S+\n/))?.[0] ?? '');
  const ask = (headers: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(`${url.origin}/api/functions`, { headers });
  assert.equal((await ask({})).status, 401);
  const listed = await ask({ authorization: `Bearer ${url.hash.slice('#token='.length)}` });
  assert.match(await listed.text(), /"orders"/);
  assert.equal(await served.stop('SIGINT'), 0);
});
