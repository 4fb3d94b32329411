/** `k8s.*` of functions: a runtime process, the real link, a real controller, a real API server and its RBAC. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startLinks } from '../../src/controller/link/start-links.ts';
import { runController, type StartPart } from '../../src/controller/run-controller.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import type { FunctionSpec } from '../../src/function/types.ts';
import { readControllerSettings } from '../../src/settings/controller-settings.ts';
import { eventually } from '../kube/eventually.ts';
import { apply, functionPath, makeNamespace, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';
import { keptLog } from '../link/cluster.ts';
import { startRuntimeProcess } from '../link/runtime-process.ts';

const { cluster, skip } = await useCluster();
const audience = 'moonhook-link.moonhook.moonhook.dev';
const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };

async function makeAccount(
  client: TestCluster['client'],
  namespace: string,
  name: string,
  consents: boolean,
): Promise<void> {
  const labels = consents ? { 'moonhook.dev/functions': 'true' } : {};
  const metadata = { name, labels };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
  await apply(client, path, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
}

async function start({ client, plane }: TestCluster) {
  for (const name of ['moonhook', 'team-a', 'team-b']) await makeNamespace(client, name);
  await makeAccount(client, 'moonhook', 'moonhook-runtime', false);
  await makeAccount(client, 'team-a', 'hooks', true);
  await makeAccount(client, 'team-a', 'powerless', true);
  const root = '/apis/rbac.authorization.k8s.io/v1/namespaces/team-a';
  await apply(client, `${root}/roles/hooks`, {
    ...rbac,
    kind: 'Role',
    metadata: { name: 'hooks' },
    rules: [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['*'] },
      // More than is needed, so that what is refused is refused by the controller.
      { apiGroups: [''], resources: ['serviceaccounts/token', 'pods/exec', 'pods/proxy'], verbs: ['*'] },
    ],
  });
  await apply(client, `${root}/rolebindings/hooks`, {
    ...rbac,
    kind: 'RoleBinding',
    metadata: { name: 'hooks' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'hooks' },
    subjects: [{ kind: 'ServiceAccount', name: 'hooks', namespace: 'team-a' }],
  });
  const settings = readControllerSettings({ kubeconfig: plane.kubeconfig }, 'controller-0', {
    MOONHOOK_LINK_PORT: '0',
    MOONHOOK_ADMIN_PORT: '0',
  });
  assert.ok(settings.ok);
  let links: Awaited<ReturnType<typeof startLinks>> | undefined;
  const part: StartPart = async (context) => (links = await startLinks(context));
  const running = await runController({ settings: settings.settings, log: keptLog(), version: 'test', parts: [part] });
  assert.ok(running.ok && links !== undefined);
  after(() => running.program.stop());
  const authority = bodyOf(
    await client.request<{ readonly data: Readonly<Record<string, string>> }>({
      path: '/api/v1/namespaces/moonhook/configmaps/moonhook-ca',
    }),
  ).data['ca.crt'];
  assert.ok(authority !== undefined);
  const pod = bodyOf(
    await client.request<KubeObject>({
      method: 'POST',
      path: '/api/v1/namespaces/moonhook/pods',
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'runtime-0', labels: { 'app.kubernetes.io/component': 'runtime' } },
        spec: { serviceAccountName: 'moonhook-runtime', containers: [{ name: 'runtime', image: 'none' }] },
      },
    }),
  );
  const { name, uid } = pod.metadata;
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
  const token = bodyOf(
    await client.request<{ readonly status: { readonly token: string } }>({
      method: 'POST',
      path: '/api/v1/namespaces/moonhook/serviceaccounts/moonhook-runtime/token',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [audience], expirationSeconds: 3600, boundObjectRef },
      },
    }),
  ).status.token;
  const runtime = await startRuntimeProcess(pod.metadata, undefined, {
    controllers: [links.server.port],
    token,
    authority,
    serverName: 'moonhook-link.moonhook.svc',
  });
  after(() => runtime.close());
  return { client, runtime };
}

const started = cluster === undefined ? undefined : await start(cluster);

let functions = 0;

/** Applies a function of team-a with this body and answers what its first call says. */
async function run(body: string, spec: Partial<FunctionSpec> = {}): Promise<string> {
  assert.ok(started);
  const { client, runtime } = started;
  const name = `calls-${(functions += 1)}`;
  const code = `local function told(value, err)
  if value == nil then return "nil " .. tostring(err.status) .. " " .. tostring(err.reason) .. " " .. err.message end
  return tostring(value)
end
return function(event)
${body}
end`;
  const hook = webhookFunction(name, {
    code,
    triggers: [openTrigger(name)],
    serviceAccountName: 'hooks',
    limits: { timeout: '30s' },
    ...spec,
  });
  await apply(client, functionPath('team-a', name), hook);
  let answer = '';
  await eventually(
    'it answers',
    async () => {
      const response = await fetch(`${runtime.publicUrl}/team-a/${name}`);
      answer = await response.text();
      return response.status === 200;
    },
    () => `${answer}\n${runtime.log()}`,
  );
  return answer;
}

async function configMap(name: string, data: Readonly<Record<string, string>>, namespace = 'team-a'): Promise<void> {
  assert.ok(started);
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  await apply(started.client, path, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { app: 'web' } },
    data,
  });
}

test('a function reads what its ServiceAccount may read, and is told what it may not', { skip }, async () => {
  await configMap('settings', { greeting: 'hello' });
  await configMap('settings', { greeting: 'foreign' }, 'team-b');
  assert.equal(
    await run(
      'local c = assert(k8s.get("v1", "ConfigMap", "settings")) return c.data.greeting .. tostring(c.metadata.managedFields)',
    ),
    'hellonil',
  );
  const read = (name: string, more = ''): string => `return told(k8s.get("v1", ${name}${more}))`;
  assert.match(await run(read('"Secret", "any"')), /^nil 403 Forbidden .*system:serviceaccount:team-a:hooks/);
  assert.match(await run(read('"ConfigMap", "absent"')), /^nil 404 NotFound /);
  assert.match(await run(read('"ConfigMap", "settings", { namespace = "team-b" }')), /^nil 403 Forbidden /);
  assert.match(await run(read('"Widget", "any"')), /^nil 404 NoSuchKind /);
  assert.match(
    await run(read('"ConfigMap", "settings"'), { serviceAccountName: 'powerless' }),
    /^nil 403 Forbidden .*team-a:powerless/,
  );
});
