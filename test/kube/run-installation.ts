/**
 * An installation as the chart makes it, without a node to run its pods: the controller in this process with the chart's
 * own rights, a runtime as a process, and the aggregated API reached through the real API server.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { startAggregatedApi } from '../../src/controller/aggregated-api/start-aggregated-api.ts';
import { startClusterEvents } from '../../src/controller/cluster-events/start-cluster-events.ts';
import { startLinks, type LinkedParts } from '../../src/controller/link/start-links.ts';
import { runController, type PartContext } from '../../src/controller/run-controller.ts';
import { readControllerSettings } from '../../src/settings/controller-settings.ts';
import { renderedObjects, type ChartValues } from '../chart/render-chart.ts';
import { keptLog } from '../link/cluster.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../link/runtime-process.ts';
import { kubeconfigOf } from './control-plane.ts';
import { eventually } from '../builders/eventually.ts';
import { apply, makeNamespace } from './run-controller.ts';
import { makeRuntimePod, makeToken } from './runtime-pod.ts';
import { bodyOf, type TestCluster } from './with-control-plane.ts';

export const installationNamespace = 'moonhook-system';
/** Name in the controllers' certificate. */
export const linkServerName = `moonhook-link.${installationNamespace}.svc`;
const account = 'moonhook-controller';
/** What a cluster gets of the chart; the rest would be run by nodes. */
const applied = new Set(['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'APIService']);

export interface Installation {
  readonly runtime: RuntimeProcess;
  /** Of the aggregated API's own listener. */
  readonly apiPort: number;
  readonly linkPort: number;
  /** PEM of the authorities it is signed by. */
  readonly authorities: string;
  /** Lines of the controller's log. */
  readonly log: readonly string[];
  /** Another runtime, of the group `default` unless said otherwise. */
  addRuntime(name: string, group?: string, more?: Readonly<Record<string, string>>): Promise<RuntimeProcess>;
  /** Metrics of the controller, as they are scraped. */
  metrics(): Promise<string>;
  /** The policy that the chart makes of these values holds from now on. */
  setPolicy(values: ChartValues): void;
  /** A kubeconfig of a ServiceAccount that is bound to these ClusterRoles in these namespaces. */
  userWith(name: string, roles: Readonly<Record<string, readonly string[]>>): Promise<string>;
}

/** Starts it; resolves when the API server says that the aggregated API is available. */
export async function runInstallation(
  cluster: TestCluster,
  tenants: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  /** Of the chart: accounts of runtime groups, and the policy. */
  values: ChartValues = {},
): Promise<Installation> {
  const { client, plane } = cluster;
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-installation-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const kubeconfig = join(folder, 'controller.kubeconfig');
  writeFileSync(kubeconfig, await installRights(cluster, tenants, values));
  const policy = join(folder, 'policy.yaml');
  const setPolicy = (given: ChartValues): void => writeFileSync(policy, policyOf(given));
  setPolicy(values);
  const user = `system:serviceaccount:${installationNamespace}:${account}`;
  await standing(client, user, [
    { verb: 'list', group: 'moonhook.dev', resource: 'webhookfunctions' },
    { verb: 'get', resource: 'secrets', name: 'moonhook-certificates', namespace: installationNamespace },
    { verb: 'get', resource: 'configmaps', name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    ...tenants.map((namespace) => ({ verb: 'get', resource: 'secrets', namespace })),
  ]);
  const read = readControllerSettings({ kubeconfig, namespace: installationNamespace, policy }, 'controller-0', {
    MOONHOOK_LINK_PORT: '0',
    MOONHOOK_API_PORT: '0',
    MOONHOOK_ADMIN_PORT: '0',
    MOONHOOK_AGGREGATED_API: 'true',
  });
  assert.ok(read.ok);
  let links: (LinkedParts & { close(): Promise<void> }) | undefined;
  let api: Awaited<ReturnType<typeof startAggregatedApi>> | undefined;
  const log = keptLog();
  const running = await runController({
    settings: read.settings,
    log,
    version: 'test',
    parts: [
      async (context: PartContext) => (links = await startLinks(context)),
      async (context: PartContext) => {
        assert.ok(links);
        return (api = await startAggregatedApi(context, links));
      },
      async (context: PartContext) => {
        assert.ok(links);
        return startClusterEvents(context, links.server);
      },
    ],
  });
  assert.ok(running.ok, running.ok ? '' : running.mistakes.join('\n'));
  after(() => running.program.stop());
  assert.ok(links !== undefined && api !== undefined);
  const { authorities } = links.certificates.current();
  const { port: linkPort } = links.server;
  const addRuntime: Installation['addRuntime'] = async (name, group = 'default', more = {}) => {
    const { pod, token } = await makeRuntimePod(client, { namespace: installationNamespace, group }, name);
    const made = await startRuntimeProcess(pod.metadata, undefined, {
      controllers: [linkPort],
      token,
      authority: authorities,
      serverName: linkServerName,
      environment: { ...environment, MOONHOOK_GROUP: group, ...more },
    });
    after(() => made.close());
    return made;
  };
  const runtime = await addRuntime('moonhook-runtime-0');
  await serveThrough(cluster, api.port);
  return {
    runtime,
    apiPort: api.port,
    linkPort,
    authorities,
    addRuntime,
    setPolicy,
    metrics: async () => (await fetch(`http://127.0.0.1:${running.program.adminPort}/metrics`)).text(),
    log: log.lines,
    userWith: async (name, roles) => {
      await apply(client, `/api/v1/namespaces/default/serviceaccounts/${name}`, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name },
      });
      for (const [namespace, bound] of Object.entries(roles)) {
        for (const role of bound) await bind(client, namespace, role, name);
      }
      const wanted = Object.entries(roles).flatMap(([namespace, bound]) =>
        bound.map((role) => ({
          ...provesRole[role],
          group: 'run.moonhook.dev',
          ...(namespace === '*' ? {} : { namespace }),
        })),
      );
      await standing(client, `system:serviceaccount:default:${name}`, wanted);
      const path = join(folder, `${name}.kubeconfig`);
      writeFileSync(path, kubeconfigOf(plane.server, plane.ca, await makeToken(client, 'default', name, {})));
      return path;
    },
  };
}

/** The policy as the chart makes it of these values. */
function policyOf(values: ChartValues): string {
  const found = renderedObjects(values).find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'moonhook-policy',
  );
  return found?.['data']['policy.yaml'] as string;
}

/** The accounts and roles of the chart; answers a kubeconfig of the controller's own account. */
export async function installRights(
  { client, plane, kubectl }: TestCluster,
  tenants: readonly string[],
  values: ChartValues = {},
): Promise<string> {
  for (const name of [installationNamespace, ...tenants]) await makeNamespace(client, name);
  const items = renderedObjects({ ...values, 'tenants.namespaces': tenants }).filter(({ kind }) => applied.has(kind));
  // One command for all: a start of kubectl takes longer than what it does.
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const made = await kubectl(['apply', '--server-side', '-f', '-'], list);
  assert.equal(made.code, 0, made.stderr);
  const token = await makeToken(client, installationNamespace, account, {});
  return kubeconfigOf(plane.server, plane.ca, token);
}

/** A right that only this role gives. */
const provesRole: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'moonhook-view': { verb: 'list', resource: 'calls' },
  'moonhook-edit': { verb: 'create', resource: 'functions', subresource: 'invoke', name: 'x' },
  'moonhook-admin': { verb: 'get', resource: 'functions', subresource: 'kv', name: 'x' },
};

/** Waits until the API server has taken note of bindings that were just made. */
async function standing(
  client: TestCluster['client'],
  user: string,
  wanted: readonly Readonly<Record<string, string>>[],
): Promise<void> {
  for (const resourceAttributes of wanted) {
    await eventually(`${user} may ${JSON.stringify(resourceAttributes)}`, async () => {
      const answer = await client.request<{ readonly status: { readonly allowed: boolean } }>({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user, groups: ['system:serviceaccounts'], resourceAttributes },
        },
      });
      return bodyOf(answer).status.allowed;
    });
  }
}

/** The Service as this machine can have it: a name that leads here. */
export async function serveThrough({ client, kubectl }: TestCluster, port: number): Promise<void> {
  await apply(client, `/api/v1/namespaces/${installationNamespace}/services/moonhook-api`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'moonhook-api' },
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ name: 'api', port, targetPort: port }] },
  });
  const patch = JSON.stringify({ spec: { service: { port } } });
  const name = 'apiservice/v1alpha1.run.moonhook.dev';
  const patched = await kubectl(['patch', name, '--type=merge', '-p', patch]);
  assert.equal(patched.code, 0, patched.stderr);
  let said = '';
  await eventually(
    'the aggregated API is available',
    async () => {
      const asked = await kubectl([
        'get',
        name,
        '-o',
        'jsonpath={.status.conditions[*].message}{.status.conditions[*].status}',
      ]);
      said = asked.stdout;
      return said.endsWith('True');
    },
    () => said,
  );
}

async function bind(client: TestCluster['client'], namespace: string, role: string, name: string): Promise<void> {
  const kind = namespace === '*' ? 'ClusterRoleBinding' : 'RoleBinding';
  const root = '/apis/rbac.authorization.k8s.io/v1';
  const place = namespace === '*' ? `${root}/clusterrolebindings` : `${root}/namespaces/${namespace}/rolebindings`;
  await apply(client, `${place}/${name}-${role}`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name: `${name}-${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
  });
}
