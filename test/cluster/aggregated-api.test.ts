/** `run.moonhook.dev` through the real API server with the real kubectl: tables, lists, rights, and who is not believed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { eventually } from '../kube/eventually.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { runInstallation } from '../kube/run-installation.ts';
import { useCluster, type KubectlResult, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ apiServerFlags: proxy.flags });

const failing = webhookFunction('orders', {
  code: 'return function(event) error("no stock of " .. tostring(event.data.item)) end',
  retry: { schedule: ['1ms'] },
  triggers: [{ ...openTrigger('orders'), http: { path: 'orders', mode: 'async', receiver: { open: {} } } }],
});

async function start(own: TestCluster) {
  const installation = await runInstallation(own, ['team-a', 'team-b']);
  for (const namespace of ['team-a', 'team-b']) await apply(own.client, functionPath(namespace, 'orders'), failing);
  const kubectlAs = (kubeconfig: string) => (arguments_: readonly string[], input?: string) =>
    own.kubectl(['--kubeconfig', kubeconfig, ...arguments_], input);
  const viewer = kubectlAs(await installation.userWith('viewer', { 'team-a': ['moonhook-view'] }));
  for (const namespace of ['team-a', 'team-b']) await send(installation.runtime.publicUrl, namespace, 'tea');
  return { ...own, ...installation, viewer };
}

async function send(publicUrl: string, namespace: string, item: string): Promise<void> {
  let said = 0;
  await eventually(
    `the hook of ${namespace} takes an order`,
    async () => {
      const response = await fetch(`${publicUrl}/${namespace}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ item }),
      });
      await response.text();
      said = response.status;
      return said === 202;
    },
    () => said,
  );
}

const started = cluster === undefined ? undefined : await start(cluster);

/** Asks until the answer is as wanted. */
async function until(
  ask: () => Promise<KubectlResult>,
  wanted: (said: KubectlResult) => boolean,
): Promise<KubectlResult> {
  let said: KubectlResult | undefined;
  await eventually(
    'kubectl says it',
    async () => {
      said = await ask();
      return wanted(said);
    },
    () => said,
  );
  assert.ok(said);
  return said;
}

test('kubectl prints dead letters of a namespace as a table', { skip }, async () => {
  assert.ok(started);
  const { viewer } = started;
  const { stdout } = await until(
    () => viewer(['get', 'deadletters', '-n', 'team-a']),
    (said) => said.stdout.includes('dlv-'),
  );
  const [header = '', row = ''] = stdout.split('\n');
  assert.match(header, /^NAME +TO +ATTEMPTS +AGE +TYPE +WHY$/);
  assert.match(row, /^dlv-\d+ +orders web +2 +\d+s +\S+ .*no stock of tea/);
  const wide = await viewer(['get', 'dl', '-n', 'team-a', '-o', 'wide']);
  assert.match(wide.stdout, /EVENT/);
});
