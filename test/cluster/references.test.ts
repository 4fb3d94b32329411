import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createGoneNamespaces } from '../../src/controller/link/gone-namespaces.ts';
import { createNamespacePurge } from '../../src/runtime/purge-namespaces.ts';
import { openStore } from '../../src/store/open-store.ts';
import { bodyOf, clientOf, useCluster } from '../kube/with-control-plane.ts';
import { kubeconfigOf } from '../kube/control-plane.ts';
import { eventually } from '../builders/eventually.ts';
import {
  apply,
  conditionsOf,
  conditionStands,
  controllerAccount,
  functionPath,
  makeNamespace,
  openTrigger,
  releaseNamespace,
  runController,
  setEndpoints,
  webhookFunction,
  type StatusObject,
} from '../kube/run-controller.ts';

const { cluster, skip } = await useCluster({ controllerManager: true });
const admin = cluster?.client;

/** The controller with the rights that the chart gives it, and its token. */
async function start() {
  if (cluster === undefined || admin === undefined) return undefined;
  for (const name of [releaseNamespace, 'team-a', 'team-b']) await makeNamespace(admin, name);
  const rights = await cluster.kubectl(
    ['apply', '-f', '-'],
    JSON.stringify(rightsOf(['team-a', releaseNamespace, 'kube-system'])),
  );
  assert.equal(rights.code, 0, rights.stderr);
  const token = await cluster.kubectl(['create', 'token', 'moonhook-controller', '-n', releaseNamespace]);
  assert.equal(token.code, 0, token.stderr);
  const kubeconfig = join(cluster.plane.folder, 'controller');
  writeFileSync(kubeconfig, kubeconfigOf(cluster.plane.server, cluster.plane.ca, token.stdout.trim()));
  const client = clientOf(kubeconfig);
  const running = runController(client, { refusedMs: 500 });
  after(async () => {
    await running.stop();
    await client.close();
  });
  await eventually(
    'the first table',
    () => running.controller.table.current(),
    () => running.log,
  );
  const { served } = await running.runtimes.attach('runtime-one', 'uid-of-one');
  await setEndpoints(admin, [{ pod: 'runtime-one', podUid: 'uid-of-one' }]);
  return { running, served };
}

/** As in the chart; `tenants` are the namespaces whose references it may get. */
function rightsOf(tenants: readonly string[]): object {
  const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]) => ({
    apiGroups: [apiGroup],
    resources,
    verbs,
  });
  const own = ['webhookfunctions', 'webhooksubscriptions'];
  const group = 'rbac.authorization.k8s.io';
  const subjects = [{ kind: 'ServiceAccount', name: 'moonhook-controller', namespace: releaseNamespace }];
  const role = (kind: string, name: string, rules: readonly object[], namespace?: string) => ({
    apiVersion: `${group}/v1`,
    kind,
    metadata: { name, namespace },
    rules,
  });
  const binding = (kind: string, roleKind: string, name: string, namespace?: string) => ({
    apiVersion: `${group}/v1`,
    kind,
    metadata: { name, namespace },
    roleRef: { apiGroup: group, kind: roleKind, name },
    subjects,
  });
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'moonhook-controller', namespace: releaseNamespace },
      },
      role('ClusterRole', 'moonhook-controller', [
        rule('moonhook.dev', own, ['get', 'list', 'watch']),
        rule(
          'moonhook.dev',
          own.map((name) => `${name}/status`),
          ['get', 'patch'],
        ),
        rule('', ['namespaces'], ['get', 'list', 'watch']),
        rule('events.k8s.io', ['events'], ['create', 'patch']),
      ]),
      role('ClusterRole', 'moonhook-tenant', [rule('', ['secrets', 'configmaps', 'serviceaccounts'], ['get'])]),
      role(
        'Role',
        'moonhook-controller',
        [
          rule('coordination.k8s.io', ['leases'], ['create', 'get', 'update', 'patch']),
          rule('discovery.k8s.io', ['endpointslices'], ['get', 'list', 'watch']),
        ],
        releaseNamespace,
      ),
      binding('ClusterRoleBinding', 'ClusterRole', 'moonhook-controller'),
      binding('RoleBinding', 'Role', 'moonhook-controller', releaseNamespace),
      ...tenants.map((namespace) => binding('RoleBinding', 'ClusterRole', 'moonhook-tenant', namespace)),
    ],
  };
}

const started = await start();

async function putSecret(
  namespace: string,
  name: string,
  value: string | undefined,
  options: { readonly labelled?: boolean; readonly type?: string } = {},
): Promise<void> {
  assert.ok(admin);
  const { labelled = true, type = 'Opaque' } = options;
  await apply(admin, `/api/v1/namespaces/${namespace}/secrets/${name}`, {
    apiVersion: 'v1',
    kind: 'Secret',
    type,
    metadata: { name, ...(labelled ? { labels: { 'moonhook.dev/functions': 'true' } } : {}) },
    stringData: value === undefined ? {} : { key: value },
  });
}

/** A function that says the value of a Secret. */
const telling = (name: string, secret: string): Readonly<Record<string, unknown>> =>
  webhookFunction(name, {
    code: 'return function() return env.VALUE end',
    env: [{ name: 'VALUE', valueFrom: { secretKeyRef: { name: secret, key: 'key' } } }],
    triggers: [openTrigger(name)],
  });

async function answers(path: string, wanted: string): Promise<void> {
  let last = '';
  await eventually(
    `${path} answers ${wanted}`,
    async () => {
      const response = await fetch(`${started?.served.url}${path}`);
      last = `${response.status} ${await response.text()}`;
      return last.startsWith(wanted);
    },
    () => last,
  );
}

test('a function with a Secret is never programmed without it, and follows its rotation', { skip }, async () => {
  assert.ok(admin && started);
  const seen: string[] = [];
  const stop = started.running.controller.table.subscribe((table) => {
    for (const entry of table.functions.values()) {
      if (entry.name === 'rotated') seen.push(entry.unresolved?.reason ?? entry.env['VALUE'] ?? 'no value');
    }
  });
  await putSecret('team-a', 'rotated', 'first');
  const path = functionPath('team-a', 'rotated');
  await apply(admin, path, telling('rotated', 'rotated'));
  await answers('/team-a/rotated', '200 first');
  const before = await conditionStands(admin, path, 'Ready=True/Ready');
  await putSecret('team-a', 'rotated', 'second');
  await answers('/team-a/rotated', '200 second');
  const after_ = await eventually('another revision', async () => {
    const object = bodyOf(await admin.request<StatusObject>({ path }));
    return object.status?.revision === before.status?.revision ? undefined : object;
  });
  assert.ok(conditionsOf(after_).includes('Ready=True/Ready'));
  stop();
  assert.deepEqual([...new Set(seen)], ['first', 'second']);
});

test('a missing Secret is said, the function answers 503, and it heals when the Secret comes', { skip }, async () => {
  assert.ok(admin);
  const path = functionPath('team-a', 'missing');
  await apply(admin, path, telling('missing', 'missing'));
  const without = await conditionStands(admin, path, 'ResolvedRefs=False/SecretNotFound');
  assert.ok(!conditionsOf(without).some((condition) => condition.startsWith('Stalled')));
  await answers('/team-a/missing', '503');
  await putSecret('team-a', 'missing', 'here');
  await conditionStands(admin, path, 'Ready=True/Ready');
  await answers('/team-a/missing', '200 here');
  bodyOf(await admin.request({ method: 'DELETE', path: '/api/v1/namespaces/team-a/secrets/missing' }));
  await conditionStands(admin, path, 'ResolvedRefs=False/SecretNotFound');
  await answers('/team-a/missing', '503');
});

test('a Secret without the label of consent is refused, with the line to run', { skip }, async () => {
  assert.ok(admin && cluster);
  await putSecret('team-a', 'shy', 'private', { labelled: false });
  const path = functionPath('team-a', 'shy');
  await apply(admin, path, telling('shy', 'shy'));
  const refused = await conditionStands(admin, path, 'ResolvedRefs=False/NotConsented');
  assert.ok(conditionsOf(refused).includes('Stalled=True/NotConsented'));
  const message = refused.status?.conditions?.find(({ type }) => type === 'ResolvedRefs')?.message ?? '';
  const command = /run: kubectl (label secret shy -n team-a moonhook\.dev\/functions=true)/.exec(message)?.[1];
  assert.ok(command, message);
  await answers('/team-a/shy', '503');
  const labelled = await cluster.kubectl(command.split(' '));
  assert.equal(labelled.code, 0, labelled.stderr);
  await answers('/team-a/shy', '200 private');
});

test('a Secret that is the token of an account is refused, whatever its labels', { skip }, async () => {
  assert.ok(admin);
  await apply(admin, '/api/v1/namespaces/team-a/secrets/token', {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: {
      name: 'token',
      labels: { 'moonhook.dev/functions': 'true' },
      annotations: { 'kubernetes.io/service-account.name': 'default' },
    },
    stringData: { key: 'stolen' },
  });
  const path = functionPath('team-a', 'thief');
  await apply(admin, path, telling('thief', 'token'));
  await conditionStands(admin, path, 'ResolvedRefs=False/SecretTypeRefused');
  await answers('/team-a/thief', '503');
});

test('a namespace that was not bound is Forbidden with the way out, and works once it is bound', { skip }, async () => {
  assert.ok(admin && cluster);
  await putSecret('team-b', 'bound', 'value');
  const path = functionPath('team-b', 'bound');
  await apply(admin, path, telling('bound', 'bound'));
  const refused = await conditionStands(admin, path, 'ResolvedRefs=False/Forbidden');
  const message = refused.status?.conditions?.find(({ type }) => type === 'ResolvedRefs')?.message ?? '';
  assert.match(message, /may not get secrets in namespace team-b: bind the ClusterRole moonhook-tenant/);
  await answers('/team-b/bound', '503');
  const [, command = ''] = /to see whether it may: kubectl (.*)/.exec(message) ?? [];
  const mayIt = async (): Promise<string> => (await cluster.kubectl(command.split(' '))).stdout.trim();
  assert.equal(await mayIt(), 'no');
  const rights = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(rightsOf(['team-b'])));
  assert.equal(rights.code, 0, rights.stderr);
  await conditionStands(admin, path, 'Ready=True/Ready');
  await answers('/team-b/bound', '200 value');
  assert.equal(await mayIt(), 'yes');
  // Taken away again: a refusal that lasts is believed.
  const binding = ['-n', 'team-b', 'delete', 'rolebinding', 'moonhook-tenant'];
  assert.equal((await cluster.kubectl(binding)).code, 0);
  await conditionStands(admin, path, 'ResolvedRefs=False/Forbidden');
  await answers('/team-b/bound', '503');
});

test(
  'nothing of the installation’s own namespace or the cluster’s is given to functions, though it could be read',
  { skip },
  async () => {
    assert.ok(admin && cluster);
    for (const namespace of [releaseNamespace, 'kube-system']) {
      await putSecret(namespace, 'certificates', 'private key');
      const path = functionPath(namespace, 'spy');
      await apply(admin, path, telling('spy', 'certificates'));
      await conditionStands(admin, path, 'ResolvedRefs=False/Forbidden');
      const asked: readonly unknown[] = cluster.plane
        .audit()
        .filter(({ user, objectRef }) => user.username === controllerAccount && objectRef?.namespace === namespace)
        .filter(({ objectRef }) => objectRef?.resource === 'secrets');
      assert.deepEqual(asked, []);
    }
  },
);

test('code from a ConfigMap needs its own consent, and follows edits', { skip }, async () => {
  assert.ok(admin);
  const mapPath = '/api/v1/namespaces/team-a/configmaps/code';
  const map = (text: string, labels: Readonly<Record<string, string>>): object => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'code', labels },
    data: { 'main.lua': `return function() return "${text}" end` },
  });
  const path = functionPath('team-a', 'mapped');
  await apply(admin, mapPath, map('one', {}));
  const spec = { codeFrom: { configMapKeyRef: { name: 'code', key: 'main.lua' } }, triggers: [openTrigger('mapped')] };
  await apply(admin, path, webhookFunction('mapped', spec));
  await conditionStands(admin, path, 'ResolvedRefs=False/NotConsented');
  await apply(admin, mapPath, map('one', { 'moonhook.dev/code': 'true' }));
  await answers('/team-a/mapped', '200 one');
  await apply(admin, mapPath, map('two', { 'moonhook.dev/code': 'true' }));
  await answers('/team-a/mapped', '200 two');
});

/** Which of these namespaces a store forgets, if each has stored an event, by what the API server says of them. */
async function purgedOf(uids: readonly string[]): Promise<readonly string[]> {
  assert.ok(admin);
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  const store = opened.connect();
  let time = 0;
  const purged: string[] = [];
  const ask = createGoneNamespaces({ client: admin, namespace: releaseNamespace, now: () => time });
  const purge = createNamespacePurge({
    stored: async () => Object.keys((await store.measures()).usage),
    gone: async (asked) => {
      const answer = await ask({ uids: asked });
      return answer.ok ? (answer.body as { readonly gone: readonly string[] }).gone : undefined;
    },
    purge: (uid) => store.purge(uid),
    now: () => time,
    restMs: 60_000,
    onPurge: (uid) => void purged.push(uid),
    onStrangeStore: (count) => assert.fail(`${count} of a strange store`),
  });
  const kept = async (uid: string): Promise<boolean> =>
    (await store.read({ namespaceUid: uid }, { limit: 1 })).length > 0;
  try {
    for (const namespaceUid of uids) {
      const event = { id: 'one', namespaceUid, type: 'com.acme.made', source: '/', attributes: '{}' };
      await store.append([{ event: { ...event, body: new Uint8Array() }, deliveries: [{ destination: 'uid/web' }] }]);
    }
    await purge.look();
    assert.equal(purged.length, 0, 'not before it has been gone for some time');
    time += 60_000;
    await purge.look();
    for (const uid of uids) {
      if (purged.includes(uid)) await eventually('its rows are gone', async () => !(await kept(uid)));
      else assert.ok(await kept(uid));
    }
    return purged;
  } finally {
    await store.close();
    await opened.close();
  }
}

test(
  'a namespace made again under its name is another one, and what the first one stored is forgotten',
  { skip },
  async () => {
    assert.ok(admin && started);
    const { controller } = started.running;
    const uidNow = (): string | undefined =>
      [...(controller.table.current()?.functions.values() ?? [])].find(({ name }) => name === 'reborn')?.namespaceUid;
    const first = await makeNamespace(admin, 'short-lived');
    const path = functionPath('short-lived', 'reborn');
    const spec = { code: 'return function() return "x" end', triggers: [openTrigger('reborn')] };
    await apply(admin, path, webhookFunction('reborn', spec));
    await eventually('it is in the table', () => uidNow() === first.metadata.uid);
    bodyOf(await admin.request({ method: 'DELETE', path: '/api/v1/namespaces/short-lived' }));
    await eventually('it is gone', async () => {
      const answer = await admin.request({ path: '/api/v1/namespaces/short-lived' });
      return !answer.ok && answer.status === 404;
    });
    const second = await makeNamespace(admin, 'short-lived');
    assert.notEqual(second.metadata.uid, first.metadata.uid);
    const other = await makeNamespace(admin, 'team-b');
    assert.deepEqual(await purgedOf([first.metadata.uid, second.metadata.uid, other.metadata.uid]), [
      first.metadata.uid,
    ]);
    await apply(admin, path, webhookFunction('reborn', spec));
    await eventually('it is in the table again', () => uidNow() === second.metadata.uid, uidNow);
  },
);

test('secrets are read by name only, and nothing is written but statuses, Events and the lease', { skip }, async () => {
  assert.ok(cluster);
  const own = cluster.plane.audit().filter(({ user }) => user.username === controllerAccount);
  const shown = new Set(
    own.map(({ verb, objectRef = {} }) => {
      const { apiGroup = '', resource = '', subresource } = objectRef;
      return `${verb} ${apiGroup}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
    }),
  );
  assert.deepEqual([...shown].sort(), [
    'create coordination.k8s.io/leases',
    'create events.k8s.io/events',
    'get /configmaps',
    'get /namespaces',
    'get /secrets',
    'get coordination.k8s.io/leases',
    'list discovery.k8s.io/endpointslices',
    'list moonhook.dev/webhookfunctions',
    'list moonhook.dev/webhooksubscriptions',
    'patch moonhook.dev/webhookfunctions/status',
    'update coordination.k8s.io/leases',
    'watch discovery.k8s.io/endpointslices',
    'watch moonhook.dev/webhookfunctions',
    'watch moonhook.dev/webhooksubscriptions',
  ]);
  // A namespace that ends takes no Events.
  const refused = own.filter(
    ({ responseStatus, objectRef }) => responseStatus?.code === 403 && objectRef?.namespace !== 'short-lived',
  );
  assert.ok(refused.every(({ objectRef }) => objectRef?.namespace === 'team-b'));
  assert.ok(refused.length > 0);
});

test('no secret is in the log of the controller', { skip }, () => {
  assert.ok(started);
  const log = started.running.log.join('');
  assert.ok(log.includes('leading'));
  for (const value of ['first', 'second', 'private', 'stolen']) assert.ok(!log.includes(value), value);
});
