/** A store that belongs to another cluster is not worked with: nothing of it is run, and it is said why and what to do. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { openStore } from '../../src/store/open-store.ts';
import { runCli } from '../builders/run-cli.ts';
import { eventually } from '../kube/eventually.ts';
import { makeInstallation, startReplica, startRuntime } from '../kube/event-cluster.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { bodyOf, useCluster } from '../kube/with-control-plane.ts';
import type { RuntimeProcess } from '../link/runtime-process.ts';

const { cluster, skip } = await useCluster();
const stranger = '00000000-0000-4000-8000-000000000000/moonhook/moonhook';

const folderOf = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-owned-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

async function ownerOf(folder: string, claim?: string): Promise<string | undefined> {
  const opened = await openStore({ path: join(folder, 'store.db'), onLost: (error) => assert.fail(error) });
  const connection = opened.connect();
  const owner = await connection.owner(claim === undefined ? undefined : { owner: claim });
  await connection.close();
  await opened.close();
  return owner;
}

const metric = async ({ adminUrl }: RuntimeProcess): Promise<string | undefined> =>
  /^moonhook_store_foreign (\d)$/m.exec(await (await fetch(`${adminUrl}/metrics`)).text())?.[1];

const serves = (runtime: RuntimeProcess): Promise<true> =>
  eventually(
    'it serves',
    async () => (await runtime.ready()) && (await fetch(`${runtime.publicUrl}/team-a/hello`)).status === 200,
    () => runtime.log().slice(-2000),
  );

test('the store of another cluster is refused, until somebody says that it is to live on here', { skip }, async () => {
  assert.ok(cluster);
  const { client, plane } = cluster;
  await makeInstallation(client);
  const replica = await startReplica(plane.kubeconfig);
  const hello = { code: 'return function() return "hello" end', triggers: [openTrigger('hello')] };
  await apply(client, functionPath('team-a', 'hello'), webhookFunction('hello', hello));
  const { uid } = bodyOf(await client.request<KubeObject>({ path: '/api/v1/namespaces/kube-system' })).metadata;
  const ours = `${uid}/moonhook/moonhook`;

  // The control: a new store is taken, and kept over a restart.
  const own = folderOf();
  const first = await startRuntime(client, [replica.port], 'runtime-0', { MOONHOOK_DATA_DIR: own });
  await serves(first);
  assert.equal(await metric(first), '0');
  await first.close();
  assert.equal(await ownerOf(own), ours);

  const foreign = folderOf();
  await ownerOf(foreign, stranger);
  const second = await startRuntime(client, [replica.port], 'runtime-1', { MOONHOOK_DATA_DIR: foreign });
  await eventually(
    'readiness says why',
    async () => (await (await fetch(`${second.adminUrl}/readyz`)).text()).includes(`belongs to ${stranger}`),
    () => second.log().slice(-2000),
  );
  assert.equal(await second.ready(), false);
  assert.equal((await fetch(`${second.publicUrl}/team-a/hello`)).status, 503);
  assert.equal(await metric(second), '1');
  assert.match(second.log(), /MOONHOOK_STORE_ADOPT=00000000/);
  await second.end('SIGKILL');
  await second.close();
  assert.equal(await ownerOf(foreign), stranger, 'it was not taken');

  // By hand, while nobody uses it.
  const adopted = await runCli(['store', 'adopt', foreign]);
  assert.deepEqual([adopted.exitCode, adopted.stdout.includes(stranger)], [0, true], adopted.stderr);
  const third = await startRuntime(client, [replica.port], 'runtime-2', { MOONHOOK_DATA_DIR: foreign });
  await serves(third);
  await third.close();
  assert.equal(await ownerOf(foreign), ours);

  // Or by a setting that names whose it was.
  const restored = folderOf();
  await ownerOf(restored, stranger);
  const settings = { MOONHOOK_DATA_DIR: restored, MOONHOOK_STORE_ADOPT: stranger };
  const fourth = await startRuntime(client, [replica.port], 'runtime-3', settings);
  await serves(fourth);
  assert.match(fourth.log(), /the store of another installation was taken over/);
  await fourth.close();
  assert.equal(await ownerOf(restored), ours);
});
