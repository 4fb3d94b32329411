/** The verbs of `moonhook` against a cluster: the same words as for a local run, with the rights of the kubeconfig. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { runCli, startCli, type CliResult } from '../builders/run-cli.ts';
import { eventually } from '../kube/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { runInstallation } from '../kube/run-installation.ts';
import { useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ apiServerFlags: proxy.flags });

const orders = webhookFunction('orders', {
  code: `return {
    default = function(event)
      log.info("took", { item = event.data.item })
      kv.set("last", event.data.item)
      if event.data.item == "tea" then error("no stock of tea") end
      return { status = 201, json = { took = event.data.item } }
    end,
  }`,
  retry: { schedule: ['1ms'] },
  triggers: [{ ...openTrigger('orders'), http: { path: 'orders', mode: 'async', receiver: { open: {} } } }],
});
const subscription = {
  apiVersion: 'moonhook.dev/v1alpha1',
  kind: 'WebhookSubscription',
  metadata: { name: 'shop' },
  spec: { url: 'https://shop.example.com/hook', events: ['shop.order'], secretRefs: [{ name: 'keys', key: 'key' }] },
};

async function start(own: TestCluster) {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-cli-'));
  after(() => rmSync(folder, { recursive: true }));
  const installation = await runInstallation(own, ['team-a', 'team-b']);
  const { client } = own;
  await apply(client, '/api/v1/namespaces/team-a/secrets/keys', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys', labels: { 'moonhook.dev/functions': 'true' } },
    stringData: { key: 'c2lnbmluZy1rZXktMDEyMzQ1Njc4OWFiY2RlZg==' },
  });
  await apply(client, functionPath('team-a', 'orders'), orders);
  await apply(client, '/apis/moonhook.dev/v1alpha1/namespaces/team-a/webhooksubscriptions/shop', subscription);
  const roles = ['moonhook-view', 'moonhook-edit', 'moonhook-admin'];
  const kubeconfig = await installation.userWith('ada', { 'team-a': roles });
  await eventually('an order is taken', async () => {
    const response = await fetch(`${installation.runtime.publicUrl}/team-a/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"item":"tea"}',
    });
    await response.text();
    return response.status === 202;
  });
  const env = { KUBECONFIG: kubeconfig };
  const cli = (...words: readonly string[]): Promise<CliResult> => runCli(words, { cwd: folder, env });
  await eventually('the order is a dead letter', async () => {
    return (await cli('deliveries', '--dead', '-n', 'team-a', '-o', 'name')).stdout.includes('dlv-');
  });
  return { ...own, ...installation, folder, env, cli, kubeconfig };
}

const started = cluster === undefined ? undefined : await start(cluster);

/** Its standard output; the command has to end as wanted. */
async function said(words: readonly string[], exitCode = 0): Promise<string> {
  assert.ok(started);
  const result = await started.cli(...words);
  assert.equal(result.exitCode, exitCode, `${words.join(' ')}\n${result.stdout}\n${result.stderr}`);
  return exitCode === 0 ? result.stdout : result.stderr;
}

const json = async (...words: readonly string[]): Promise<unknown> => JSON.parse(await said([...words, '-o', 'json']));

test('list, describe and status tell how things stand', { skip }, async () => {
  assert.ok(started);
  const [listed, described, subscribed, wrong, denied, everywhere] = await Promise.all([
    said(['list', '-n', 'team-a']),
    said(['describe', 'team-a/orders']),
    said(['describe', 'whs/team-a/shop']),
    said(['describe', 'team-a/order'], 5),
    said(['status'], 1),
    runCli(['status'], { cwd: started.folder, env: { KUBECONFIG: started.plane.kubeconfig } }),
  ]);
  assert.match(listed, /^team-a +orders +\w+ +\w+ +web \(http\)/m);
  assert.match(listed, /^team-a +whs\/shop /m);
  const [first] = (await json('list', '-n', 'team-a')) as readonly { readonly triggers: readonly unknown[] }[];
  assert.deepEqual(first?.triggers, [{ name: 'web', kind: 'http' }]);
  assert.match(described, /^Name +team-a\/orders$/m);
  assert.match(described, /effective:/);
  assert.match(subscribed, /shop\.example\.com/);
  assert.match(wrong, /"order" not found/);
  assert.match(denied, /cannot list resource "runtimes".*at the cluster scope/);
  assert.match(everywhere.stdout, /moonhook-runtime-0 +default +True +True +2/, everywhere.stderr);
});

test('calls, logs and explain tell what happened, in the words of a local run', { skip }, async () => {
  assert.ok(started);
  const calls = await said(['calls', '-n', 'team-a']);
  assert.match(calls, /accepted/);
  assert.match(await said(['logs', 'team-a/orders']), /took.*item=tea/);
  const [record] = (await json('calls', 'team-a/orders', '--outcome', 'dead,error')) as readonly Record<
    string,
    unknown
  >[];
  assert.equal(record?.['functionName'], 'orders');
  assert.ok(!('metadata' in record) && !('apiVersion' in record));
  const told = await said(['explain', String(record['eventId']), '-n', 'team-a']);
  assert.match(told, /delivery dlv-\d+ to team-a\/orders trigger web: dead/);
  const [supposed, nothing] = await Promise.all([
    said(['explain', 'team-a/orders', '/team-a/orders']),
    said(['explain', 'nothing', '-n', 'team-a'], 5),
  ]);
  assert.match(supposed, /trigger web by route \/team-a\/orders/);
  assert.match(nothing, /no call, event or delivery "nothing"/);
});

test('invoke answers what the function answered', { skip }, async () => {
  assert.equal(await said(['invoke', 'team-a/orders', '-d', '{"item":"milk"}']), '{"took":"milk"}');
  const [whole, failed, missing, denied] = await Promise.all([
    json('invoke', 'team-a/orders', '-d', '{"item":"milk"}'),
    said(['invoke', 'team-a/orders', '-d', '{"item":"tea"}'], 1),
    said(['invoke', 'team-a/none'], 5),
    said(['invoke', 'orders', '-n', 'team-b'], 1),
  ]);
  assert.equal((whole as { readonly status: number }).status, 201);
  assert.match(failed, /no stock of tea/);
  assert.match(missing, /"none" not found/);
  assert.match(denied, /cannot create resource "functions\/invoke"/);
});

test('keys are read, set, listed and deleted', { skip }, async () => {
  const [last] = await Promise.all([
    said(['kv', 'get', 'team-a/orders', 'last']),
    said(['kv', 'set', 'team-a/orders', 'own', '{"n":1}']),
    said(['kv', 'set', 'shared:flags', 'on', 'true', '-n', 'team-a']),
  ]);
  assert.match(last, /^"(?:tea|milk)"$/m);
  const [listed, shared] = await Promise.all([
    said(['kv', 'list', 'team-a/orders', '-o', 'name']),
    said(['kv', 'get', 'shared:flags', 'on', '-n', 'team-a']),
  ]);
  assert.match(listed, /^last\nown$/m);
  assert.equal(shared, 'true\n');
  await said(['kv', 'delete', 'team-a/orders', 'own']);
  assert.match(await said(['kv', 'get', 'team-a/orders', 'own'], 5), /has no key "own"/);
});

test('replay and cancel say first what they would do', { skip }, async () => {
  assert.match(await said(['replay', 'whf/team-a/orders', '--dead', '--dry-run']), /1 delivery would run again/);
  assert.match(await said(['replay', 'whf/team-a/orders', '--dead']), /1 delivery runs again as replay \d+/);
  const nothing = await said(['cancel', 'whf/team-a/orders', '--dry-run']);
  assert.equal(nothing, '');
  const again = await said(['replay', 'whf/team-b/orders', '--dead', '--dry-run'], 1);
  assert.match(again, /cannot create resource "functions\/replay"/);
});

test('suspend and resume edit the resource itself', { skip }, async () => {
  assert.ok(started);
  assert.match(await said(['suspend', 'team-a/orders']), /team-a\/orders suspended/);
  const stands = await started.kubectl(['get', 'whf', 'orders', '-n', 'team-a', '-o', 'jsonpath={.spec.suspend}']);
  assert.equal(stands.stdout, 'true');
  assert.match(await said(['resume', 'team-a/orders']), /team-a\/orders resumed/);
});

test('refresh and ping do what they say, or why not', { skip }, async () => {
  assert.ok(started);
  assert.match(await said(['refresh', 'team-a/orders']), /what it refers to is read again/);
  const pinged = await started.cli('ping', 'whs/team-a/shop');
  assert.match(pinged.stdout, /subscription team-a\/shop/, pinged.stderr);
});

test('calls are followed as they come', { skip }, async () => {
  assert.ok(started);
  const { folder, env } = started;
  const following = startCli(['logs', 'team-a/orders', '-f'], { cwd: folder, env });
  const watching = startCli(['calls', 'team-a/orders', '-f'], { cwd: folder, env });
  await watching.output(/TIME|OUTCOME/i);
  await eventually('both have told of a call', async () => {
    await said(['invoke', 'team-a/orders', '-d', '{"item":"sugar"}']);
    return Promise.race([
      Promise.all([following.output(/item=sugar/), watching.output(/orders.*ok/)]).then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 1_000).unref()),
    ]);
  });
  await Promise.all([following.stop('SIGINT'), watching.stop('SIGINT')]);
});

test('which run is meant follows one rule, and kubectl finds the command as its plugin', { skip }, async () => {
  assert.ok(started);
  const { folder, env, kubeconfig, plane } = started;
  const staging = { cwd: folder, env: { KUBECONFIG: plane.kubeconfig } };
  const [told, named, context, unknown, both, local] = await Promise.all([
    started.cli('list', '-n', 'team-a'),
    runCli(['list', '-n', 'team-a', '--kubeconfig', kubeconfig], { cwd: folder }),
    runCli(['list', '-A', '--context', 'test'], staging),
    said(['list', '--context', 'none'], 2),
    said(['list', '--data-dir', folder, '--context', 'test'], 2),
    said(['list', '--data-dir', folder], 4),
  ]);
  assert.match(told.stderr, /no local run here: this is the cluster of the current context/);
  assert.equal(named.stderr, '');
  assert.match(named.stdout, /orders/);
  assert.match(context.stdout, /orders/);
  assert.match(unknown, /context/);
  assert.match(both, /--data-dir is for a local run/);
  assert.match(local, /no `moonhook dev` is running/);
  symlinkSync(join(import.meta.dirname, '..', '..', 'bin', 'moonhook'), join(folder, 'kubectl-moonhook'));
  const plugin = await new Promise<string>((resolve, reject) => {
    const path = [folder, dirname(kubeTools().kubectl), process.env['PATH'] ?? ''].join(':');
    const options = { cwd: folder, env: { ...process.env, ...env, PATH: path } };
    execFile(kubeTools().kubectl, ['moonhook', 'list', '-n', 'team-a'], options, (error, stdout, stderr) =>
      error === null ? resolve(`${stdout}${stderr}`) : reject(error),
    );
  });
  assert.match(plugin, /orders/);
  assert.doesNotMatch(plugin, /no local run here/);
});
