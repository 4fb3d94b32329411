/** Every reason of every condition, reached by what somebody applies with the real kubectl and read back with it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { conditionReasons } from '../../src/function/reasons.ts';
import { eventually } from '../builders/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import {
  apply,
  conditionsOf,
  makeNamespace,
  openTrigger,
  webhookFunction,
  type StatusObject,
} from '../kube/run-controller.ts';
import { installationNamespace, linkServerName, runInstallation } from '../kube/run-installation.ts';
import { makeRuntimePod, setTakingTraffic } from '../kube/runtime-pod.ts';
import { useCluster, type KubectlResult, type TestCluster } from '../kube/with-control-plane.ts';
import { startRuntime, TestTokens } from '../link/cluster.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ apiServerFlags: proxy.flags });

/** Where a reason is reached that this file cannot reach. */
const elsewhere: Readonly<Record<string, string>> = {
  // The part that follows kubernetes triggers.
  KindNotFound: 'test/cluster/cluster-events-scope.test.ts',
  // What runtimes found when they sent.
  Healthy: 'test/cluster/controller.test.ts',
  Failing: 'test/cluster/controller.test.ts',
  SwitchedOffGone: 'test/cluster/controller.test.ts',
  SwitchedOffOnlyFailures: 'test/cluster/controller.test.ts',
  // Needs a second group of runtimes.
  MoveNotDeclared: 'test/cluster/runtime-groups.test.ts',
  // A cluster has no files.
  FileNotFound: 'src/routing/resolve-code.test.ts',
  FileUnreadable: 'src/local/local-inputs.test.ts',
};

type Spec = Readonly<Record<string, unknown>>;

interface Case {
  /** `Type=Status/Reason` */
  readonly stands: string;
  readonly spec: Spec;
  readonly namespace?: string;
  readonly kind?: 'WebhookSubscription';
}

const code = 'return function() return "ok" end';
const secretOf = (name: string, key = 'key'): Spec => ({ secretRefs: [{ name, key }] });
const guarded = (name: string, receiver: Spec): Spec => ({
  code,
  triggers: [{ name: 'web', http: { path: name, receiver } }],
});
const withEnv = (name: string, ref: Spec): Spec => ({
  code,
  env: [{ name: 'VALUE', valueFrom: ref }],
  triggers: [openTrigger(name)],
});
const runs = (name: string, own: string, more: Spec = {}): Spec => ({
  code: own,
  triggers: [openTrigger(name)],
  ...more,
});

const cases: Readonly<Record<string, Case>> = {
  ready: { stands: 'Ready=True/Ready', spec: runs('ready', code) },
  accepted: { stands: 'Accepted=True/Accepted', spec: runs('accepted', code) },
  resolved: { stands: 'ResolvedRefs=True/ResolvedRefs', spec: runs('resolved', code) },
  programmed: { stands: 'Programmed=True/Programmed', spec: runs('programmed', code) },
  suspended: { stands: 'Ready=True/Suspended', spec: runs('suspended', code, { suspend: true }) },
  'of-another-class': { stands: 'Ready=Unknown/Pending', spec: runs('another', code, { class: 'canary' }) },
  'never-runs': {
    stands: 'Accepted=False/Invalid',
    spec: { code, triggers: [{ name: 'never', schedule: { cron: '61 * * * *' } }] },
  },
  'too-large-memory': {
    stands: 'Accepted=False/PolicyDenied',
    spec: runs('large', code, { limits: { memory: '64Gi' } }),
  },
  'above-a-quota': { stands: 'Programmed=False/NotAccepted', spec: runs('quota', code), namespace: 'team-c' },
  'with-a-bad-receiver': {
    stands: 'Accepted=False/ReceiverInvalid',
    spec: guarded('bad', {
      hmac: { ...secretOf('keys'), signature: { header: 'x-sig' }, signed: '{timestamp}.{body}' },
    }),
  },
  'at-the-root': { stands: 'Accepted=False/HostNotAllowed', spec: runs('/at-the-root', code), namespace: 'team-b' },
  'with-a-bad-path': { stands: 'Accepted=False/RouteInvalid', spec: runs('a//b', code) },
  reserved: { stands: 'Accepted=False/RouteReserved', spec: runs('/function/x', code) },
  'large-code': {
    stands: 'Accepted=False/CodeTooLarge',
    spec: { codeFrom: { configMapKeyRef: { name: 'code', key: 'large' } }, triggers: [openTrigger('large-code')] },
  },
  'without-a-handler': { stands: 'Accepted=False/NoHandler', spec: runs('none', 'return { other = function() end }') },
  'broken-syntax': { stands: 'Accepted=False/LuaSyntax', spec: runs('syntax', 'return function(') },
  'fails-to-load': { stands: 'Accepted=False/LuaLoad', spec: runs('load', 'error("at the top")') },
  'of-no-shape': { stands: 'Accepted=False/LuaShape', spec: runs('shape', 'return 7') },
  'endless-at-the-top': { stands: 'Accepted=False/LuaLoadCpu', spec: runs('cpu', 'while true do end') },
  'slow-at-the-top': {
    stands: 'Accepted=False/LuaLoadTimeout',
    spec: runs('slow', 'while true do end', { limits: { timeout: '100ms' } }),
  },
  'large-at-the-top': {
    stands: 'Accepted=False/LuaLoadMemory',
    spec: runs('memory', 'local all = {} for n = 1, 1e7 do all[n] = ("x"):rep(1000) .. n end return function() end'),
  },
  'of-an-older-runtime': { stands: 'Programmed=False/UnsupportedRuntime', spec: runs('older', code) },
  'in-a-full-runtime': { stands: 'Programmed=False/RuntimeFull', spec: runs('full', code) },
  'not-loaded': { stands: 'Programmed=False/NotLoaded', spec: runs('not-loaded', code) },
  'refused-without-a-reason': { stands: 'Programmed=False/Rejected', spec: runs('refused', code) },
  'with-no-secret': {
    stands: 'ResolvedRefs=False/SecretNotFound',
    spec: guarded('a', { github: secretOf('nowhere') }),
  },
  'with-no-key': {
    stands: 'ResolvedRefs=False/SecretKeyNotFound',
    spec: guarded('b', { github: secretOf('keys', 'other') }),
  },
  'with-a-token': {
    stands: 'ResolvedRefs=False/SecretTypeRefused',
    spec: guarded('c', { github: secretOf('release') }),
  },
  'with-a-weak-secret': {
    stands: 'ResolvedRefs=False/SecretTooWeak',
    spec: guarded('d', { github: secretOf('keys', 'weak') }),
  },
  'with-a-malformed-secret': {
    stands: 'ResolvedRefs=False/SecretMalformed',
    spec: guarded('e', { standardWebhooks: secretOf('keys', 'malformed') }),
  },
  'without-consent': { stands: 'ResolvedRefs=False/NotConsented', spec: guarded('f', { github: secretOf('own') }) },
  'of-no-tenant': {
    stands: 'ResolvedRefs=False/Forbidden',
    spec: guarded('g', { github: secretOf('keys') }),
    namespace: 'team-b',
  },
  'with-no-map': {
    stands: 'ResolvedRefs=False/ConfigMapNotFound',
    spec: withEnv('h', { configMapKeyRef: { name: 'nowhere', key: 'key' } }),
  },
  'with-no-key-of-a-map': {
    stands: 'ResolvedRefs=False/ConfigMapKeyNotFound',
    spec: withEnv('i', { configMapKeyRef: { name: 'code', key: 'other' } }),
  },
  'with-no-account': {
    stands: 'ResolvedRefs=False/ServiceAccountNotFound',
    spec: runs('j', code, { serviceAccountName: 'nobody' }),
  },
  'with-code-of-bytes': {
    stands: 'ResolvedRefs=False/CodeNotText',
    spec: { codeFrom: { configMapKeyRef: { name: 'code', key: 'bytes' } }, triggers: [openTrigger('bytes')] },
  },
  'with-a-value-of-bytes': {
    stands: 'ResolvedRefs=False/ValueNotText',
    spec: withEnv('k', { secretKeyRef: { name: 'keys', key: 'bytes' } }),
  },
  'to-no-url': {
    kind: 'WebhookSubscription',
    stands: 'ResolvedRefs=False/UrlInvalid',
    spec: { urlFrom: { secretKeyRef: { name: 'keys', key: 'weak' } }, events: ['com.acme.*'], ...secretOf('signing') },
  },
};

/** What the API server does not even take: the reason is for what came past it. */
const atTheDoor: Readonly<Record<string, readonly [Spec, RegExp]>> = {
  ServiceAccountRequired: [
    { code, triggers: [{ name: 'pods', kubernetes: { apiVersion: 'v1', kind: 'Pod' } }] },
    /a kubernetes trigger needs serviceAccountName/,
  ],
  ReceiverUnknown: [guarded('x', {}), /receiver/],
  DuplicateHandler: [
    { code, triggers: [openTrigger('one'), { ...openTrigger('two'), name: 'w_b' }] },
    /triggers\[1\]\.name in body should match/,
  ],
};

/** What another runtime says of functions that this one runs. */
const refusals: Readonly<Record<string, string | undefined>> = {
  'of-an-older-runtime': 'UnsupportedRuntime',
  'in-a-full-runtime': 'RuntimeFull',
  'not-loaded': 'NotLoaded',
  'refused-without-a-reason': undefined,
};

const policy = {
  hosts: [
    { host: '*', publicUrl: 'https://hooks.example.com', namespaces: ['*'], mount: '/{namespace}' },
    { host: 'own.example.com', publicUrl: 'https://own.example.com', namespaces: ['team-a'], mount: '/' },
  ],
  quotas: { namespaces: { 'team-c': { functions: 0 } } },
};

async function start(own: TestCluster) {
  const { client } = own;
  const installation = await runInstallation(own, ['team-a'], {}, { policy });
  for (const name of ['team-b', 'team-c']) await makeNamespace(client, name);
  const labels = { 'moonhook.dev/functions': 'true', 'moonhook.dev/code': 'true' };
  const secret = (name: string, stringData: Spec, more: Spec = {}): unknown => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'team-a', labels },
    stringData,
    ...more,
  });
  const given = [
    secret(
      'keys',
      { key: 'a-good-long-secret-0123', weak: 'short', malformed: 'whsec_***********************' },
      {
        data: { bytes: '/v8=' },
      },
    ),
    secret('signing', { key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }),
    secret('release', { key: 'a-good-long-secret-0123' }, { type: 'helm.sh/release.v1' }),
    secret('own', { key: 'a-good-long-secret-0123' }, { metadata: { name: 'own', namespace: 'team-a' } }),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'code', namespace: 'team-a', labels },
      data: { large: `return function() end -- ${'x'.repeat(200_000)}` },
      binaryData: { bytes: '/v8=' },
    },
  ];
  await kubectlApply(own, given);
  return installation;
}

async function kubectlApply({ kubectl }: TestCluster, items: readonly unknown[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const said = await kubectl(['apply', '--server-side', '-f', '-'], list);
  assert.equal(said.code, 0, said.stderr);
}

/** What kubectl prints of all functions and subscriptions, by name. */
async function standing({ kubectl }: TestCluster): Promise<ReadonlyMap<string, StatusObject>> {
  const said = await kubectl(['get', 'whf,whs', '-A', '-o', 'json']);
  assert.equal(said.code, 0, said.stderr);
  const { items } = JSON.parse(said.stdout) as { readonly items: readonly StatusObject[] };
  return new Map(items.map((item) => [item.metadata.name, item]));
}

const installation = cluster === undefined ? undefined : await start(cluster);

const reached = new Set<string>();

/** Waits until it stands so, as kubectl prints it. */
async function stands(wanted: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, StatusObject>> {
  assert.ok(cluster);
  const own = cluster;
  let left: readonly string[] = [];
  return eventually(
    'every condition stands',
    async () => {
      const objects = await standing(own);
      left = [...wanted].flatMap(([name, condition]) => {
        const object = objects.get(name);
        const found = object === undefined ? ['nothing'] : conditionsOf(object);
        if (found.includes(condition)) reached.add(condition.split('/')[1] ?? '');
        return found.includes(condition) ? [] : [`${name}: ${condition}, not ${found.join(' ')}`];
      });
      return left.length === 0 ? objects : undefined;
    },
    () => left,
    90_000,
  );
}

const applied = (name: string, { spec, namespace = 'team-a', kind }: Case): unknown => ({
  ...webhookFunction(name, spec),
  ...(kind === undefined ? {} : { kind }),
  metadata: { name, namespace },
});

test('without a runtime that takes traffic nothing is programmed', { skip }, async () => {
  assert.ok(cluster && installation);
  // As the cluster makes it of a Service without pods: its endpoints are null.
  const slice = await apply<KubeObject & { readonly endpoints: unknown }>(
    cluster.client,
    `/apis/discovery.k8s.io/v1/namespaces/${installationNamespace}/endpointslices/moonhook-empty`,
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'moonhook-empty', labels: { 'kubernetes.io/service-name': 'moonhook' } },
      addressType: 'IPv4',
    },
  );
  assert.equal(slice.endpoints, null);
  await kubectlApply(cluster, [applied('lonely', { stands: '', spec: runs('lonely', code) })]);
  await stands(new Map([['lonely', 'Programmed=False/NoRuntimes']]));
  assert.ok(!installation.log.some((line) => line.includes('a listener of a watch failed')));
});

test(
  'each mistake and each standing is told by its reason, with a message that says what to do',
  { skip },
  async () => {
    assert.ok(cluster && installation);
    const { pod, token } = await makeRuntimePod(
      cluster.client,
      { namespace: installationNamespace },
      'another-runtime',
    );
    const other = await startRuntime(
      { name: pod.metadata.name, uid: pod.metadata.uid },
      new TestTokens(),
      [{ server: { port: installation.linkPort } }],
      { serverName: linkServerName, credentials: async () => ({ token, authorities: installation.authorities }) },
    );
    after(() => other.client.close());
    other.server.judge = (uid, revision) => {
      const { name = '' } = other.server.table.functions.get(uid) ?? {};
      if (!Object.hasOwn(refusals, name)) return { uid, revision, accepted: true, servingRevision: revision };
      const reason = refusals[name];
      return { uid, revision, accepted: false, ...(reason === undefined ? {} : { reason }), message: 'not here' };
    };
    await setTakingTraffic(cluster.client, installationNamespace, [installation.runtime.pod, pod.metadata]);
    await kubectlApply(
      cluster,
      Object.entries(cases).map(([name, each]) => applied(name, each)),
    );
    const objects = await stands(new Map(Object.entries(cases).map(([name, each]) => [name, each.stands])));
    for (const [name, each] of Object.entries(cases)) {
      const [type] = each.stands.split('=');
      const condition = objects.get(name)?.status?.conditions?.find((one) => one.type === type);
      // The one that is nobody's has only what the API server itself puts there.
      if (name !== 'of-another-class')
        assert.ok((condition?.message.length ?? 0) > 10, `${name}: ${condition?.message}`);
    }
  },
);

test(
  'of two functions at one path one is in conflict, and broken code leaves the last good one',
  { skip },
  async () => {
    assert.ok(cluster);
    const own = cluster;
    await kubectlApply(own, [applied('second', { stands: '', spec: runs('ready', code) })]);
    await eventually('one of both is in conflict', async () => {
      const objects = await standing(own);
      const found = ['ready', 'second'].flatMap((name) => conditionsOf(objects.get(name) as StatusObject));
      return found.filter((condition) => condition === 'Accepted=False/RouteConflict').length === 1;
    });
    reached.add('RouteConflict');
    await kubectlApply(own, [applied('accepted', { stands: '', spec: runs('accepted', 'return function(') })]);
    await stands(new Map([['accepted', 'Ready=False/LastGoodServing']]));
  },
);

test('a pod that takes traffic without a link is named', { skip }, async () => {
  assert.ok(cluster && installation);
  const { pod } = await makeRuntimePod(cluster.client, { namespace: installationNamespace }, 'without-a-link');
  await setTakingTraffic(cluster.client, installationNamespace, [installation.runtime.pod, pod.metadata]);
  await kubectlApply(cluster, [applied('behind', { stands: '', spec: runs('behind', code) })]);
  const objects = await stands(new Map([['behind', 'Programmed=False/RuntimeUnreachable']]));
  const { conditions = [] } = objects.get('behind')?.status ?? {};
  assert.match(conditions.find(({ type }) => type === 'Programmed')?.message ?? '', /without-a-link/);
});

test('what can be seen without the rest is refused when it is applied', { skip }, async () => {
  assert.ok(cluster);
  for (const [reason, [spec, message]] of Object.entries(atTheDoor)) {
    const said: KubectlResult = await cluster.kubectl(
      ['apply', '-n', 'team-a', '-f', '-'],
      JSON.stringify(webhookFunction('x', spec)),
    );
    assert.equal(said.code, 1, reason);
    assert.match(said.stderr, message);
    reached.add(reason);
  }
  const control = applied('x', { stands: '', spec: runs('x', code) });
  await kubectlApply(cluster, [control]);
});

test('no reason is left out', { skip }, () => {
  const root = join(import.meta.dirname, '..', '..');
  for (const [reason, file] of Object.entries(elsewhere)) {
    assert.ok(readFileSync(join(root, file), 'utf8').includes(reason), `${reason} in ${file}`);
  }
  const left = Object.keys(conditionReasons).filter((reason) => !reached.has(reason) && !(reason in elsewhere));
  assert.deepEqual(left, []);
});
