/** Kubernetes triggers against a real API server: from a change in the cluster to the function that saw it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deleteObject,
  makeAccount,
  makeInstallation,
  mayWatch,
  record,
  startReplica,
  startRuntime,
  writeConfigMap,
} from '../kube/event-cluster.ts';
import { useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();

async function start({ client, plane }: TestCluster) {
  await makeInstallation(client);
  await makeAccount(client, 'team-a', 'hooks');
  await mayWatch(client, 'hooks', { group: '', resource: 'configmaps' }, 'team-a');
  const replica = await startReplica(plane.kubeconfig);
  const runtime = await startRuntime(client, [replica.port]);
  return { client, replica, runtime: () => runtime };
}

const world = cluster === undefined ? undefined : await start(cluster);

const configMap = (name: string, namespace = 'team-a'): string => `/api/v1/namespaces/${namespace}/configmaps/${name}`;

test('a function sees an object appear, change and go', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  await writeConfigMap(client, 'there-before');
  const seen = await record(world, 'first', { apiVersion: 'v1', kind: 'ConfigMap' });
  await seen.ready();
  await writeConfigMap(client, 'settings', { data: { greeting: 'hello' } });
  await seen.sees('settings', ['added']);
  await writeConfigMap(client, 'settings', { data: { greeting: 'bye' } });
  await seen.sees('settings', ['added', 'modified']);
  await deleteObject(client, configMap('settings'));
  const [added, modified, deleted] = await seen.sees('settings', ['added', 'modified', 'deleted']);
  assert.equal(added?.object.kind, 'ConfigMap');
  assert.equal(added?.object.apiVersion, 'v1');
  assert.deepEqual(added?.object['data'], { greeting: 'hello' });
  assert.equal('managedFields' in (added?.object.metadata ?? {}), false);
  assert.deepEqual(modified?.object['data'], { greeting: 'bye' });
  assert.deepEqual(deleted?.object['data'], { greeting: 'bye' }, 'with its last state');
  assert.equal(deleted?.synthetic, false);
  assert.equal((await seen.calls()).has('there-before'), false, 'what was there at the start is skipped');
  await writeConfigMap(client, 'there-before', { data: { a: '1' } });
  await seen.sees('there-before', ['modified']);
});
