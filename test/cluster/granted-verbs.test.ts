/**
 * Two controllers as programs and a runtime, with nothing but the rights of the chart, through everything they do: a leader
 * that is killed, and the audit log of it all.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { renderedObjects } from '../chart/render-chart.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../link/runtime-process.ts';
import type { AuditLine } from '../kube/control-plane.ts';
import { eventually } from '../builders/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { freePorts } from '../kube/programs.ts';
import { apply, conditionStands, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { installationNamespace, installRights, serveThrough } from '../kube/run-installation.ts';
import { makeRuntimePod, makeToken } from '../kube/runtime-pod.ts';
import { bodyOf, clientOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({
  apiServerFlags: proxy.flags,
  // The control of a test below.
  asks: ['list /secrets'],
});
const root = join(import.meta.dirname, '..', '..');
const controllerAccount = `system:serviceaccount:${installationNamespace}:moonhook-controller`;
const hooksAccount = 'system:serviceaccount:team-a:hooks';
const rbac = 'rbac.authorization.k8s.io';

const chartValues = { policy: { egress: { clusterServices: 'Own' } } };

interface Replica {
  readonly name: string;
  readonly link: number;
  readonly api: number;
  readonly admin: number;
  readonly child: ChildProcess;
  said(): string;
}

async function startReplica(name: string, kubeconfig: string, policy: string): Promise<Replica> {
  const [link = 0, api = 0, admin = 0] = await freePorts(3);
  const child = spawn(
    process.execPath,
    [join(root, 'src/cli/main.ts'), 'controller', '--kubeconfig', kubeconfig, '--policy', policy],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        POD_NAME: name,
        POD_NAMESPACE: installationNamespace,
        MOONHOOK_AGGREGATED_API: 'true',
        MOONHOOK_LISTEN_HOST: '127.0.0.1',
        MOONHOOK_LINK_PORT: String(link),
        MOONHOOK_API_PORT: String(api),
        MOONHOOK_ADMIN_PORT: String(admin),
      },
    },
  );
  after(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const ready = async (): Promise<boolean> => {
    try {
      return (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok;
    } catch {
      return false;
    }
  };
  await eventually(`${name} is ready`, ready, () => said);
  return { name, link, api, admin, child, said: () => said };
}

/** What the functions refer to, and may do. */
async function makeTenant({ client }: TestCluster): Promise<void> {
  const core = '/api/v1/namespaces/team-a';
  const labels = { 'moonhook.dev/functions': 'true', 'moonhook.dev/code': 'true' };
  const make = (place: string, kind: string, name: string, rest: object): Promise<KubeObject> =>
    apply(client, `${core}/${place}/${name}`, { apiVersion: 'v1', kind, metadata: { name, labels }, ...rest });
  await make('serviceaccounts', 'ServiceAccount', 'hooks', {});
  await make('secrets', 'Secret', 'keys', { stringData: { key: 'not-for-anybody-0123456789' } });
  await make('secrets', 'Secret', 'unrelated', { stringData: { key: 'nobody-refers-to-it' } });
  await make('configmaps', 'ConfigMap', 'settings', { data: { colour: 'blue' } });
  await make('configmaps', 'ConfigMap', 'code', {
    data: {
      'reads.lua': `return {
        web = function()
          local map, err = k8s.get("v1", "ConfigMap", "settings")
          return map and map.data.colour or tostring(err)
        end,
        maps = function(event) log.info(event.name) end,
        call = function() return "called" end,
      }`,
    },
  });
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }];
  for (const [place, kind, rest] of [
    ['roles', 'Role', { rules }],
    [
      'rolebindings',
      'RoleBinding',
      {
        roleRef: { apiGroup: rbac, kind: 'Role', name: 'hooks' },
        subjects: [{ kind: 'ServiceAccount', name: 'hooks', namespace: 'team-a' }],
      },
    ],
  ] as const) {
    await apply(client, `/apis/${rbac}/v1/namespaces/team-a/${place}/hooks`, {
      apiVersion: `${rbac}/v1`,
      kind,
      metadata: { name: 'hooks' },
      ...rest,
    });
  }
}

async function startRuntime(
  { client }: TestCluster,
  replicas: readonly Replica[],
  name: string,
): Promise<RuntimeProcess> {
  const { pod, token } = await makeRuntimePod(client, { namespace: installationNamespace }, name);
  const authority = bodyOf(
    await client.request<{ readonly data: Readonly<Record<string, string>> }>({
      path: `/api/v1/namespaces/${installationNamespace}/configmaps/moonhook-ca`,
    }),
  ).data['ca.crt'];
  assert.ok(authority !== undefined);
  const runtime = await startRuntimeProcess(pod.metadata, undefined, {
    controllers: replicas.map(({ link }) => link),
    token,
    authority,
    serverName: `moonhook-link.${installationNamespace}.svc`,
  });
  after(() => runtime.close());
  return runtime;
}

async function start(own: TestCluster) {
  const { client, plane } = own;
  const kubeconfig = join(plane.folder, 'controller.kubeconfig');
  writeFileSync(kubeconfig, await installRights(own, ['team-a', 'team-b'], chartValues));
  const policy = join(plane.folder, 'policy.yaml');
  writeFileSync(policy, JSON.stringify(chartValues['policy']));
  await makeTenant(own);
  const replicas = [
    await startReplica('controller-0', kubeconfig, policy),
    await startReplica('controller-1', kubeconfig, policy),
  ];
  const runtime = await startRuntime(own, replicas, 'moonhook-runtime-0');
  const { pod } = runtime;
  await serveThrough(own, replicas[0]?.api ?? 0);
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${installationNamespace}/endpointslices`;
  await apply(client, `${slices}/moonhook-a`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'moonhook-a', labels: { 'kubernetes.io/service-name': 'moonhook' } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: ['10.0.0.1'],
        targetRef: { kind: 'Pod', namespace: installationNamespace, name: pod.name, uid: pod.uid },
      },
    ],
    ports: [],
  });
  await apply(
    client,
    functionPath('team-a', 'reads'),
    webhookFunction('reads', {
      codeFrom: { configMapKeyRef: { name: 'code', key: 'reads.lua' } },
      env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } }],
      serviceAccountName: 'hooks',
      triggers: [openTrigger('reads'), { name: 'maps', kubernetes: { apiVersion: 'v1', kind: 'ConfigMap' } }],
    }),
  );
  await conditionStands(client, functionPath('team-a', 'reads'), 'Ready=True/Ready');
  const call = async (): Promise<string> => (await fetch(`${runtime.publicUrl}/team-a/reads`)).text();
  return { ...own, replicas, runtime, kubeconfig, call };
}

const started = cluster === undefined ? undefined : await start(cluster);

async function leaderOf({ client }: TestCluster): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${installationNamespace}/leases/moonhook-controller`;
  interface Lease extends KubeObject {
    readonly spec?: { readonly holderIdentity?: string };
  }
  return bodyOf(await client.request<Lease>({ path })).spec?.holderIdentity?.split('_')[0] ?? '';
}

/** The holder's, who cannot renew it any more: when another may take it. */
async function setLease({ client }: TestCluster, leaseDurationSeconds: number): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${installationNamespace}/leases/moonhook-controller`;
  const contentType = 'application/merge-patch+json';
  bodyOf(await client.request({ method: 'PATCH', path, contentType, body: { spec: { leaseDurationSeconds } } }));
}

test(
  'Kubernetes calls and token checks go on, and a new runtime starts, while the leader is killed and another takes over',
  { skip },
  async () => {
    assert.ok(started);
    const { client, replicas, runtime, call } = started;
    assert.equal(await call(), 'blue');
    // Active calls, each with a token that was not checked before.
    await apply(client, `/apis/${rbac}/v1/namespaces/team-a/rolebindings/calls`, {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'calls' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'moonhook-edit' },
      subjects: [{ kind: 'ServiceAccount', name: 'hooks', namespace: 'team-a' }],
    });
    const activeCall = async (): Promise<string> => {
      const token = await makeToken(client, 'team-a', 'hooks', { audiences: ['moonhook'] });
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${runtime.callsUrl}/function/team-a/reads`, { method: 'POST', headers })).text();
    };
    await eventually('the right to call is known', async () => (await activeCall()) === 'called');

    const name = await leaderOf(started);
    const leader = replicas.find((each) => each.name === name);
    const other = replicas.find((each) => each !== leader);
    assert.ok(leader && other, name);
    const gone = once(leader.child, 'exit');
    leader.child.kill('SIGKILL');
    await gone;
    // Nobody leads until the end of this: the lease does not run out.
    await setLease(started, 3_600);
    const answers = new Map<string, number>();
    let checks = 0;
    const takesOver = async (): Promise<boolean> => {
      for (const said of [`reads ${await call()}`, `calls ${await activeCall()}`]) {
        answers.set(said, (answers.get(said) ?? 0) + 1);
        checks += 1;
      }
      return (await leaderOf(started)) === other.name;
    };
    const fresh = await startRuntime(started, replicas, 'moonhook-runtime-1');
    let served = '';
    await eventually(
      'a runtime that starts without a leader serves',
      async () => {
        assert.equal(await takesOver(), false);
        if (await fresh.ready()) served = await (await fetch(`${fresh.publicUrl}/team-a/reads`)).text();
        return served === 'blue';
      },
      () => [served, fresh.log().slice(-2000)],
      120_000,
    );
    await fresh.close();
    await setLease(started, 1);
    await eventually('the other one leads', takesOver, other.said, 120_000);
    assert.deepEqual([...answers.keys()].toSorted(), ['calls called', 'reads blue']);
    assert.ok(checks >= 4, `${checks} calls were made meanwhile`);
    const metrics = await (await fetch(`http://127.0.0.1:${other.admin}/metrics`)).text();
    assert.match(metrics, /^moonhook_kubernetes_calls_total\{operation="get",outcome="ok"\} [1-9]/m);
    // And it does what a leader does.
    await apply(client, functionPath('team-a', 'later'), webhookFunction('later', { code: 'return function() end' }));
    await conditionStands(client, functionPath('team-a', 'later'), 'Ready=True/Ready');
  },
);

test('the audit log holds nothing that the roles of the chart do not grant', { skip }, async () => {
  assert.ok(started);
  const { plane } = started;
  const lines = plane.audit();
  const own = lines.filter(({ user, impersonatedUser }) => {
    return user.username === controllerAccount && impersonatedUser === undefined;
  });
  const refused = (line: AuditLine): boolean => line.responseStatus?.code === 403;
  assert.deepEqual(own.filter(refused).map(say), []);
  // It has done what it is there for, or this says nothing.
  const done = new Set(own.map(say));
  for (const wanted of [
    'list moonhook.dev/webhookfunctions',
    'watch moonhook.dev/webhooksubscriptions',
    'patch moonhook.dev/webhookfunctions/status team-a',
    'create authentication.k8s.io/tokenreviews',
    'create authorization.k8s.io/subjectaccessreviews',
    'list /services',
    'get /configmaps team-a',
    `watch discovery.k8s.io/endpointslices ${installationNamespace}`,
    `update coordination.k8s.io/leases ${installationNamespace}`,
  ]) {
    assert.ok(done.has(wanted), `${wanted} is not among\n${[...done].toSorted().join('\n')}`);
  }
});

test('the roles grant nothing that the controller does not do', { skip }, () => {
  assert.ok(started);
  const done = new Set(
    started.plane
      .audit()
      .filter(({ user, impersonatedUser }) => user.username === controllerAccount && impersonatedUser === undefined)
      .map(({ verb, objectRef = {} }) => {
        const { apiGroup = '', resource = '', subresource } = objectRef;
        return `${verb} ${apiGroup}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
      }),
  );
  const granted = renderedObjects(chartValues)
    .filter(({ kind, metadata }) => kind.endsWith('Role') && metadata.name === 'moonhook-controller')
    .flatMap(({ rules }) => rules as readonly Readonly<Record<string, readonly string[]>>[])
    .flatMap(({ apiGroups = [], resources = [], verbs = [] }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    );
  assert.ok(granted.length > 15);
  // Certificates are renewed after months; nobody made a subscription; namespaces are listed when one seems gone.
  const seldom = [
    'patch moonhook.dev/webhooksubscriptions/status',
    'list /namespaces',
    'update /secrets',
    'update /configmaps',
  ];
  assert.deepEqual(
    granted.filter((each) => !done.has(each) && !seldom.includes(each)),
    [],
  );
});

test(
  'Secrets are read one by one where they are referred to, and accounts act where functions name them',
  { skip },
  () => {
    assert.ok(started);
    const lines = started.plane.audit().filter(({ user }) => user.username === controllerAccount);
    const secrets = new Set(
      lines
        .filter(({ objectRef }) => objectRef?.resource === 'secrets')
        .map(({ verb, objectRef, impersonatedUser }) => {
          assert.equal(impersonatedUser, undefined);
          return `${verb} ${objectRef?.namespace}/${objectRef?.name ?? '*'}`;
        }),
    );
    const certificates = `${installationNamespace}/moonhook-certificates`;
    const allowed = new Set([
      'get team-a/keys',
      ...['get', 'create', 'update', 'patch'].map((verb) => `${verb} ${certificates}`),
      `create ${installationNamespace}/*`,
    ]);
    assert.deepEqual(
      [...secrets].filter((each) => !allowed.has(each)),
      [],
    );
    assert.ok(secrets.has('get team-a/keys'));
    const actors = new Set(lines.flatMap(({ impersonatedUser }) => impersonatedUser?.username ?? []));
    assert.deepEqual([...actors], [hooksAccount]);
  },
);

test('a runtime never speaks to the API server, and what is not granted would be noticed', { skip }, async () => {
  assert.ok(started);
  const { plane, kubeconfig } = started;
  const runtime = `system:serviceaccount:${installationNamespace}:moonhook-runtime`;
  assert.deepEqual(
    plane
      .audit()
      .filter(({ user }) => user.username === runtime)
      .map(say),
    [],
  );
  const client = clientOf(kubeconfig);
  after(() => client.close());
  // The controls.
  const listed = await client.request({ path: '/api/v1/secrets' });
  const foreign = await client.request({ path: '/api/v1/namespaces/kube-system/secrets/any' });
  const acting = await client.request({
    path: '/api/v1/namespaces/default/pods',
    impersonate: 'system:serviceaccount:default:default',
  });
  for (const answer of [listed, foreign, acting]) assert.ok(!answer.ok && answer.status === 403);
  const refused = plane
    .audit()
    .filter(({ user, responseStatus }) => user.username === controllerAccount && responseStatus?.code === 403);
  assert.ok(refused.map(say).includes('list /secrets'));
});

/** `verb group/resource/subresource namespace` */
function say({ verb, objectRef }: AuditLine): string {
  const { apiGroup = '', resource = '', subresource, namespace } = objectRef ?? {};
  const path = [apiGroup, resource, ...(subresource === undefined ? [] : [subresource])].join('/');
  return `${verb} ${path}${namespace === undefined ? '' : ` ${namespace}`}`;
}
