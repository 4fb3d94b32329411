/** The guarantee of kubernetes triggers across leaders: one is killed in the middle, one ends, one loses its lease. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { eventually } from '../builders/eventually.ts';
import { makeAccount, makeInstallation, mayWatch, startReplica, startRuntime } from '../kube/event-cluster.ts';
import { judgedByOracle } from '../kube/judged-by-oracle.ts';
import { freePorts } from '../kube/programs.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();
const root = join(import.meta.dirname, '..', '..');
const lease = '/apis/coordination.k8s.io/v1/namespaces/moonhook/leases/moonhook-controller';

interface Lease extends KubeObject {
  readonly spec: { readonly holderIdentity?: string };
}

async function holder({ client }: TestCluster): Promise<string> {
  const answer = await client.request<Lease>({ path: lease });
  return answer.ok ? (answer.body.spec.holderIdentity ?? '') : '';
}

/** The controller as a process of its own, which can be killed. */
async function startProcess(
  kubeconfig: string,
  port: number,
): Promise<{ signal(signal: NodeJS.Signals): void; log(): string }> {
  const command = ['--', join(root, 'src/cli/main.ts'), 'controller', '--kubeconfig', kubeconfig];
  const child = spawn(process.execPath, command, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      MOONHOOK_LINK_PORT: String(port),
      MOONHOOK_ADMIN_PORT: '0',
      MOONHOOK_AGGREGATED_API: 'false',
    },
  });
  let log = '';
  child.stdout.on('data', (bytes: Buffer) => (log += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (log += bytes.toString('utf8')));
  after(() => child.kill('SIGKILL'));
  await eventually(
    'the controller runs and leads',
    () => log.includes('the controller runs') && log.includes('"leading"'),
    () => log,
  );
  return { signal: (signal) => void child.kill(signal), log: () => log };
}

/** How long a lease is waited for is shown elsewhere. */
async function shortenLease({ client }: TestCluster): Promise<void> {
  const contentType = 'application/merge-patch+json';
  bodyOf(
    await client.request({ method: 'PATCH', path: lease, contentType, body: { spec: { leaseDurationSeconds: 1 } } }),
  );
}

test('no final state is missed, nothing is invented, whoever leads', { skip }, async (t) => {
  assert.ok(cluster);
  const { client, plane } = cluster;
  await makeInstallation(client);
  await makeAccount(client, 'team-a', 'hooks');
  await mayWatch(client, 'hooks', { group: '', resource: 'configmaps' }, 'team-a');
  const [port = 0] = await freePorts(1);
  const first = await startProcess(plane.kubeconfig, port);
  const second = await startReplica(plane.kubeconfig, 'controller-1');
  const runtime = await startRuntime(client, [port, second.port]);
  const told = (): readonly string[] => [first.log().slice(-1000), ...second.log.slice(-5)];
  const world = { client, runtime: () => runtime };
  const { oracle, write, agrees } = await judgedByOracle(world, 'leaders', 7, told);
  await write(60);
  await agrees();
  assert.equal(second.program.controller.leadership.leading, false, 'the control: the process led');

  // What it has seen waits for a store that does not answer, when it dies; then the store takes it, late.
  process.kill(runtime.pid, 'SIGSTOP');
  try {
    await write(40);
  } finally {
    first.signal('SIGKILL');
    process.kill(runtime.pid, 'SIGCONT');
  }
  await shortenLease(cluster);
  await write(60);
  await eventually('the other one leads', () => second.program.controller.leadership.leading);
  await write(20);
  await agrees();

  // One that ends gives its place to the next at once.
  const third = await startReplica(plane.kubeconfig, 'controller-2', { linkPort: port });
  await second.stop();
  await write(40);
  await eventually('the third one leads', () => third.program.controller.leadership.leading);
  assert.equal((await holder(cluster)).startsWith('controller-2'), true);
  await agrees();
  t.diagnostic(`${oracle.writes} writes of ${oracle.objects} objects`);
});

test(
  'a leader that slept through the loss of its lease misses and invents nothing when it wakes',
  { skip },
  async (t) => {
    assert.ok(cluster);
    const { client, plane } = cluster;
    await makeInstallation(client);
    await makeAccount(client, 'team-a', 'hooks');
    await mayWatch(client, 'hooks', { group: '', resource: 'configmaps' }, 'team-a');
    const [port = 0] = await freePorts(1);
    const first = await startProcess(plane.kubeconfig, port);
    const second = await startReplica(plane.kubeconfig, 'controller-4');
    const runtime = await startRuntime(client, [port, second.port], 'runtime-1');
    const told = (): readonly string[] => [first.log().slice(-1000), ...second.log.slice(-5)];
    const world = { client, runtime: () => runtime };
    const { oracle, write, agrees } = await judgedByOracle(world, 'asleep', 11, told);
    await write(30);
    await agrees();
    const { leadership } = second.program.controller;
    assert.equal(leadership.leading, false, 'the control: the process led');
    // What is written now waits in its sockets until it wakes, and then it acts on it as the leader it was.
    first.signal('SIGSTOP');
    await write(20);
    await shortenLease(cluster);
    await eventually('the other one leads', () => leadership.leading);
    await write(20);
    first.signal('SIGCONT');
    await write(40);
    await eventually('it knows', () => first.log().includes('no longer leading'), first.log);
    await write(10);
    await agrees();
    assert.equal(leadership.leading, true);
    assert.equal((await holder(cluster)).startsWith('controller-4'), true);
    t.diagnostic(`${oracle.writes} writes of ${oracle.objects} objects`);
  },
);
