/**
 * Live data before the controllers of a cluster: those that copy, follow or delete whatever discovery offers them leave it
 * alone, so that a namespace ends however much is kept for it. People can watch and delete it all the same.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import { apply, functionPath, webhookFunction } from '../kube/run-controller.ts';
import { runInstallation } from '../kube/run-installation.ts';
import { bodyOf, useCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ controllerManager: true, apiServerFlags: proxy.flags });
const installation = cluster === undefined ? undefined : await runInstallation(cluster, ['team-a']);

const takes = (name: string, suspend: boolean): Readonly<Record<string, unknown>> =>
  webhookFunction(name, {
    suspend,
    code: 'return function() end',
    triggers: [{ name: 'web', http: { path: name, mode: 'async', receiver: { open: {} } } }],
  });

async function states(): Promise<readonly string[]> {
  assert.ok(cluster);
  const shown = ['-n', 'team-a', 'get', 'deliveries', '-o', 'jsonpath={.items[*].state}'];
  return (await cluster.kubectl(shown)).stdout.split(' ').toSorted();
}

test('a namespace ends, whatever has ended or waits in it', { skip }, async () => {
  assert.ok(cluster && installation);
  const { client, kubectl, plane } = cluster;
  for (const [name, suspend] of [
    ['works', false],
    ['rests', true],
  ] as const) {
    await apply(client, functionPath('team-a', name), takes(name, suspend));
    await eventually(`${name} takes events`, async () => {
      const url = `${installation.runtime.publicUrl}/team-a/${name}`;
      const response = await fetch(url, { method: 'POST', body: '{}' });
      await response.text();
      return response.status === 202;
    });
  }
  let last: readonly string[] = [];
  await eventually(
    'one is done, one waits',
    async () => (last = await states()).join(' ') === 'done waiting',
    () => last,
  );
  // The controller manager looks for new kinds every half minute and in each namespace that ends: it has to know them.
  const path = '/apis/run.moonhook.dev/v1alpha1';
  const { resources } = bodyOf(
    await client.request<{ readonly resources: readonly { readonly name: string; readonly verbs: string[] }[] }>({
      path,
    }),
  );
  const offered = resources.filter(({ verbs }) => verbs.includes('delete') || verbs.includes('watch'));
  assert.deepEqual(
    offered.filter(({ name }) => !name.includes('/')),
    [],
  );
  const [name = ''] = (await kubectl(['-n', 'team-a', 'get', 'deliveries', '-o', 'name'])).stdout.split('\n');
  const gone = ['--request-timeout=60s', 'delete', 'namespace', 'team-a', '--timeout=60s'];
  const deleted = await kubectl(gone);
  const why = await kubectl(['get', 'namespace', 'team-a', '-o', 'jsonpath={.status.conditions}']);
  assert.equal(deleted.code, 0, `${deleted.stderr}${why.stdout}`);
  assert.notEqual(name, '');

  const asked = plane
    .audit()
    .filter(({ userAgent }) => userAgent?.startsWith('kube-controller-manager') === true)
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.apiGroup ?? ''}/${objectRef?.resource ?? ''}`);
  assert.ok(asked.includes('deletecollection moonhook.dev/webhookfunctions'), 'the control: it deletes what is there');
  assert.deepEqual(
    asked.filter((line) => line.includes('run.moonhook.dev')),
    [],
  );
});

test('people watch, wait for and delete what discovery does not offer', { skip }, async (context) => {
  assert.ok(cluster && installation);
  const { client, kubectl } = cluster;
  await eventually(
    'the namespace is there again',
    async () => (await kubectl(['create', 'namespace', 'team-a'])).code === 0,
  );
  await apply(client, functionPath('team-a', 'rests'), takes('rests', true));
  await eventually('an event waits', async () => {
    const url = `${installation.runtime.publicUrl}/team-a/rests`;
    const response = await fetch(url, { method: 'POST', body: '{}' });
    await response.text();
    return response.status === 202;
  });
  const [name = ''] = (await kubectl(['-n', 'team-a', 'get', 'deliveries', '-o', 'name'])).stdout.split('\n');
  const watch = ['--kubeconfig', cluster.plane.kubeconfig, '-n', 'team-a', 'get', 'deliveries', '-w'];
  const watching = spawn(kubeTools().kubectl, watch, { stdio: ['ignore', 'pipe', 'ignore'] });
  context.after(() => watching.kill('SIGKILL'));
  let seen = '';
  watching.stdout.on('data', (bytes: Buffer) => (seen += bytes.toString('utf8')));
  await eventually(
    'the watch has begun',
    () => /dlv-\d+ +rests web +waiting/.test(seen),
    () => seen,
  );
  const waiting = kubectl(['-n', 'team-a', 'wait', name, '--for=jsonpath={.state}=cancelled', '--timeout=30s']);
  const deleted = await kubectl(['-n', 'team-a', 'delete', name, '--wait=false']);
  assert.equal(deleted.code, 0, deleted.stderr);
  const met = await waiting;
  assert.equal(met.code, 0, met.stderr);
  await eventually(
    'the watch tells of it',
    () => /dlv-\d+ +rests web +cancelled/.test(seen),
    () => seen,
  );
});
