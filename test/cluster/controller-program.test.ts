import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { controllerMetricsCatalogue } from '../../src/telemetry/controller-metrics.ts';
import { metricPrefix } from '../../src/telemetry/metrics-catalogue.ts';
import { freePorts } from '../kube/programs.ts';
import { eventually } from '../builders/eventually.ts';
import {
  apply,
  conditionStands,
  functionPath,
  makeNamespace,
  openTrigger,
  webhookFunction,
} from '../kube/run-controller.ts';
import { bodyOf, useCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();
const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface RunningProcess {
  readonly child: ChildProcess;
  readonly admin: string;
  said(): string;
}

async function start(policy: string): Promise<RunningProcess> {
  assert.ok(cluster);
  const [link = 0, api = 0, admin = 0] = await freePorts(3);
  const policyFile = join(cluster.plane.folder, 'policy.yaml');
  writeFileSync(policyFile, policy);
  const child = spawn(process.execPath, [main, 'controller', '--kubeconfig', cluster.plane.kubeconfig], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      POD_NAME: 'controller-0',
      POD_NAMESPACE: 'moonhook',
      MOONHOOK_POLICY_FILE: policyFile,
      MOONHOOK_LINK_PORT: String(link),
      MOONHOOK_API_PORT: String(api),
      MOONHOOK_ADMIN_PORT: String(admin),
      MOONHOOK_LISTEN_HOST: '127.0.0.1',
    },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  after(() => void child.kill('SIGKILL'));
  return { child, admin: `http://127.0.0.1:${admin}`, said: () => said };
}

const policyOf = (host: string): string =>
  JSON.stringify({ hosts: [{ host, publicUrl: `https://${host}`, namespaces: ['*'], mount: '/{namespace}' }] });

async function get(url: string): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url);
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

test(
  'the program becomes ready, leads, follows its policy, and gives the lease back when it ends',
  { skip },
  async () => {
    assert.ok(cluster);
    const { client } = cluster;
    await makeNamespace(client, 'moonhook');
    await makeNamespace(client, 'team-a');
    const program = await start(policyOf('one.example.com'));
    await eventually('it is ready', async () => (await get(`${program.admin}/readyz`)).status === 200, program.said);
    assert.equal((await get(`${program.admin}/healthz`)).text, 'ok\n');

    const path = functionPath('team-a', 'hello');
    await apply(
      client,
      path,
      webhookFunction('hello', { code: 'return function() end', triggers: [openTrigger('hello')] }),
    );
    const first = await conditionStands(client, path, 'Programmed=False/NoRuntimes');
    assert.equal(first.status?.['url'], 'https://one.example.com/team-a/hello');

    const policyFile = join(cluster.plane.folder, 'policy.yaml');
    writeFileSync(policyFile, '{"hosts": 1}');
    await eventually(
      'the mistake is told',
      () => /hosts: must be a list.*the last good one stays/.test(program.said()),
      program.said,
    );
    const refused = async (): Promise<string | undefined> =>
      /^moonhook_policy_refused (\d)$/m.exec((await get(`${program.admin}/metrics`)).text)?.[1];
    assert.equal(await refused(), '1');
    writeFileSync(policyFile, policyOf('two.example.com'));
    await eventually('the new host', async () => {
      const { status } = await conditionStands(client, path, 'Programmed=False/NoRuntimes');
      return status?.['url'] === 'https://two.example.com/team-a/hello';
    });

    assert.equal(await refused(), '0');
    const { text } = await get(`${program.admin}/metrics`);
    const types = new Map([...text.matchAll(/^# TYPE (moonhook_\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
    assert.deepEqual(
      [...types].map(([name, type]) => `${name} ${type}`).toSorted(),
      controllerMetricsCatalogue.map(({ name, type }) => `${metricPrefix}${name} ${type}`).toSorted(),
    );
    assert.match(text, /moonhook_controller_leader 1/);
    assert.match(text, /moonhook_controller_functions 1/);
    assert.match(text, /moonhook_watch_drift_total\{resource="webhookfunctions"\} 0/);

    const ended = once(program.child, 'exit');
    program.child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    const lease: { readonly spec?: { readonly holderIdentity?: string } } = bodyOf(
      await client.request<KubeObject & { readonly spec?: { readonly holderIdentity?: string } }>({
        path: '/apis/coordination.k8s.io/v1/namespaces/moonhook/leases/moonhook-controller',
      }),
    );
    assert.equal(lease.spec?.holderIdentity ?? '', '');
  },
);

test('a policy that is wrong from the start keeps it from starting, and says why', { skip }, async () => {
  const program = await start('{"hosts": 1}');
  const [code] = (await once(program.child, 'exit')) as [number];
  assert.equal(code, 1);
  assert.match(program.said(), /policy\.yaml: hosts: /);
});
