/** `moonhook dev --kube`: a folder on this machine, kubernetes triggers and `k8s.*` on a real API server. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';
import { kubeconfigOf } from '../kube/control-plane.ts';
import { eventually } from '../builders/eventually.ts';
import { apply, makeNamespace } from '../kube/run-controller.ts';
import { bodyOf, useCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster({ crds: false });
const rbac = 'rbac.authorization.k8s.io/v1';

if (cluster !== undefined) {
  const { client } = cluster;
  await makeNamespace(client, 'team-a');
  for (const [name, consents] of [
    ['hooks', 'true'],
    ['silent', 'false'],
  ] as const) {
    await apply(client, `/api/v1/namespaces/team-a/serviceaccounts/${name}`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, labels: { 'moonhook.dev/functions': consents } },
    });
  }
  await apply(client, `/apis/${rbac}/namespaces/team-a/roles/hooks`, {
    apiVersion: rbac,
    kind: 'Role',
    metadata: { name: 'hooks' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }],
  });
  await apply(client, `/apis/${rbac}/namespaces/team-a/rolebindings/hooks`, {
    apiVersion: rbac,
    kind: 'RoleBinding',
    metadata: { name: 'hooks' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'hooks' },
    // Both may read; only one consents.
    subjects: ['hooks', 'silent'].map((name) => ({ kind: 'ServiceAccount', name, namespace: 'team-a' })),
  });
}

async function configMap(name: string, data: Readonly<Record<string, string>>): Promise<void> {
  assert.ok(cluster);
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
  await apply<KubeObject>(cluster.client, `/api/v1/namespaces/team-a/configmaps/${name}`, body);
}

/** A function that reads objects and, where it has an account, hears of ConfigMaps. */
const file = (name: string, account: string | undefined): string => `
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name}, namespace: team-a }
spec:
  ${account === undefined ? '' : `serviceAccountName: ${account}`}
  code: |
    local heard = kv.shared("heard")
    return {
      web = function(event)
        local kind = event.request.query.kind or "ConfigMap"
        local object, err = k8s.get("v1", kind, event.request.query.name)
        return object and object.metadata.name or tostring(err)
      end,
      maps = function(event)
        kv.set(event.name .. ":" .. event.data.object.metadata.name, true)
      end,
      heard = function() return { json = kv.list("") } end,
    }
  triggers:
    - name: web
      http: { path: ${name}, receiver: { open: {} } }
    - name: heard
      http: { path: ${name}-heard, receiver: { open: {} } }
${account === undefined ? '' : '    - { name: maps, kubernetes: { apiVersion: v1, kind: ConfigMap } }'}
`;

async function text(local: LocalFixture, path: string): Promise<string> {
  return (await local.fetch(`/team-a/${path}`)).text();
}

const heard = async (local: LocalFixture, name: string, what: string): Promise<boolean> =>
  (await text(local, `${name}-heard`)).includes(what);

test('functions act as their ServiceAccount, and hear of what it may watch', { skip }, async (t) => {
  assert.ok(cluster);
  await configMap('before', {});
  const options = { kube: true, kubeconfig: cluster.plane.kubeconfig };
  const local = await startLocal(t, { files: { 'hook.yaml': file('hook', 'hooks') }, options });
  assert.match(local.run.cluster.join('\n'), /as the ServiceAccount of each function, through admin/);
  assert.ok(!local.lines.some((line) => line.includes('there is no cluster')), local.lines.join('\n'));
  assert.equal(await text(local, 'hook?name=before'), 'before');
  assert.match(await text(local, 'hook?kind=Secret&name=before'), /system:serviceaccount:team-a:hooks.*cannot get/);
  await local.line(/team-a\/hook: trigger maps follows the cluster/);
  await configMap('fresh', { a: '1' });
  await eventually('it was told', () => heard(local, 'hook', 'added:fresh'));
  assert.ok(!(await heard(local, 'hook', 'added:before')), 'what was there before is no news');
  bodyOf(await cluster.client.request({ method: 'DELETE', path: '/api/v1/namespaces/team-a/configmaps/fresh' }));
  await eventually('its end, too', () => heard(local, 'hook', 'deleted:fresh'));
  // An edit of the file is followed as any other.
  local.write('hook.yaml', file('hook', 'silent'));
  await local.line(/trigger maps: warning: .*system:serviceaccount:team-a:silent.*silent does not consent/);
  assert.match(await text(local, 'hook?name=before'), /silent does not consent: kubectl label/);
  const asked = cluster.plane.audit().filter(({ userAgent }) => userAgent === 'moonhook-dev/test');
  const acted = asked.filter(({ objectRef }) => objectRef?.resource === 'configmaps');
  assert.ok(acted.length > 0);
  for (const line of acted) assert.match(line.impersonatedUser?.username ?? '', /^system:serviceaccount:team-a:/);
});

test('what became of an object is told by its name: what ran, and why nothing did', { skip }, async (t) => {
  assert.ok(cluster);
  const hook = `
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: picky, namespace: team-a }
spec:
  serviceAccountName: hooks
  code: return function() end
  triggers:
    - name: maps
      kubernetes: { apiVersion: v1, kind: ConfigMap, events: [Added, Modified], changed: object.data.count }
      filter: object.data.wanted == "yes"
`;
  const options = { kube: true, kubeconfig: cluster.plane.kubeconfig };
  await configMap('old', {});
  const local = await startLocal(t, { files: { 'hook.yaml': hook }, options });
  await local.line(/team-a\/picky: trigger maps follows the cluster/);
  const story = async (name: string): Promise<string> => {
    const id = encodeURIComponent(`ConfigMap/team-a/${name}`);
    const headers = { authorization: `Bearer ${local.token}` };
    const answer = await fetch(`${local.run.addresses.admin}/-/api/explain?id=${id}`, { headers });
    return ((await answer.json()) as { readonly lines?: readonly string[] }).lines?.join('\n') ?? '';
  };
  const tells = (what: string, wanted: RegExp): Promise<boolean> =>
    eventually(
      `${what}: ${wanted.source}`,
      async () => wanted.test(await story('picked')),
      () => local.lines.slice(-5),
    );
  await configMap('picked', { wanted: 'no', count: '1' });
  await tells('turned away', /picky trigger maps · filtered\n.*\n.*event added.*\n.*filter turned the event away/);
  await configMap('picked', { wanted: 'yes', count: '2' });
  await tells('ran', /picky trigger maps · ok/);
  await configMap('picked', { wanted: 'yes', count: '2', other: 'x' });
  await tells('the same', /`changed` has the value it had/);
  bodyOf(await cluster.client.request({ method: 'DELETE', path: '/api/v1/namespaces/team-a/configmaps/picked' }));
  await tells('the end', /`events` do not name Deleted/);
  assert.equal(await story('old'), '', 'what was there at the start is only counted');
  const counted = async (reason: string): Promise<number> => {
    const metrics = await (await fetch(`${local.run.addresses.admin}/metrics`)).text();
    const line = `moonhook_kubernetes_states_skipped_total{reason="${reason}"} `;
    return Number(
      metrics
        .split('\n')
        .find((each) => each.startsWith(line))
        ?.slice(line.length) ?? 0,
    );
  };
  for (const reason of ['filter', 'unchanged', 'events', 'initial']) {
    await eventually(`${reason} is counted`, async () => (await counted(reason)) > 0);
  }
});

test('a function without an account has no rights; --as-me gives it one’s own, and says so', { skip }, async (t) => {
  assert.ok(cluster);
  await configMap('mine', {});
  const options = { kube: true, kubeconfig: cluster.plane.kubeconfig };
  const files = { 'bare.yaml': file('bare', undefined), 'silent.yaml': file('silent', 'silent') };
  const without = await startLocal(t, { files, options });
  assert.match(await text(without, 'bare?name=mine'), /has no ServiceAccount/);
  assert.match(await text(without, 'silent?name=mine'), /does not consent/);
  const own = await startLocal(t, { files, options: { ...options, asMe: true } });
  assert.match(own.run.cluster.join('\n'), /YOUR OWN rights as admin/);
  assert.equal(await text(own, 'bare?name=mine'), 'mine');
  assert.equal(await text(own, 'silent?name=mine'), 'mine');
  await own.line(/team-a\/silent: trigger maps follows the cluster/);
  await configMap('news', {});
  await eventually('it was told', () => heard(own, 'silent', 'added:news'));
});

test('a run goes on without its cluster, and says that it is away', { skip }, async (t) => {
  assert.ok(cluster);
  const kubeconfig = join(cluster.plane.folder, 'nowhere');
  writeFileSync(kubeconfig, kubeconfigOf('https://127.0.0.1:1', undefined, 'none'));
  const files = { 'hook.yaml': file('lonely', 'hooks') };
  const local = await startLocal(t, { files, options: { kube: true, kubeconfig } });
  assert.match(local.run.cluster.join('\n'), /127\.0\.0\.1:1 does not answer/);
  assert.match(await text(local, 'lonely?name=x'), /ServiceAccount hooks could not be read/);
});
