/** A function never sees what its ServiceAccount may not: the controller runs with the chart's own rights, no more. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderChart } from '../chart/render-chart.ts';
import { kubeconfigOf } from '../kube/control-plane.ts';
import { eventually } from '../builders/eventually.ts';
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
import { conditionStands } from '../kube/run-controller.ts';
import { useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();
const world = cluster === undefined ? undefined : await start(cluster);

const controller = 'system:serviceaccount:moonhook:moonhook-controller';
const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' };
const rule = { group: '', resource: 'configmaps' };

/** RBAC as Helm renders it with team-a as a tenant. */
async function start({ client, plane, kubectl }: TestCluster) {
  await makeInstallation(client);
  const rendering = renderChart({ 'tenants.namespaces': ['team-a'] }, 'moonhook', 'moonhook');
  assert.ok(rendering.ok);
  const kinds = new Set(['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']);
  const items = rendering.objects.filter(({ kind }) => kinds.has(kind));
  const applied = await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  assert.equal(applied.code, 0, applied.stderr);
  const token = await kubectl(['create', 'token', 'moonhook-controller', '-n', 'moonhook']);
  assert.equal(token.code, 0, token.stderr);
  const kubeconfig = join(plane.folder, 'controller');
  writeFileSync(kubeconfig, kubeconfigOf(plane.server, plane.ca, token.stdout.trim()));
  const replica = await startReplica(kubeconfig);
  const runtime = await startRuntime(client, [replica.port]);
  return { client, replica, runtime: () => runtime };
}

function theWorld() {
  assert.ok(world);
  return world;
}

test('without the right, the condition says which, nothing is seen, and a grant starts it', { skip }, async () => {
  const { client } = theWorld();
  await makeAccount(client, 'team-a', 'later');
  await writeConfigMap(client, 'secret-plans', { data: { plan: 'hidden' } });
  const seen = await record(theWorld(), 'later', { ...configMaps, initial: 'Each' }, { account: 'later' });
  const told = await seen.troubled('Forbidden');
  assert.match(told, /kubectl auth can-i list configmaps -n team-a --as=system:serviceaccount:team-a:later/);
  const refused = await conditionStands(client, seen.path, 'ResolvedRefs=False/Forbidden');
  assert.equal(JSON.stringify(refused.status).includes('hidden'), false);
  await conditionStands(client, seen.path, 'Ready=False/Forbidden');
  assert.equal((await seen.calls()).size, 0);
  await mayWatch(client, 'later', rule, 'team-a');
  // The control: with the right the same trigger sees it.
  const [added] = await seen.sees('secret-plans', ['added']);
  assert.deepEqual(added?.object['data'], { plan: 'hidden' });
  await seen.ready();
  await conditionStands(client, seen.path, 'ResolvedRefs=True/ResolvedRefs');
});

test('naming the namespace of somebody else gives nothing of it', { skip }, async () => {
  const { client } = theWorld();
  await makeAccount(client, 'team-a', 'nosy');
  await mayWatch(client, 'nosy', rule, 'team-a');
  await writeConfigMap(client, 'foreign', { namespace: 'team-b', data: { of: 'team-b' } });
  const nosy = { account: 'nosy' };
  const names = ['team-a', 'team-b'];
  const named = { ...configMaps, initial: 'Each', namespaces: { from: 'Names', names } };
  const seen = await record(theWorld(), 'nosy', named, nosy);
  assert.match(await seen.troubled('Forbidden'), /-n team-b/);
  const every = await record(theWorld(), 'every', { ...configMaps, namespaces: { from: 'All' } }, nosy);
  assert.match(await every.troubled('Forbidden'), /configmaps -A/);
  const chosen = { from: 'Selector', selector: { matchLabels: {} } };
  const selected = await record(theWorld(), 'selecting', { ...configMaps, namespaces: chosen }, nosy);
  assert.match(await selected.troubled('Forbidden'), /namespaces -A/);
  for (const each of [seen, every, selected]) assert.equal((await each.calls()).size, 0);
  // The control: team-b lets it look.
  await mayWatch(client, 'nosy', rule, 'team-b');
  await seen.sees('foreign', ['added']);
});

test(
  'a right that is taken away ends what an open watch brings; what came meanwhile is told when it is back',
  { skip },
  async () => {
    const { client } = theWorld();
    await makeAccount(client, 'team-a', 'revoked');
    const binding = await mayWatch(client, 'revoked', rule, 'team-a');
    const labels = { test: 'revoked' };
    const chosen = { ...configMaps, labelSelector: { matchLabels: labels } };
    const seen = await record(theWorld(), 'revoked', chosen, { account: 'revoked' });
    await seen.ready();
    await writeConfigMap(client, 'open', { labels });
    await writeConfigMap(client, 'doomed', { labels });
    await seen.sees('open', ['added']);
    await seen.sees('doomed', ['added']);
    await deleteObject(client, binding);
    await seen.troubled('Forbidden');
    await writeConfigMap(client, 'open', { labels, data: { now: 'private' } });
    await writeConfigMap(client, 'private', { labels });
    await deleteObject(client, '/api/v1/namespaces/team-a/configmaps/doomed');
    // A second trigger of another account shows that the changes went through the controller's watches by then.
    await makeAccount(client, 'team-a', 'witness');
    await mayWatch(client, 'witness', rule, 'team-a');
    const witness = await record(theWorld(), 'witness', { ...chosen, initial: 'Each' }, { account: 'witness' });
    await witness.sees('private', ['added']);
    await witness.sees('open', ['added']);
    const told = [...(await seen.calls())].map(([name, calls]) => `${name} ${calls.map((each) => each.name).join()}`);
    assert.deepEqual(told.toSorted(), ['doomed added', 'open added'], 'only the witness was told');
    await mayWatch(client, 'revoked', rule, 'team-a');
    await seen.sees('open', ['added', 'modified']);
    await seen.sees('private', ['added']);
    const [, deleted] = await seen.sees('doomed', ['added', 'deleted']);
    assert.equal(deleted?.synthetic, true);
  },
);

test('an account that consents no more is used no more', { skip }, async () => {
  const { client, replica } = theWorld();
  await makeAccount(client, 'team-a', 'consents');
  await mayWatch(client, 'consents', rule, 'team-a');
  const seen = await record(theWorld(), 'consents', configMaps, { account: 'consents' });
  await seen.ready();
  await writeConfigMap(client, 'before-refusal');
  await seen.sees('before-refusal', ['added']);
  const { triggers } = replica.events.stats();
  await makeAccount(client, 'team-a', 'consents', false);
  assert.equal(replica.program.controller.refresh(seen.uid), true);
  await eventually('its trigger is followed no more', () => replica.events.stats().triggers === triggers - 1);
  await conditionStands(client, seen.path, 'ResolvedRefs=False/NotConsented');
  await writeConfigMap(client, 'after-refusal');
  await makeAccount(client, 'team-a', 'consents');
  replica.program.controller.refresh(seen.uid);
  await seen.sees('after-refusal', ['added']);
});

test('every object is read as somebody who consented, and the roles of the chart are enough', { skip }, () => {
  assert.ok(cluster);
  const lines = cluster.plane.audit().filter(({ user }) => user.username === controller);
  const objects = lines.filter(
    ({ verb, objectRef }) =>
      objectRef?.resource === 'configmaps' && objectRef.namespace !== 'moonhook' && verb !== 'get',
  );
  assert.ok(objects.length > 10, 'the control: they were listed and watched');
  const accounts = new Set(objects.map(({ impersonatedUser }) => impersonatedUser?.username));
  for (const account of accounts) assert.match(account ?? 'nobody', /^system:serviceaccount:team-a:/);
  const own = lines.filter(({ impersonatedUser }) => impersonatedUser === undefined);
  const refused = own.filter(({ responseStatus }) => responseStatus?.code === 403);
  assert.deepEqual(
    refused.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ''} ${objectRef?.namespace ?? ''}`),
    [],
  );
  const verbs = new Set(lines.filter((line) => line.impersonatedUser !== undefined).map(({ verb }) => verb));
  assert.deepEqual([...verbs].toSorted(), ['list', 'watch']);
});
