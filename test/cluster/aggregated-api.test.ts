/** `run.moonhook.dev` through the real API server with the real kubectl: tables, lists, rights, and who is not believed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { resourceCatalogue } from '../../src/controller/aggregated-api/resource-catalogue.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { eventually } from '../builders/eventually.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import { apply, functionPath, openTrigger, webhookFunction, type StatusObject } from '../kube/run-controller.ts';
import { runInstallation } from '../kube/run-installation.ts';
import { bodyOf, useCluster, type KubectlResult, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ apiServerFlags: proxy.flags });

const secretValue = 'not-for-anybody-0123456789';

const failing = webhookFunction('orders', {
  env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } }],
  code: 'return function(event) error("no stock of " .. tostring(event.data.item)) end',
  retry: { schedule: ['1ms'] },
  triggers: [{ ...openTrigger('orders'), http: { path: 'orders', mode: 'async', receiver: { open: {} } } }],
});

const patient = webhookFunction('patient', {
  code: 'return function() error("not now") end',
  retry: { schedule: ['1h'] },
  triggers: [{ name: 'web', http: { path: 'patient', mode: 'async', receiver: { open: {} } } }],
});

const greeting = webhookFunction('hello', {
  code: `return function(event)
  log.info("said hello", { to = event.data.name })
  kv.set("last", event.data.name)
  return { json = { hello = event.data.name, as = event.sender.subject, path = event.request.path } }
end`,
  triggers: [openTrigger('hello')],
});

async function start(own: TestCluster) {
  const installation = await runInstallation(own, ['team-a', 'team-b']);
  for (const namespace of ['team-a', 'team-b']) {
    await apply(own.client, `/api/v1/namespaces/${namespace}/secrets/keys`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys', labels: { 'moonhook.dev/functions': 'true' } },
      stringData: { key: secretValue },
    });
    await apply(own.client, functionPath(namespace, 'orders'), failing);
    await apply(own.client, functionPath(namespace, 'hello'), greeting);
    await apply(own.client, functionPath(namespace, 'patient'), patient);
  }
  const kubectlAs = (kubeconfig: string) => (arguments_: readonly string[], input?: string) =>
    own.kubectl(['--kubeconfig', kubeconfig, ...arguments_], input);
  const viewerConfig = await installation.userWith('viewer', { 'team-a': ['moonhook-view'] });
  const viewer = kubectlAs(viewerConfig);
  const both = ['moonhook-view', 'moonhook-edit'];
  const editor = kubectlAs(await installation.userWith('editor', { 'team-a': both }));
  const admin = kubectlAs(await installation.userWith('admin', { 'team-a': [...both, 'moonhook-admin'] }));
  const operator = kubectlAs(await installation.userWith('operator', { '*': ['moonhook-view'] }));
  for (const namespace of ['team-a', 'team-b']) await send(installation.runtime.publicUrl, namespace, 'tea');
  return { ...own, ...installation, viewer, viewerConfig, editor, admin, operator };
}

async function send(publicUrl: string, namespace: string, item: string, path = 'orders'): Promise<void> {
  let said = 0;
  await eventually(
    `the hook of ${namespace} takes an order`,
    async () => {
      const response = await fetch(`${publicUrl}/${namespace}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ item }),
      });
      await response.text();
      said = response.status;
      return said === 202;
    },
    () => said,
  );
}

const started = cluster === undefined ? undefined : await start(cluster);

/** Asks until the answer is as wanted. */
async function until(
  ask: () => Promise<KubectlResult>,
  wanted: (said: KubectlResult) => boolean,
): Promise<KubectlResult> {
  let said: KubectlResult | undefined;
  await eventually(
    'kubectl says it',
    async () => {
      said = await ask();
      return wanted(said);
    },
    () => said,
  );
  assert.ok(said);
  return said;
}

test('kubectl prints dead letters of a namespace as a table', { skip }, async () => {
  assert.ok(started);
  const { viewer } = started;
  const { stdout } = await until(
    () => viewer(['get', 'deadletters', '-n', 'team-a']),
    (said) => said.stdout.includes('dlv-'),
  );
  const [header = '', row = ''] = stdout.split('\n');
  assert.match(header, /^NAME +TO +ATTEMPTS +AGE +TYPE +WHY$/);
  assert.match(row, /^dlv-\d+ +orders web +2 +\d+s +\S+ .*no stock of tea/);
  const wide = await viewer(['get', 'dl', '-n', 'team-a', '-o', 'wide']);
  assert.match(wide.stdout, /EVENT/);
});

const runRoot = '/apis/run.moonhook.dev/v1alpha1';

interface Listed {
  readonly kind: string;
  readonly metadata: { readonly continue?: string };
  readonly items: readonly (Readonly<Record<string, unknown>> & {
    readonly metadata: { readonly name: string; readonly namespace?: string };
  })[];
}

const parsed = (said: KubectlResult): unknown => {
  assert.equal(said.code, 0, said.stderr);
  return JSON.parse(said.stdout);
};

test('lists are read as JSON, of one namespace, of all, in pages, and by field', { skip }, async () => {
  assert.ok(started);
  const { viewer, operator, runtime } = started;
  for (const item of ['milk', 'sugar']) await send(runtime.publicUrl, 'team-a', item);
  await until(
    () => operator(['get', 'deadletters', '-A']),
    (said) => said.stdout.split('\n').filter((line) => line.startsWith('team-')).length === 4,
  );
  const all = parsed(await operator(['get', 'deadletters', '-A', '-o', 'json'])) as Listed;
  assert.deepEqual([...new Set(all.items.map(({ metadata }) => metadata.namespace ?? ''))].toSorted(), [
    'team-a',
    'team-b',
  ]);
  const own = parsed(await viewer(['get', 'deadletters', '-n', 'team-a', '-o', 'json'])) as Listed;
  assert.equal(own.items.length, 3);
  const pages: string[] = [];
  for (let next = ''; ;) {
    const path = `${runRoot}/namespaces/team-a/deadletters?limit=2&continue=${next}`;
    const page = parsed(await viewer(['get', '--raw', path])) as Listed;
    pages.push(...page.items.map(({ metadata }) => metadata.name));
    next = page.metadata.continue ?? '';
    if (next === '') break;
  }
  assert.deepEqual(
    pages,
    own.items.map(({ metadata }) => metadata.name),
  );
  const [first] = own.items;
  assert.ok(first);
  const named = await viewer(['get', 'deadletters', first.metadata.name, '-n', 'team-a', '-o', 'yaml']);
  assert.match(named.stdout, /kind: DeadLetter/);
  const whole = `${runRoot}/namespaces/team-a/deadletters/${first.metadata.name}?body=true`;
  assert.match((await viewer(['get', '--raw', whole])).stderr, /cannot get resource "functions\/records"/);
  assert.match((await started.editor(['get', '--raw', whole])).stderr, /cannot get resource "functions\/records"/);
  const full = parsed(await started.admin(['get', '--raw', whole])) as {
    readonly event: { readonly bodyBase64: string };
  };
  assert.match(Buffer.from(full.event.bodyBase64, 'base64').toString(), /^\{"item":/);
  assert.ok(!(await started.admin(['get', '--raw', whole.replace('?body=true', '')])).stdout.includes('bodyBase64'));
  const chosen = ['get', 'deliveries', '-n', 'team-a', '-o', 'name', '--field-selector', 'state=dead,function=orders'];
  assert.equal((await viewer(chosen)).stdout.trim().split('\n').length, 3);
  const wrong = await viewer(['get', 'deliveries', '-n', 'team-a', '--field-selector', 'colour=red']);
  assert.match(wrong.stderr, /"colour=red" is no field selector/);
  assert.match((await viewer(['get', 'deliveries', '-n', 'team-a', '-l', 'a=b'])).stderr, /no labels to select by/);
  assert.match(
    (await viewer(['get', 'deadletter', 'dlv-999', '-n', 'team-a'])).stderr,
    /NotFound.*"dlv-999" not found/,
  );
  const watched = await started.kubectl(['get', 'routes', '-n', 'team-a', '-w']);
  assert.match(watched.stderr, /watch is not supported|MethodNotAllowed/, watched.stdout);
});

test('functions, routes, runtimes and calls are printed, and discovery lists them all', { skip }, async () => {
  assert.ok(started);
  const { viewer, operator } = started;
  const resources = await viewer(['api-resources', '--api-group=run.moonhook.dev', '-o', 'name']);
  const names = resources.stdout
    .trim()
    .split('\n')
    .map((line) => line.replace('.run.moonhook.dev', ''))
    .sort();
  assert.deepEqual(names, resourceCatalogue.map(({ name }) => name).sort());
  const functions = await viewer(['get', 'functions.run.moonhook.dev', '-n', 'team-a']);
  assert.match(functions.stdout, /^hello +\w+ +\w+ +\S+ +web/m);
  assert.match((await viewer(['get', 'routes.run.moonhook.dev', '-n', 'team-a'])).stdout, /\/team-a\/hello/);
  assert.match((await operator(['get', 'runtimes'])).stdout, /moonhook-runtime-0 +default +True +True +6/);
  assert.match((await viewer(['get', 'runtimes'])).stderr, /Forbidden/);
  assert.match((await viewer(['get', 'calls', '-n', 'team-a'])).stdout, /orders +web +accepted/);
  const explained = await viewer(['explain', 'deadletters']);
  assert.match(explained.stdout, /A delivery that failed for good/, explained.stderr);
});

test('a watch of calls tells of calls of its selection, in outline', { skip }, async () => {
  assert.ok(started);
  const { viewer, runtime } = started;
  const path = `${runRoot}/namespaces/team-a/calls?watch=true&timeoutSeconds=2&fieldSelector=function%3Dhello`;
  // A watch that names no version begins with what is there.
  await fetch(`${runtime.publicUrl}/team-a/hello`, { method: 'POST', body: '{"name":"watcher"}' });
  const lines = (await viewer(['get', '--raw', path])).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as WatchLine);
  assert.ok(lines.some(({ type, object }) => type === 'ADDED' && object['functionName'] === 'hello'));
  assert.ok(lines.every(({ object }) => object['functionName'] === 'hello' && object['log'] === undefined));
});

interface WatchLine {
  readonly type: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** Creates below a function or subscription. */
async function create(
  as: (arguments_: readonly string[], input?: string) => Promise<KubectlResult>,
  path: string,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const said = await as(['create', '--raw', `${runRoot}/namespaces/team-a/${path}`, '-f', '-'], JSON.stringify(body));
  return parsed(said) as Readonly<Record<string, unknown>>;
}

test(
  'a function is called in the name of the user, and its logs and keys are read with the right for them',
  { skip },
  async () => {
    assert.ok(started);
    const { viewer, editor, admin } = started;
    const order = { path: '/deep?x=1', headers: { 'content-type': 'application/json' }, body: '{"name":"Ada"}' };
    const answer = await create(editor, 'functions/hello/invoke', order);
    assert.equal(answer['status'], 200);
    const said = JSON.parse(Buffer.from(String(answer['bodyBase64']), 'base64').toString()) as unknown;
    assert.deepEqual(said, { hello: 'Ada', as: 'system:serviceaccount:default:editor', path: '/deep' });
    const get = (as: typeof viewer, path: string): Promise<KubectlResult> =>
      as(['get', '--raw', `${runRoot}/namespaces/team-a/${path}`]);
    const logs = await get(editor, 'functions/hello/logs');
    assert.match(logs.stdout, /said hello/);
    assert.match((await get(viewer, 'functions/hello/logs')).stderr, /viewer" cannot get resource "functions\/logs"/);
    const keys = parsed(await get(admin, 'functions/hello/kv?key=last')) as Readonly<Record<string, unknown>>;
    assert.equal(keys['value'], 'Ada');
    assert.match((await get(editor, 'functions/hello/kv')).stderr, /Forbidden/);
    assert.match((await get(viewer, 'calls')).stdout, /"functionName":"hello"/);
    assert.doesNotMatch((await get(viewer, 'calls')).stdout, /said hello/);
  },
);

test(
  'whoever only looks does not try proofs: a request that was not sent is explained with edit',
  { skip },
  async () => {
    assert.ok(started);
    const { viewer, editor } = started;
    const path = `${runRoot}/namespaces/team-a/functions/hello/explain`;
    const request = { method: 'POST', url: '/team-a/hello' };
    const denied = await viewer(['create', '--raw', path, '-f', '-'], JSON.stringify(request));
    assert.match(denied.stderr, /viewer" cannot create resource "functions\/explain"/);
    assert.match(JSON.stringify((await create(editor, 'functions/hello/explain', request))['lines']), /team-a\/hello/);
    const story = `${runRoot}/namespaces/team-a/functions/-/explain?id=nothing`;
    assert.match((await viewer(['get', '--raw', story])).stderr, /no call, event or delivery/);
  },
);

test('a replay needs the right for all it reaches, runs again, and is told', { skip }, async () => {
  assert.ok(started);
  const { viewer, editor } = started;
  const path = `${runRoot}/namespaces/team-a/functions/orders/replay`;
  const denied = await viewer(['create', '--raw', path, '-f', '-'], '{"dead":true,"generation":7}');
  assert.match(denied.stderr, /viewer" cannot create resource "functions\/replay"/);
  const count = await create(editor, 'functions/orders/replay', { dead: true, dryRun: true });
  assert.equal(count['count'], 3);
  await create(editor, 'functions/orders/replay', { dead: true, generation: 7 });
  await until(
    () => viewer(['get', 'deadletters', '-n', 'team-a', '-o', 'jsonpath={.items[*].generation}']),
    ({ stdout }) => stdout === '7 7 7',
  );
  const told = await editor(['get', '--raw', `${runRoot}/namespaces/team-a/functions/-/replay?generation=7`]);
  assert.equal((parsed(told) as Readonly<Record<string, unknown>>)['state'], 'done');
});

test('an event is published, and a function refreshed', { skip }, async () => {
  assert.ok(started);
  const { editor, client } = started;
  const said = await create(editor, 'events', { type: 'shop.order', source: '/shop', id: 'o-1', data: { n: 1 } });
  assert.equal(said['kind'], 'Event');
  await create(editor, 'functions/hello/refresh', {});
  const hook = bodyOf(await client.request<StatusObject>({ path: functionPath('team-a', 'hello') }));
  assert.match(String(hook.status?.['refreshRequested']), /^\d{4}-/);
});

test('a delivery that waits is cancelled by deleting it; one that has ended is not', { skip }, async () => {
  assert.ok(started);
  const { viewer, editor, runtime } = started;
  await send(runtime.publicUrl, 'team-a', 'tea', 'patient');
  const list = ['get', 'deliveries', '-n', 'team-a', '--field-selector', 'function=patient', '--no-headers'];
  const { stdout } = await until(
    () => viewer(list),
    (said) => /waiting +1 /.test(said.stdout),
  );
  const waiting = /dlv-\d+/.exec(stdout)?.[0] ?? '';
  assert.match((await viewer(['delete', 'delivery', waiting, '-n', 'team-a'])).stderr, /cannot delete resource/);
  const deleted = await editor(['delete', 'delivery', waiting, '-n', 'team-a', '--timeout=20s']);
  assert.equal(deleted.code, 0, deleted.stderr);
  assert.match((await viewer(list)).stdout, /cancelled/);
  const again = await editor(['delete', 'delivery', waiting, '-n', 'team-a']);
  assert.match(again.stderr, /cannot be cancelled: it has ended: cancelled/);
  const none = await editor(['delete', 'deadletter', waiting, '-n', 'team-a']);
  assert.match(none.stderr, /not found/, 'what was cancelled is no dead letter');
});

test('a dead letter is discarded by deleting it, by those who may', { skip }, async () => {
  assert.ok(started);
  const { viewer, editor } = started;
  const names = async (): Promise<readonly string[]> =>
    (await viewer(['get', 'deadletters', '-n', 'team-a', '-o', 'name'])).stdout.trim().split('\n').filter(Boolean);
  const [first = '', ...others] = await names();
  assert.match((await viewer(['delete', first, '-n', 'team-a'])).stderr, /cannot delete resource/);
  const discarded = await editor(['delete', first, '-n', 'team-a', '--timeout=20s']);
  assert.equal(discarded.code, 0, discarded.stderr);
  assert.deepEqual(await names(), others);
  assert.match((await editor(['delete', first, '-n', 'team-a'])).stderr, /not found/);
});

/** A kubectl that goes on until the end of the test; answers the first match in what it has printed. */
function watching(t: TestContext, arguments_: readonly string[]): (wanted: RegExp) => Promise<RegExpExecArray> {
  const child = spawn(kubeTools().kubectl, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (printed += bytes.toString()));
  return (wanted) =>
    eventually(
      `kubectl ${arguments_.slice(2).join(' ')} prints ${wanted.source}`,
      () => wanted.exec(printed) ?? undefined,
      () => printed,
    );
}

test('kubectl watches deliveries and dead letters: what comes, changes and leaves', { skip }, async (t) => {
  assert.ok(started);
  const { viewer, viewerConfig, editor, runtime } = started;
  const options = ['-n', 'team-a', '-w', '--output-watch-events', '--field-selector', 'function=orders'];
  const watch = (resource: string): ReturnType<typeof watching> =>
    watching(t, ['--kubeconfig', viewerConfig, 'get', resource, ...options]);
  const deadLetters = watch('deadletters');
  const deliveries = watch('deliveries');
  const [, old = ''] = await deadLetters(/^ADDED +(dlv-\d+) +orders web/m);
  await deliveries(new RegExp(`^ADDED +${old} +orders web +dead`, 'm'));
  await send(runtime.publicUrl, 'team-a', 'honey');
  const [, name = ''] = await deadLetters(/^ADDED +(dlv-\d+) +orders web .*no stock of honey/m);
  assert.notEqual(name, old);
  await deliveries(new RegExp(`^(?:ADDED|MODIFIED) +${name} +orders web +dead`, 'm'));
  assert.equal((await editor(['delete', 'deadletter', name, '-n', 'team-a', '--timeout=20s'])).code, 0);
  await deadLetters(new RegExp(`^DELETED +${name} `, 'm'));
  await deliveries(new RegExp(`^MODIFIED +${name} +orders web +cancelled`, 'm'));

  // A version tells what came after it, once, and expires rather than leave anything out.
  const path = `${runRoot}/namespaces/team-a/deadletters`;
  const { metadata } = parsed(await viewer(['get', '--raw', path])) as { metadata: { resourceVersion: string } };
  await send(runtime.publicUrl, 'team-a', 'salt');
  const from = (version: string): Promise<KubectlResult> =>
    viewer(['get', '--raw', `${path}?watch=true&timeoutSeconds=3&resourceVersion=${version}`]);
  const lines = await until(
    () => from(metadata.resourceVersion),
    ({ stdout }) => stdout !== '',
  );
  assert.deepEqual(
    lines.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as WatchLine)
      .map(({ type, object }) => [type, object['error']]),
    [['ADDED', 'no stock of salt']],
  );
  assert.match((await from(metadata.resourceVersion)).stderr, /cannot be gone on from.*list again/);
  assert.match((await from('12345678901234')).stderr, /Expired.*not remembered/);
  assert.match((await from('x')).stderr, /must be that of a list/);
});

test('the controller asks for nothing that the roles of the chart do not grant', { skip }, () => {
  assert.ok(started);
  const account = 'system:serviceaccount:moonhook-system:moonhook-controller';
  const own = started.plane.audit().filter(({ user }) => user.username === account);
  assert.ok(own.length > 20);
  const denied = own.filter(({ responseStatus }) => responseStatus?.code === 403);
  assert.deepEqual(
    denied.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ''} ${objectRef?.namespace ?? ''}`),
    [],
  );
});
