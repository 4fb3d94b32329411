/** Runtimes as processes, linked to a controller, against a real API server: its TokenReview, its RBAC, its pods. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClock } from '../../src/controller/clock.ts';
import { keepCertificates } from '../../src/controller/certificates/keep-certificates.ts';
import { startLinks } from '../../src/controller/link/start-links.ts';
import { runController, type StartPart } from '../../src/controller/run-controller.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { dialPeer } from '../../src/link/dial-peer.ts';
import { linkLimits, protocolVersion } from '../../src/link/protocol.ts';
import { readControllerSettings } from '../../src/settings/controller-settings.ts';
import { eventually } from '../builders/eventually.ts';
import {
  apply,
  conditionStands,
  functionPath,
  makeNamespace,
  openTrigger,
  setEndpoints,
  webhookFunction,
} from '../kube/run-controller.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';
import { keptLog } from '../link/cluster.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../link/runtime-process.ts';

const { cluster, skip } = await useCluster();
const serverName = 'moonhook-link.moonhook.svc';
const audience = 'moonhook-link.moonhook.moonhook.dev';
const names = ['runtime-0', 'runtime-1', 'runtime-2'];

async function makePod({ client }: TestCluster, name: string): Promise<KubeObject> {
  return bodyOf(
    await client.request<KubeObject>({
      method: 'POST',
      path: '/api/v1/namespaces/moonhook/pods',
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: { 'app.kubernetes.io/component': 'runtime' } },
        spec: { serviceAccountName: 'moonhook-runtime', containers: [{ name: 'runtime', image: 'none' }] },
      },
    }),
  );
}

async function makeToken(
  { client }: TestCluster,
  account: { readonly namespace: string; readonly name: string },
  audiences: readonly string[],
  pod?: KubeObject,
): Promise<string> {
  const bound =
    pod === undefined
      ? {}
      : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid } };
  const answer = await client.request<{ readonly status: { readonly token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences, expirationSeconds: 3600, ...bound },
    },
  });
  return bodyOf(answer).status.token;
}

const runtimeAccount = { namespace: 'moonhook', name: 'moonhook-runtime' };

async function makeAccount({ client }: TestCluster, namespace: string, name: string): Promise<void> {
  await apply(client, `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name },
  });
}

async function start(running: TestCluster) {
  const { client, plane } = running;
  await makeNamespace(client, 'moonhook');
  await makeNamespace(client, 'team-a');
  await makeAccount(running, 'moonhook', 'moonhook-runtime');
  await makeAccount(running, 'moonhook', 'stranger');
  // Without the controller-manager nobody makes it, and pods ask for it.
  for (const name of ['caller', 'nobody']) await makeAccount(running, 'team-a', name);
  const settings = readControllerSettings({ kubeconfig: plane.kubeconfig }, 'controller-0', {
    MOONHOOK_LINK_PORT: '0',
    MOONHOOK_ADMIN_PORT: '0',
  });
  assert.ok(settings.ok);
  const log = keptLog();
  let links: Awaited<ReturnType<typeof startLinks>> | undefined;
  const part: StartPart = async (context) => (links = await startLinks(context));
  const program = await runController({ settings: settings.settings, log, version: 'test', parts: [part] });
  assert.ok(program.ok && links !== undefined);
  const stop = once(() => program.program.stop());
  after(stop);
  const bundle = bodyOf(
    await client.request<{ readonly data: Readonly<Record<string, string>> }>({
      path: '/api/v1/namespaces/moonhook/configmaps/moonhook-ca',
    }),
  ).data['ca.crt'];
  assert.ok(bundle !== undefined);
  const pods = await Promise.all(names.map((name) => makePod(running, name)));
  const { port } = links.server;
  const runtimes: RuntimeProcess[] = [];
  for (const pod of pods) {
    const made = await startRuntimeProcess(pod.metadata, undefined, {
      controllers: [port],
      token: await makeToken(running, runtimeAccount, [audience], pod),
      authority: bundle,
      serverName,
    });
    after(() => made.close());
    runtimes.push(made);
  }
  await setEndpoints(
    client,
    pods.map(({ metadata: { name, uid } }) => ({ pod: name, podUid: uid })),
  );
  return { running, links, log, port, bundle, pods, runtimes, stop };
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}

const started = cluster === undefined ? undefined : await start(cluster);

function dial(token: string): Promise<string> {
  assert.ok(started);
  const { port, bundle } = started;
  return new Promise((resolve) => {
    dialPeer(
      {
        host: '127.0.0.1',
        port,
        serverName,
        authorities: bundle,
        token,
        limits: linkLimits,
        newest: protocolVersion,
        timeoutMs: 10_000,
      },
      (socket) => {
        socket.terminate();
        resolve('open');
      },
      resolve,
    );
  });
}

const source = 'return function() return "from the cluster" end';

test('an applied function answers on every runtime process, and its status counts them', { skip }, async () => {
  assert.ok(started);
  const { running, runtimes } = started;
  for (const runtime of runtimes)
    await eventually(
      'it is ready',
      () => runtime.ready(),
      () => runtime.log(),
    );
  const hook = webhookFunction('hello', { code: source, triggers: [openTrigger('hello')] });
  await apply(running.client, functionPath('team-a', 'hello'), hook);
  for (const runtime of runtimes) {
    await eventually('it answers', async () => {
      const response = await fetch(`${runtime.publicUrl}/team-a/hello`);
      return response.status === 200 && (await response.text()) === 'from the cluster';
    });
  }
  const object = await conditionStands(running.client, functionPath('team-a', 'hello'), 'Programmed=True/Programmed');
  const programmed = object.status?.conditions?.find(({ type }) => type === 'Programmed');
  assert.match(programmed?.message ?? '', /3 of 3/);
});

test('only a token of a living runtime pod, made for this installation, opens the link', { skip }, async () => {
  assert.ok(started);
  const { running, pods } = started;
  const [pod] = pods as [KubeObject];
  assert.equal(await dial(await makeToken(running, runtimeAccount, [audience], pod)), 'open', 'the control');
  assert.match(await dial(await makeToken(running, runtimeAccount, [audience])), /^401: .*not bound to a pod/);
  assert.match(
    await dial(await makeToken(running, { namespace: 'moonhook', name: 'stranger' }, [audience])),
    /^401: .*not that of a runtime/,
  );
  assert.match(
    await dial(await makeToken(running, { namespace: 'team-a', name: 'caller' }, [audience])),
    /^401: .*not that of a runtime/,
  );
  const forApi = await makeToken(running, runtimeAccount, ['https://kubernetes.default.svc'], pod);
  assert.match(await dial(forApi), /^401: /);
  assert.match(await dial('not.a.token'), /^401: /);
});

test('active calls need a token of their own audience and the right to call that function', { skip }, async () => {
  assert.ok(started);
  const { running, runtimes } = started;
  const [runtime] = runtimes as [RuntimeProcess];
  const call = async (token: string, path = '/function/team-a/hello'): Promise<string> => {
    const response = await fetch(`${runtime.callsUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return `${response.status} ${await response.text()}`;
  };
  const rules = [{ apiGroups: ['run.moonhook.dev'], resources: ['functions/invoke', 'events'], verbs: ['create'] }];
  const root = '/apis/rbac.authorization.k8s.io/v1/namespaces/team-a';
  const kind = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  await apply(running.client, `${root}/roles/caller`, { ...kind, kind: 'Role', metadata: { name: 'caller' }, rules });
  await apply(running.client, `${root}/rolebindings/caller`, {
    ...kind,
    kind: 'RoleBinding',
    metadata: { name: 'caller' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'caller' },
    subjects: [{ kind: 'ServiceAccount', name: 'caller', namespace: 'team-a' }],
  });
  const caller = { namespace: 'team-a', name: 'caller' };
  const token = await makeToken(running, caller, ['moonhook']);
  await eventually('the right has reached the authorizer', async () => {
    const fresh = await makeToken(running, caller, ['moonhook']);
    return (await call(fresh)).startsWith('200');
  });
  assert.equal(await call(token), '200 from the cluster');
  const nobody = await makeToken(running, { namespace: 'team-a', name: 'nobody' }, ['moonhook']);
  assert.match(await call(nobody), /^403 .*may not create functions\/invoke/);
  assert.match(await call(await makeToken(running, caller, ['https://kubernetes.default.svc'])), /^401 .*--audience/);
  assert.match(await call('x'), /^401 /);
  const forged = token.replace(/\.[^.]+$/, '.c2lnbmF0dXJl');
  assert.match(await call(forged), /^401 .*does not know/);
  const publish = async (sent: string): Promise<number> => {
    const headers = { authorization: `Bearer ${sent}`, 'ce-type': 'order.created', 'content-type': 'application/json' };
    return (await fetch(`${runtime.callsUrl}/events/team-a`, { method: 'POST', headers, body: '{}' })).status;
  };
  assert.equal(await publish(token), 202);
  assert.equal(await publish(nobody), 403);
  // What is not there looks like what is: the right is asked for first.
  assert.match(await call(nobody, '/function/team-a/absent'), /^403 /);
});

test('two replicas that start at once agree on certificates, and a broken Secret is made anew', { skip }, async () => {
  assert.ok(started);
  const { client } = started.running;
  const stopping = new AbortController();
  const keep = () =>
    keepCertificates({
      client,
      clock: createClock(),
      log: keptLog(),
      namespace: 'moonhook',
      secret: 'other-certificates',
      configMap: 'other-ca',
      names: ['other.moonhook.svc'],
      signal: stopping.signal,
      onChanged: () => undefined,
    });
  try {
    const [one, two] = await Promise.all([keep(), keep()]);
    assert.deepEqual(one, two);
    const path = '/api/v1/namespaces/moonhook/secrets/other-certificates';
    const secret = bodyOf(await client.request<KubeObject>({ path }));
    const body = { ...secret, data: { 'tls.crt': 'bm9uc2Vuc2U=' } };
    assert.ok((await client.request({ method: 'PUT', path, body })).ok);
    const again = await keep();
    assert.notEqual(again.serving.certificate, one.serving.certificate);
    const bundle = bodyOf(
      await client.request<{ readonly data: Readonly<Record<string, string>> }>({
        path: '/api/v1/namespaces/moonhook/configmaps/other-ca',
      }),
    );
    assert.equal(bundle.data['ca.crt'], again.authorities);
  } finally {
    stopping.abort();
  }
});

test('a pod that is gone loses its link', { skip }, async () => {
  assert.ok(started);
  const { running, links, pods } = started;
  const last = pods.at(-1) as KubeObject;
  const token = await makeToken(running, runtimeAccount, [audience], last);
  await running.client.request({
    method: 'DELETE',
    path: `/api/v1/namespaces/moonhook/pods/${last.metadata.name}`,
    query: { gracePeriodSeconds: 0 },
  });
  await eventually('it is forgotten', () =>
    links.server.runtimes().every(({ podUid }) => podUid !== last.metadata.uid),
  );
  assert.match(await dial(token), /^401: /);
});

test('while no controller is there runtimes serve on, and callers are told to come again', { skip }, async () => {
  assert.ok(started);
  const { running, runtimes, stop } = started;
  await stop();
  const [runtime] = runtimes as [RuntimeProcess];
  assert.equal((await fetch(`${runtime.publicUrl}/team-a/hello`)).status, 200);
  const token = await makeToken(running, { namespace: 'team-a', name: 'caller' }, ['moonhook']);
  const answer = await fetch(`${runtime.callsUrl}/function/team-a/hello`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 503);
  assert.ok(answer.headers.has('retry-after'));
});
