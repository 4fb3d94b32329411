/**
 * What must not wait for a leader: while the Lease is held by a controller that is dead, the other replica answers for
 * everything but edits and statuses. And what a status says is what the runtimes answer, asked one by one.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { linkedPod, linkName, prepare, setEndpoints, startController } from '../kube/cluster-programs.ts';
import { makeAccount } from '../kube/event-cluster.ts';
import { eventually } from '../builders/eventually.ts';
import {
  apply,
  conditionStands,
  functionPath,
  openTrigger,
  webhookFunction,
  type StatusObject,
} from '../kube/run-controller.ts';
import { makeToken } from '../kube/runtime-pod.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../link/runtime-process.ts';

const { cluster, skip } = await useCluster();

const lease = '/apis/coordination.k8s.io/v1/namespaces/moonhook/leases/moonhook-controller';
const caller = { namespace: 'team-a', name: 'caller' };

async function start({ plane, client }: TestCluster) {
  await prepare(plane, client);
  const controllers = [
    await startController(plane, { POD_NAME: 'controller-0' }),
    await startController(plane, { POD_NAME: 'controller-1' }),
  ];
  for (const controller of controllers) after(() => controller.end());
  const links = controllers.map(({ link }) => link);
  const tables = new Map<string, string>();
  const addRuntime = async (name: string): Promise<RuntimeProcess> => {
    const { pod, token, authority } = await linkedPod({ client }, name);
    const table = mkdtempSync(join(tmpdir(), 'moonhook-table-'));
    tables.set(name, table);
    after(() => rmSync(table, { recursive: true, force: true }));
    const environment = { MOONHOOK_WORKERS: '1', MOONHOOK_TABLE_DIR: table };
    const options = { controllers: links, token, authority, serverName: linkName, environment };
    const made = await startRuntimeProcess(pod.metadata, undefined, options);
    after(() => made.close());
    return made;
  };
  await makeAccount(client, 'team-a', 'hooks');
  await makeAccount(client, 'team-a', caller.name, false);
  const rules = [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
    { apiGroups: ['run.moonhook.dev'], resources: ['functions/invoke'], verbs: ['create'] },
  ];
  const root = '/apis/rbac.authorization.k8s.io/v1/namespaces/team-a';
  const common = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'hooks' } };
  await apply(client, `${root}/roles/hooks`, { ...common, kind: 'Role', rules });
  await apply(client, `${root}/rolebindings/hooks`, {
    ...common,
    kind: 'RoleBinding',
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'hooks' },
    subjects: ['hooks', caller.name].map((name) => ({ kind: 'ServiceAccount', name, namespace: 'team-a' })),
  });
  await put(client, 'ConfigMap', 'settings', { colour: 'blue', 'code.lua': 'return "old code"' });
  await put(client, 'Secret', 'keys', { key: 'old-secret-0123456789' });
  return { client, controllers, addRuntime, tables };
}

async function put(
  client: TestCluster['client'],
  kind: 'ConfigMap' | 'Secret',
  name: string,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const labels = { 'moonhook.dev/functions': 'true', 'moonhook.dev/code': 'true' };
  const path = `/api/v1/namespaces/team-a/${kind.toLowerCase()}s/${name}`;
  const text = kind === 'Secret' ? { stringData: data } : { data };
  await apply(client, path, { apiVersion: 'v1', kind, metadata: { name, labels }, ...text });
}

const started = cluster === undefined ? undefined : await start(cluster);

async function answers(runtime: RuntimeProcess, path: string, wanted: string): Promise<void> {
  let last = '';
  await eventually(
    `${runtime.pod.name} answers ${wanted} at ${path}`,
    async () => {
      const response = await fetch(`${runtime.publicUrl}${path}`, { method: 'POST', body: '{}' });
      last = `${response.status} ${await response.text()}`;
      return last === wanted;
    },
    () => [last, runtime.log().slice(-1500)],
    60_000,
  );
}

const hook = (path: string, code: string): Readonly<Record<string, unknown>> =>
  webhookFunction(path, { code, serviceAccountName: 'hooks', triggers: [openTrigger(path)] });

const change = (client: TestCluster['client'], spec: Readonly<Record<string, unknown>>): Promise<unknown> =>
  client.request({ method: 'PATCH', path: lease, contentType: 'application/merge-patch+json', body: { spec } });

/** Keeps the Lease in the hands of who holds it, alive or not; released, it is free at once. */
function hold(client: TestCluster['client']): { release(): Promise<void> } {
  const over = new AbortController();
  const holding = (async () => {
    while (!over.signal.aborted) {
      await change(client, { renewTime: new Date().toISOString().replace('Z', '000Z') });
      await sleep(500);
    }
    await change(client, { holderIdentity: '', leaseDurationSeconds: 1 });
  })();
  return {
    release: () => {
      over.abort();
      return holding;
    },
  };
}

test('while a dead leader holds the Lease nothing waits but edits and statuses', { skip }, async (t) => {
  assert.ok(started);
  const { client, controllers, addRuntime } = started;
  const first = await addRuntime('runtime-0');
  await setEndpoints({ client }, [first]);
  await apply(
    client,
    functionPath('team-a', 'reads'),
    hook('reads', 'return function() return k8s.get("v1", "ConfigMap", "settings").data.colour end'),
  );
  await apply(client, functionPath('team-a', 'hello'), hook('hello', 'return function() return "first" end'));
  await answers(first, '/team-a/reads', '200 blue');
  await conditionStands(client, functionPath('team-a', 'hello'), 'Ready=True/Ready');
  const call = async (runtime: RuntimeProcess): Promise<string> => {
    const token = await makeToken(client, caller.namespace, caller.name, { audiences: ['moonhook'] });
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${runtime.callsUrl}/function/team-a/hello`, { headers });
    return `${response.status} ${await response.text()}`;
  };
  await eventually('the right has reached the authorizer', async () => (await call(first)) === '200 first');

  const leading = await Promise.all(controllers.map(({ metric }) => metric('controller_leader')));
  assert.deepEqual([leading.includes(0), leading.includes(1)], [true, true]);
  const other = controllers[leading.indexOf(0)];
  assert.ok(other);
  const holding = hold(client);
  t.after(() => holding.release());
  await controllers[leading.indexOf(1)]?.end('SIGKILL');

  assert.equal(await call(first), '200 first', 'a token that was never seen is checked');
  await put(client, 'ConfigMap', 'settings', { colour: 'green', 'code.lua': 'return "old code"' });
  await answers(first, '/team-a/reads', '200 green');
  await apply(client, functionPath('team-a', 'hello'), hook('hello', 'return function() return "second" end'));
  const second = await addRuntime('runtime-1');
  await eventually('a new runtime is ready', () => second.ready(), second.log, 60_000);
  await answers(second, '/team-a/hello', '200 second');
  assert.equal(await call(second), '200 second');
  assert.equal(await call(first), '200 first', 'what was served goes on; edits wait for a leader');
  await setEndpoints({ client }, [first, second]);
  assert.equal(await other.metric('controller_leader'), 0, 'the control: nobody led meanwhile');

  await holding.release();
  await eventually(
    'the other one leads',
    async () => (await other.metric('controller_leader')) === 1,
    () => undefined,
    60_000,
  );
  await answers(first, '/team-a/hello', '200 second');
  const settled = await conditionStands(client, functionPath('team-a', 'hello'), 'Programmed=True/Programmed');
  assert.equal(settled.status?.['programmed'], '2/2');
  await second.close();
});

const isReady = (status: StatusObject['status']): boolean =>
  status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';

/** As `moonhook refresh` asks for it. */
async function refresh(client: TestCluster['client'], name: string): Promise<void> {
  await client.request({
    method: 'PATCH',
    path: `${functionPath('team-a', name)}/status`,
    contentType: 'application/merge-patch+json',
    body: { status: { refreshRequested: new Date().toISOString() } },
  });
}

test(
  'what the status says is what each runtime answers, whatever happens to it and to what it refers to',
  { skip },
  async () => {
    assert.ok(started);
    const { client, addRuntime, tables } = started;
    let one = await addRuntime('runtime-2');
    const two = await addRuntime('runtime-3');
    await setEndpoints({ client }, [one, two]);
    const path = functionPath('team-a', 'told');
    await apply(
      client,
      path,
      webhookFunction('told', {
        code: 'local said = require("said")\nreturn function() return env.KEY .. " " .. said end',
        modules: [{ name: 'said', configMapKeyRef: { name: 'settings', key: 'code.lua' } }],
        env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } }],
        triggers: [openTrigger('told')],
      }),
    );
    let revision: unknown;
    /** Every runtime answers it, and the status names one revision as programmed and served by both. */
    const agrees = async (wanted: string): Promise<void> => {
      for (const runtime of [one, two]) await answers(runtime, '/team-a/told', wanted);
      let last: StatusObject['status'];
      await eventually(
        'the status says the same',
        async () => {
          last = bodyOf(await client.request<StatusObject>({ path })).status;
          const same = last?.revision !== revision && last?.['servingRevision'] === last?.revision;
          return same && last?.['programmed'] === '2/2' && isReady(last);
        },
        () => last,
      );
      revision = last?.revision;
    };
    await agrees('200 old-secret-0123456789 old code');

    // It lost its table: it is not ready before it has the whole one again, and no status is written for it.
    const version = async (): Promise<unknown> =>
      bodyOf(await client.request<KubeObject>({ path })).metadata.resourceVersion;
    const before = await version();
    await one.end('SIGKILL');
    const table = tables.get('runtime-2') ?? '';
    assert.ok(readdirSync(table).length > 0);
    for (const name of readdirSync(table)) rmSync(join(table, name), { recursive: true });
    one = await one.restart();
    after(() => one.close());
    await eventually('it is ready again', () => one.ready(), one.log, 60_000);
    await answers(one, '/team-a/told', '200 old-secret-0123456789 old code');
    assert.equal(await version(), before);

    await put(client, 'Secret', 'keys', { key: 'new-secret-0123456789' });
    await refresh(client, 'told');
    await agrees('200 new-secret-0123456789 old code');
    await put(client, 'ConfigMap', 'settings', { colour: 'green', 'code.lua': 'return "new code"' });
    await refresh(client, 'told');
    await agrees('200 new-secret-0123456789 new code');

    bodyOf(await client.request({ method: 'DELETE', path: '/api/v1/namespaces/team-a/secrets/keys' }));
    await refresh(client, 'told');
    const { status } = await conditionStands(client, path, 'ResolvedRefs=False/SecretNotFound');
    assert.ok(!isReady(status));
    for (const runtime of [one, two]) {
      let last = 0;
      await eventually(
        'it answers 503',
        async () => {
          const response = await fetch(`${runtime.publicUrl}/team-a/told`, { method: 'POST', body: '{}' });
          const text = await response.text();
          last = response.status;
          return last === 503 && !text.includes('secret-0123');
        },
        () => last,
      );
    }
    await put(client, 'Secret', 'keys', { key: 'third-secret-0123456789' });
    await refresh(client, 'told');
    await agrees('200 third-secret-0123456789 new code');
  },
);
