/** The chart's admission policy before a real API server: nobody writes a function that may do more than he may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderedObjects } from '../chart/render-chart.ts';
import { eventually } from '../builders/eventually.ts';
import { apply, functionPath, makeNamespace, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { useCluster, type KubectlResult, type TestCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();
const rbac = 'rbac.authorization.k8s.io';
const policyKinds = new Set(['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']);

type Spec = Readonly<Record<string, unknown>>;

/** Ada may write functions; Ben may also read `keys` and act as `hooks`. */
async function start({ client, kubectl }: TestCluster): Promise<void> {
  await makeNamespace(client, 'team-a');
  const objects = renderedObjects({ 'admissionPolicy.enabled': true });
  for (const object of objects) {
    const wanted =
      policyKinds.has(object.kind) ||
      (object.kind === 'ClusterRole' && /^moonhook-(?:view|edit)$/.test(object.metadata.name));
    if (!wanted) continue;
    const said = await kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(object));
    assert.equal(said.code, 0, said.stderr);
  }
  const root = `/apis/${rbac}/v1/namespaces/team-a`;
  await apply(client, `${root}/roles/more`, {
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata: { name: 'more' },
    rules: [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['keys'], verbs: ['get'] },
      { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['hooks'], verbs: ['impersonate'] },
    ],
  });
  for (const [name, kind, users] of [
    ['moonhook-view', 'ClusterRole', ['ada', 'ben']],
    ['moonhook-edit', 'ClusterRole', ['ada', 'ben']],
    ['more', 'Role', ['ben']],
  ] as const) {
    await apply(client, `${root}/rolebindings/${name}`, {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind, name },
      subjects: users.map((user) => ({ apiGroup: rbac, kind: 'User', name: user })),
    });
  }
}

if (cluster !== undefined) await start(cluster);

const code = 'return function() end';
const secret = (name: string): Spec => ({ secretKeyRef: { name, key: 'key' } });
const functionOf = (spec: Spec): Spec => webhookFunction('made', { code, triggers: [openTrigger('made')], ...spec });
const subscriptionOf = (spec: Spec): Spec => ({
  apiVersion: 'moonhook.dev/v1alpha1',
  kind: 'WebhookSubscription',
  metadata: { name: 'made' },
  spec: { events: ['com.acme.*'], secretRefs: [{ name: 'keys', key: 'key' }], url: 'https://example.com', ...spec },
});

async function create(user: string, object: Spec): Promise<KubectlResult> {
  assert.ok(cluster);
  const flags = ['--as', user, '-n', 'team-a', '--dry-run=server', '-f', '-'];
  return cluster.kubectl(['create', ...flags], JSON.stringify(object));
}

/** A trigger whose verifier is a function of the code; it is given these Secrets. */
const customTrigger = (name: string, ...secrets: readonly string[]): Spec => {
  const secretRefs = secrets.map((each) => ({ name: each, key: 'key' }));
  return {
    name,
    http: { path: name, receiver: { custom: { handler: 'verify', ...(secrets.length === 0 ? {} : { secretRefs }) } } },
  };
};

const reaching: Readonly<Record<string, readonly [Spec, RegExp]>> = {
  'acts as an account': [
    functionOf({ serviceAccountName: 'hooks' }),
    /you may not act as the ServiceAccount hooks: kubectl auth can-i impersonate/,
  ],
  'reads a Secret': [
    functionOf({ env: [{ name: 'KEY', valueFrom: secret('keys') }] }),
    /you may not read the Secret keys: kubectl auth can-i get/,
  ],
  'reads all of a Secret': [
    functionOf({ envFrom: [{ secretRef: { name: 'keys' } }] }),
    /you may not read the Secret keys: kubectl auth can-i get/,
  ],
  'gives a Secret to a verifier': [
    functionOf({ triggers: [customTrigger('open'), customTrigger('closed', 'keys', 'keys')] }),
    /you may not read the Secret keys: kubectl auth can-i get/,
  ],
  'signs callbacks with a Secret': [
    functionOf({ callback: { urls: ['example.com'], secretRefs: [{ name: 'keys', key: 'key' }] } }),
    /you may not read the Secret keys: kubectl auth can-i get/,
  ],
  'is signed with a Secret': [subscriptionOf({}), /you may not read the Secret keys/],
};

test('who may not do it himself does not write what does it, and who may does', { skip }, async () => {
  await eventually('the rights are known', async () => (await create('ada', functionOf({}))).code === 0);
  // Policies take effect a moment after they are there.
  await eventually('the policy is known', async () => (await create('ada', subscriptionOf({}))).code !== 0);
  for (const [what, [object, message]] of Object.entries(reaching)) {
    const ada = await create('ada', object);
    assert.equal(ada.code, 1, what);
    assert.match(ada.stderr, message, what);
    let ben: KubectlResult | undefined;
    await eventually(
      `${what}: control: Ben may`,
      async () => (ben = await create('ben', object)).code === 0,
      () => ben?.stderr,
    );
  }
});

test('one Secret among many is enough, and so is one of a header or a URL', { skip }, async () => {
  const env = ['keys', 'other', 'keys'].map((name, index) => ({ name: `KEY_${index}`, valueFrom: secret(name) }));
  const refused: readonly Spec[] = [
    functionOf({ env }),
    functionOf({ serviceAccountName: 'another' }),
    functionOf({ triggers: [customTrigger('made', 'keys', 'other')] }),
    subscriptionOf({ headers: [{ name: 'x-key', valueFrom: secret('other') }] }),
    subscriptionOf({ url: undefined, urlFrom: secret('other') }),
  ];
  for (const object of refused)
    assert.match((await create('ben', object)).stderr, /you may not/, JSON.stringify(object));
  const plain = [{ name: 'PLAIN', value: 'text' }, ...env.filter((_, index) => index !== 1)];
  assert.equal((await create('ben', functionOf({ env: plain }))).code, 0, 'control');
});

test('more Secrets than the API server can afford to look at are refused, not let through', { skip }, async () => {
  const reading = (count: number, more: Spec = {}): Spec =>
    functionOf({
      env: Array.from({ length: count }, (_, index) => ({ name: `KEY_${index}`, valueFrom: secret('keys') })),
      ...more,
    });
  // With an account beside them: as much as one resource may ask.
  const control = await create('ben', reading(24, { serviceAccountName: 'hooks' }));
  assert.equal(control.code, 0, control.stderr);
  const refused = await create('ben', reading(25));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /at most 24 Secrets/);
});

test('what was there before may be labelled and deleted, and edited only within one’s rights', { skip }, async () => {
  assert.ok(cluster);
  const { client, kubectl } = cluster;
  const spec = { code, serviceAccountName: 'hooks', triggers: [openTrigger('made')] };
  await apply(client, functionPath('team-a', 'before'), webhookFunction('before', spec));
  const as = (...rest: readonly string[]): Promise<KubectlResult> => kubectl(['--as', 'ada', '-n', 'team-a', ...rest]);
  assert.equal((await as('label', 'whf', 'before', 'team=blue')).code, 0);
  const suspend = await as('patch', 'whf', 'before', '--type=merge', '-p', '{"spec":{"suspend":true}}');
  assert.match(suspend.stderr, /you may not act as the ServiceAccount hooks/);
  assert.equal((await as('delete', 'whf', 'before')).code, 0);
});
