/**
 * The disruption budgets and autoscalers of the chart before the controllers that act on them: whose pods a budget means,
 * how many of them may be evicted, what an autoscaler scales, and by which figures.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { issueCertificate, makeAuthority } from '../../src/controller/certificates/make-certificates.ts';
import type { KubeObject as Object_ } from '../../src/controller/kube-object.ts';
import { eventually } from '../builders/eventually.ts';
import { renderedObjects, type KubeObject } from '../chart/render-chart.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { apply } from '../kube/run-controller.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({
  crds: false,
  controllerManager: true,
  apiServerFlags: proxy.flags,
  controllerManagerFlags: [
    '--horizontal-pod-autoscaler-sync-period=1s',
    '--horizontal-pod-autoscaler-cpu-initialization-period=0s',
    '--horizontal-pod-autoscaler-initial-readiness-delay=0s',
  ],
});
const namespace = 'moonhook-system';
const wanted = new Set([
  'ServiceAccount',
  'Deployment',
  'StatefulSet',
  'PodDisruptionBudget',
  'HorizontalPodAutoscaler',
]);
const database = (secretName: string): object => ({ postgres: { enabled: true, urlFrom: { secretName, key: 'url' } } });
const objects = renderedObjects({
  store: database('main'),
  'runtime.replicas': 3,
  runtimeGroups: [
    { name: 'payments', namespaces: ['bank'] },
    { name: 'big', namespaces: ['lake'], runtime: { autoscaling: { enabled: true } }, store: database('lake') },
  ],
}).filter(({ kind }) => wanted.has(kind));

interface Pod extends Object_ {
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
}

interface Budget extends Object_ {
  readonly status: Readonly<
    Record<'expectedPods' | 'currentHealthy' | 'desiredHealthy' | 'disruptionsAllowed', number>
  >;
}

const podsPath = `/api/v1/namespaces/${namespace}/pods`;

async function pods({ client }: TestCluster, selector = ''): Promise<readonly Pod[]> {
  const query = selector === '' ? {} : { labelSelector: selector };
  return bodyOf(await client.request<{ readonly items: readonly Pod[] }>({ path: podsPath, query })).items;
}

/** What a kubelet would say of them. */
async function makeReady(own: TestCluster): Promise<void> {
  const startTime = new Date().toISOString();
  for (const { metadata, spec } of await pods(own)) {
    const conditions = ['Ready', 'ContainersReady'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: startTime,
    }));
    const containerStatuses = spec.containers.map(({ name }) => ({
      name,
      ready: true,
      image: 'none',
      imageID: 'none',
      restartCount: 0,
      state: { running: { startedAt: startTime } },
    }));
    const told = await own.client.request({
      method: 'PATCH',
      path: `${podsPath}/${metadata.name}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { phase: 'Running', startTime, conditions, containerStatuses } },
    });
    // One that went meanwhile is told nothing.
    if (told.status !== 404) bodyOf(told);
  }
}

/** Figures of use as a metrics server has them: every pod uses that many thousandths of a processor. */
async function serveFigures(own: TestCluster, millis: number): Promise<void> {
  const validity = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 };
  const { certificate, key } = await issueCertificate(
    await makeAuthority('figures', validity),
    ['localhost'],
    validity,
    'serverAuth',
  );
  const groupVersion = 'metrics.k8s.io/v1beta1';
  const resource = { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] };
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const url = new URL(request.url ?? '', 'https://localhost');
    const answer = (body: unknown): void => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    };
    if (!url.pathname.endsWith('/pods')) {
      answer({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [resource] });
      return;
    }
    void pods(own, url.searchParams.get('labelSelector') ?? '').then((found) => {
      const items = found.map(({ metadata, spec }) => ({
        metadata: { name: metadata.name, namespace, labels: metadata.labels ?? {} },
        timestamp: new Date().toISOString(),
        window: '30s',
        containers: spec.containers.map(({ name }) => ({ name, usage: { cpu: `${millis}m`, memory: '100Mi' } })),
      }));
      answer({ kind: 'PodMetricsList', apiVersion: groupVersion, metadata: {}, items });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  await apply(own.client, '/api/v1/namespaces/default/services/figures', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'figures' },
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ name: 'api', port }] },
  });
  await apply(own.client, '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io', {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1beta1.metrics.k8s.io' },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { namespace: 'default', name: 'figures', port },
    },
  });
}

const budgetPath = (name: string): string => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/${name}`;

const evict = async ({ client }: TestCluster, name: string): Promise<number> =>
  (
    await client.request({
      method: 'POST',
      path: `${podsPath}/${name}/eviction`,
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } },
    })
  ).status;

test('each budget means the pods of one workload and lets one of them go, and no second', { skip }, async () => {
  assert.ok(cluster);
  const own = cluster;
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  assert.equal((await own.kubectl(['create', 'namespace', namespace])).code, 0);
  const made = await own.kubectl(['apply', '--server-side', '-f', '-'], list);
  assert.equal(made.code, 0, made.stderr);
  const runtimes = 'app.kubernetes.io/component=runtime';
  await eventually('the pods of the default group', async () => (await pods(own, runtimes)).length === 3);
  const expected: Readonly<Record<string, number>> = {
    'moonhook-controller': 2,
    'moonhook-runtime': 3,
    'moonhook-runtime-big': 2,
  };
  const names = objects.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
  assert.deepEqual(names.toSorted(), Object.keys(expected));
  for (const [name, count] of Object.entries(expected)) {
    let last: Budget['status'] | undefined;
    await eventually(
      `the budget ${name} lets one go`,
      async () => {
        await makeReady(own);
        last = bodyOf(await own.client.request<Budget>({ path: budgetPath(name) })).status;
        return last.expectedPods === count && last.currentHealthy === count && last.disruptionsAllowed === 1;
      },
      () => last,
      60_000,
    );
  }
  const [first, second] = await pods(own, runtimes);
  assert.ok(first && second);
  assert.equal(await evict(own, first.metadata.name), 201);
  let status = 0;
  // What takes its place is not ready.
  await eventually(
    'the second stays',
    async () => (status = await evict(own, second.metadata.name)) === 429,
    () => status,
  );
});

interface Autoscaler extends Object_ {
  readonly status?: {
    readonly currentReplicas?: number;
    readonly desiredReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

test('an autoscaler finds what it scales and the figures of its pods, and acts by them', { skip }, async () => {
  assert.ok(cluster);
  const own = cluster;
  const autoscalers = objects.filter(({ kind }: KubeObject) => kind === 'HorizontalPodAutoscaler');
  assert.deepEqual(
    autoscalers.map(({ metadata }) => metadata.name),
    ['moonhook-runtime-big'],
  );
  const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers/moonhook-runtime-big`;
  let last: Autoscaler['status'];
  const stands = (what: string, condition: string, replicas: number): Promise<unknown> =>
    eventually(
      what,
      async () => {
        await makeReady(own);
        last = bodyOf(await own.client.request<Autoscaler>({ path })).status;
        const conditions = (last?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`);
        return conditions.includes(condition) && (last?.desiredReplicas ?? 0) >= replicas;
      },
      () => last,
      60_000,
    );
  await stands('the control: without figures it says so', 'ScalingActive=False/FailedGetResourceMetric', 0);
  // The chart asks for 500m: 90 per cent, and 70 are the goal.
  await serveFigures(own, 450);
  await stands('it has its figures and wants more', 'ScalingActive=True/ValidMetricFound', 3);
  const scaled = ['-n', namespace, 'get', 'deployment', 'moonhook-runtime-big', '-o', 'jsonpath={.spec.replicas}'];
  let replicas = '';
  await eventually(
    'the Deployment is scaled',
    async () => Number((replicas = (await own.kubectl(scaled)).stdout)) >= 3,
    () => replicas,
  );
  const others = ['-n', namespace, 'get', 'deployment', 'moonhook-runtime', '-o', 'jsonpath={.spec.replicas}'];
  assert.equal((await own.kubectl(others)).stdout, '3', 'the control: nobody scales the group without one');
});
