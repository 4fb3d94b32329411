/** The verbs of `moonhook` against a cluster: the same words as for a local run, with the rights of the kubeconfig. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { readFencedBlocks } from '../builders/read-markdown.ts';
import { runCli, startCli, type CliResult } from '../builders/run-cli.ts';
import { eventually } from '../builders/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { makeAccount, mayWatch } from '../kube/event-cluster.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { runInstallation } from '../kube/run-installation.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ apiServerFlags: proxy.flags });

const command = join(import.meta.dirname, '..', '..', 'bin', 'moonhook');
const orders = webhookFunction('orders', {
  code: `return {
    default = function(event)
      local item = event.data.item or "none"
      log.info("took", { item = item })
      kv.set("last", item)
      if item == "tea" then error("no stock of tea") end
      return { status = 201, json = { took = item } }
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
  for (const name of ['moonhook', 'kubectl-moonhook']) symlinkSync(command, join(folder, name));
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

/** As a reader types it, with kubectl and the command in the path; answers what it says on both streams. */
function typed(line: string): Promise<string> {
  assert.ok(started);
  const { folder, env } = started;
  const path = [folder, dirname(kubeTools().kubectl), process.env['PATH'] ?? ''].join(':');
  const options = { cwd: folder, env: { ...process.env, ...env, PATH: path } };
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', line], options, (error, stdout, stderr) =>
      error === null ? resolve(`${stdout}${stderr}`) : reject(error),
    );
  });
}

/** What each command of the guide answers, in its order. */
const answers: readonly RegExp[] = [
  /dlv-\d+ .*no stock of tea/,
  /orders +web +accepted/,
  /kind: DeadLetter/,
  /A delivery that failed for good/,
  /^team-a +orders +\w+ +\w+ +web \(http\)[^]*^team-a +whs\/shop /m,
  /^Name +team-a\/orders$[^]*effective:/m,
  /took.*item=tea/,
  /delivery dlv-\d+ to team-a\/orders trigger web: dead/,
  /\{"took":"none"\}/,
  /1 delivery would run again/,
  /^dlv-\d+ +team-a\/orders web +dead/m,
];

test('a reader can type what the guide says', { skip }, async () => {
  const guide = join(import.meta.dirname, '..', '..', 'docs', 'guide', 'cluster.md');
  const blocks = readFencedBlocks(guide).filter(({ language, words }) => `${language} ${words.join(' ')}` === 'sh api');
  const letters = await said(['deliveries', '--dead', '-n', 'team-a', '-o', 'name']);
  const letter = /dlv-\d+/.exec(letters)?.[0] ?? '';
  const lines = blocks.flatMap(({ text }) => text.trim().split('\n'));
  assert.equal(lines.length, answers.length);
  for (const [index, line] of lines.entries()) {
    const text = await typed(line.replaceAll('pushes', 'orders').replaceAll('dlv-12', letter));
    assert.match(text, answers[index] ?? /^$/, line);
    // Said only where nobody has named the cluster.
    assert.equal(text.includes('no local run here: this is the cluster of'), line.startsWith('moonhook '), line);
  }
});

test('machines are answered in the fields of a local run', { skip }, async () => {
  assert.ok(started);
  const [functions, calls, status, supposed] = await Promise.all([
    json('list', '-n', 'team-a'),
    json('calls', 'team-a/orders', '--outcome', 'dead,error'),
    runCli(['status'], { cwd: started.folder, env: { KUBECONFIG: started.plane.kubeconfig } }),
    said(['explain', 'team-a/orders', '/team-a/orders']),
  ]);
  const [first] = functions as readonly { readonly triggers: readonly unknown[] }[];
  assert.deepEqual(first?.triggers, [{ name: 'web', kind: 'http' }]);
  const [record] = calls as readonly Record<string, unknown>[];
  assert.equal(record?.['functionName'], 'orders');
  assert.ok(!('metadata' in record) && !('apiVersion' in record));
  assert.match(status.stdout, /moonhook-runtime-0 +default +True +True +2/, status.stderr);
  assert.match(supposed, /trigger web by route \/team-a\/orders/);
});

test('what became of a watched object is asked for by its kind, namespace and name', { skip }, async () => {
  assert.ok(started);
  const { client, cli } = started;
  await makeAccount(client, 'team-a', 'watcher');
  await mayWatch(client, 'watcher', { group: '', resource: 'pods' }, 'team-a');
  const watching = webhookFunction('pod-watch', {
    code: 'return function(event) log.info("it is " .. event.data.object.status.phase) end',
    serviceAccountName: 'watcher',
    triggers: [
      {
        name: 'pods',
        filter: 'object.status.phase ~= "Succeeded"',
        // Whichever is there first: the trigger, or the Pod.
        kubernetes: { apiVersion: 'v1', kind: 'Pod', initial: 'Each', events: ['Added', 'Modified'] },
      },
    ],
  });
  await apply(client, functionPath('team-a', 'pod-watch'), watching);
  const pods = '/api/v1/namespaces/team-a/pods';
  const spec = { containers: [{ name: 'main', image: 'registry.example.com/web:1' }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0' }, spec };
  bodyOf(await client.request({ method: 'POST', path: pods, body: pod }));
  const story = async (told: RegExp): Promise<string> => {
    let last = '';
    return eventually(
      `the story of the Pod tells ${told.source}`,
      async () => {
        last = (await cli('explain', 'Pod/team-a/web-0', '-n', 'team-a')).stdout;
        return told.test(last) ? last : undefined;
      },
      () => last,
    );
  };
  assert.match(await story(/it is Pending/), /team-a\/pod-watch/);
  const contentType = 'application/merge-patch+json';
  const done = { status: { phase: 'Succeeded' } };
  bodyOf(await client.request({ method: 'PATCH', path: `${pods}/web-0/status`, contentType, body: done }));
  await story(/filter/);
  assert.match(await said(['explain', 'Pod/team-a/web-1', '-n', 'team-a'], 5), /no call, event or delivery/);
});

test('what is missing is named: the object, or the right', { skip }, async () => {
  const [missing, status, denied] = await Promise.all([
    said(['describe', 'team-a/order'], 5),
    said(['status'], 1),
    said(['invoke', 'orders', '-n', 'team-b'], 1),
  ]);
  assert.match(missing, /"order" not found/);
  const unknown = await said(['deliveries', 'team-a/order'], 5);
  assert.match(unknown, /there is no function team-a\/order; did you mean team-a\/orders\?/);
  const other = await said(['calls', 'whs/team-a/orders'], 5);
  assert.match(other, /there is no subscription team-a\/orders; there is whf\/team-a\/orders/);
  assert.match(status, /cannot list resource "runtimes".*at the cluster scope/);
  assert.match(denied, /cannot create resource "functions\/invoke"/);
});

test('keys are set, read and listed', { skip }, async () => {
  await Promise.all([
    said(['kv', 'set', 'team-a/orders', 'own', '{"n":1}']),
    said(['kv', 'set', 'shared:flags', 'on', 'true', '-n', 'team-a']),
  ]);
  const [listed, shared] = await Promise.all([
    said(['kv', 'list', 'team-a/orders', '-o', 'name']),
    said(['kv', 'get', 'shared:flags', 'on', '-n', 'team-a']),
  ]);
  assert.match(listed, /^last\nown$/m);
  assert.equal(shared, 'true\n');
});

test('replay, suspend, resume, refresh, publish and ping do what they say', { skip }, async () => {
  assert.ok(started);
  assert.match(await said(['replay', 'whf/team-a/orders', '--dead']), /1 delivery runs again as replay \d+/);
  assert.match(await said(['suspend', 'team-a/orders']), /team-a\/orders suspended/);
  const stands = await started.kubectl(['get', 'whf', 'orders', '-n', 'team-a', '-o', 'jsonpath={.spec.suspend}']);
  assert.equal(stands.stdout, 'true');
  assert.match(await said(['resume', 'team-a/orders']), /team-a\/orders resumed/);
  assert.match(await said(['refresh', 'team-a/orders']), /what it refers to is read again/);
  const publish = ['publish', 'com.example.nobody', '-n', 'team-a', '--id', 'e1', '-d', '{"n":1}'];
  assert.match(await said(publish), /event e1 goes nowhere: .* of team-a matches com\.example\.nobody/);
  // It was not kept, and its id is free.
  assert.match(await said(publish), /event e1 goes nowhere/);
  assert.match((await started.cli(...publish, '--dry-run')).stderr, /only a local run says who would receive an event/);
  const pinged = await started.cli('ping', 'whs/team-a/shop');
  assert.match(pinged.stdout, /subscription team-a\/shop/, pinged.stderr);
});

test('calls and logs are followed as they come', { skip }, async () => {
  assert.ok(started);
  const { folder, env, runtime } = started;
  const following = startCli(['logs', 'team-a/orders', '-f'], { cwd: folder, env });
  const watching = startCli(['calls', 'team-a/orders', '-f'], { cwd: folder, env });
  const seen = { logs: false, calls: false };
  const both = Promise.all([
    following.output(/item=sugar/).then(() => (seen.logs = true)),
    watching.output(/orders.*ok/).then(() => (seen.calls = true)),
  ]);
  await eventually(
    'both have told of a call',
    async () => {
      // They may not stand yet: what came before is not told.
      const response = await fetch(`${runtime.publicUrl}/team-a/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"item":"sugar"}',
      });
      await response.text();
      return seen.logs && seen.calls;
    },
    () => seen,
  );
  await both;
  await Promise.all([following.stop('SIGINT'), watching.stop('SIGINT')]);
});

test('which run is meant follows one rule', { skip }, async () => {
  assert.ok(started);
  const { folder, kubeconfig } = started;
  const [named, both, local] = await Promise.all([
    runCli(['list', '-n', 'team-a', '--kubeconfig', kubeconfig, '--context', 'test'], { cwd: folder }),
    said(['list', '--data-dir', folder, '--context', 'test'], 2),
    said(['list', '--data-dir', folder], 4),
  ]);
  assert.equal(named.stderr, '');
  assert.match(named.stdout, /orders/);
  assert.match(both, /--data-dir is for a local run/);
  assert.match(local, /no `moonhook dev` is running/);
});
