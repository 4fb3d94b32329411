/** What a tenant cannot take of another, nor widen for himself: in an installation of two, each attack beside its control. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { apply, conditionStands, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { installationNamespace, runInstallation } from '../kube/run-installation.ts';
import { setTakingTraffic } from '../kube/runtime-pod.ts';
import { useCluster, type KubectlResult, type TestCluster } from '../kube/with-control-plane.ts';

const proxy = await makeFrontProxy();
const { cluster, skip } = await useCluster({ apiServerFlags: proxy.flags });
const secretValue = 'not-for-anybody-0123456789';
/** RFC 5737: nobody has it. */
const granted = '192.0.2.10';

const policy = { egress: { namespaces: { 'team-a': { grants: [granted] } } } };

type Spec = Readonly<Record<string, unknown>>;

async function start(own: TestCluster) {
  const installation = await runInstallation(own, ['team-a', 'team-b'], {}, { policy });
  await apply(own.client, '/api/v1/namespaces/team-a/secrets/keys', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys', labels: { 'moonhook.dev/functions': 'true' } },
    stringData: { key: secretValue },
  });
  await setTakingTraffic(own.client, installationNamespace, [installation.runtime.pod]);
  const call = async (path: string, body = '{}'): Promise<string> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${installation.runtime.publicUrl}${path}`, { method: 'POST', headers, body });
    return `${response.status} ${await response.text()}`;
  };
  return { ...own, ...installation, call };
}

const started = cluster === undefined ? undefined : await start(cluster);

async function kubectlApply(namespace: string, name: string, spec: Spec): Promise<KubectlResult> {
  assert.ok(started);
  return started.kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(webhookFunction(name, spec)));
}

/** Applies it and waits until it stands. */
async function stands(namespace: string, name: string, spec: Spec, wanted = 'Ready=True/Ready'): Promise<string> {
  assert.ok(started);
  const said = await kubectlApply(namespace, name, spec);
  assert.equal(said.code, 0, said.stderr);
  const { status } = await conditionStands(started.client, functionPath(namespace, name), wanted);
  return JSON.stringify(status?.conditions);
}

/** The same function in both namespaces. */
async function inBoth(name: string, spec: Spec): Promise<void> {
  for (const namespace of ['team-a', 'team-b']) await stands(namespace, name, spec);
}

async function answers(path: string, wanted: string): Promise<void> {
  assert.ok(started);
  let said = '';
  await eventually(
    `${path} answers ${wanted}`,
    async () => (said = await started.call(path)) === wanted,
    () => said,
  );
}

test('the route of another namespace is not taken, by no way to write it', { skip }, async () => {
  assert.ok(started);
  await stands('team-a', 'orders', { code: 'return function() return "of a" end', triggers: [openTrigger('orders')] });
  await answers('/team-a/orders', '200 of a');
  const taking = 'return function() return "taken" end';
  for (const [index, path] of ['/team-a/orders', '/team-a/:any', '/:namespace/orders', '/*'].entries()) {
    const name = `thief-${index}`;
    const why = await stands(
      'team-b',
      name,
      { code: taking, triggers: [openTrigger(path)] },
      'Accepted=False/HostNotAllowed',
    );
    assert.match(why, /it may use any host below \/team-b/);
  }
  const up = await stands(
    'team-b',
    'up',
    { code: taking, triggers: [openTrigger('../team-a/orders')] },
    'Accepted=False/RouteInvalid',
  );
  assert.ok(up);
  assert.equal(await started.call('/team-a/orders'), '200 of a');
  // The control: what they may have they get.
  await stands('team-b', 'own', { code: taking, triggers: [openTrigger('/team-b/orders')] });
  await answers('/team-b/orders', '200 taken');
});

test('a Secret is reached in its own namespace only: no reference names another', { skip }, async () => {
  assert.ok(started);
  const reading = (ref: Spec): Spec => ({
    code: 'return function() return env.KEY end',
    env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key', ...ref } } }],
    triggers: [openTrigger('reading')],
  });
  await stands('team-a', 'reading', reading({}));
  await answers('/team-a/reading', `200 ${secretValue}`);
  await stands('team-b', 'reading', reading({}), 'ResolvedRefs=False/SecretNotFound');
  for (const name of ['team-a/keys', '../team-a/secrets/keys']) {
    const refused = await kubectlApply('team-b', 'by-path', reading({ name }));
    assert.ok(
      refused.code !== 0 ||
        /SecretNotFound/.test(
          await stands('team-b', 'by-path', reading({ name }), 'ResolvedRefs=False/SecretNotFound'),
        ),
    );
  }
  const elsewhere = await kubectlApply('team-b', 'elsewhere', reading({ namespace: 'team-a' }));
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /unknown field "spec\.env\[0\]\.valueFrom\.secretKeyRef\.namespace"/);
  assert.doesNotMatch(await started.call('/team-b/reading'), /not-for-anybody/);
});

test('stored values of a function of the same name in another namespace are not there', { skip }, async () => {
  assert.ok(started);
  await inBoth('keeper', {
    code: `return function(event)
      if event.data.set then kv.set("k", event.data.set) kv.shared("s").set("k", event.data.set) end
      return tostring(kv.get("k")) .. " " .. tostring(kv.shared("s").get("k"))
    end`,
    triggers: [openTrigger('keeper')],
  });
  assert.equal(await started.call('/team-a/keeper', '{"set":"of a"}'), '200 of a of a');
  assert.equal(await started.call('/team-b/keeper'), '200 nil nil');
  assert.equal(await started.call('/team-a/keeper'), '200 of a of a', 'control: it is kept');
  // Nor through the door of people.
  const all = ['moonhook-view', 'moonhook-edit', 'moonhook-admin'];
  const kubeconfig = await started.userWith('bob', { 'team-b': all });
  const root = '/apis/run.moonhook.dev/v1alpha1/namespaces';
  const keys = (namespace: string, as: readonly string[]): Promise<KubectlResult> =>
    started.kubectl([...as, 'get', '--raw', `${root}/${namespace}/functions/keeper/kv`]);
  const bob = ['--kubeconfig', kubeconfig];
  assert.match((await keys('team-a', bob)).stderr, /Forbidden/);
  assert.doesNotMatch((await keys('team-b', bob)).stdout, /"of a"/);
  assert.match((await keys('team-a', [])).stdout, /"k"/, 'control: they are there for who may see them');
});

test('events stay in their namespace, and no attribute leads out of it', { skip }, async () => {
  assert.ok(started);
  await inBoth('listener', {
    code: `return {
      web = function(event)
        local ok, why = pcall(events.publish, "com.acme.made", { from = event.data.from }, event.data.options)
        return tostring(ok) .. " " .. tostring(why)
      end,
      made = function(event) kv.set("last", event.data.from) end,
      last = function() return tostring(kv.get("last")) end,
    }`,
    triggers: [
      openTrigger('publish'),
      { ...openTrigger('last'), name: 'last' },
      { name: 'made', event: { type: 'com.acme.*' } },
    ],
  });
  assert.match(await started.call('/team-a/publish', '{"from":"a"}'), /^200 true/);
  await answers('/team-a/last', '200 a');
  for (const name of ['namespace', 'principal', 'verified', 'hops']) {
    const attributes = { [name]: 'team-b' };
    const said = await started.call('/team-a/publish', JSON.stringify({ from: 'spoofed', options: { attributes } }));
    assert.match(said, /^200 (?:false|true nil)/, name);
  }
  // Once more in its own: whatever was on its way to the other one has come by now.
  assert.match(await started.call('/team-b/publish', '{"from":"b"}'), /^200 true/);
  await answers('/team-b/last', '200 b');
  const listed = await started.kubectl(['get', 'deliveries', '-n', 'team-b', '-o', 'json']);
  const { items } = JSON.parse(listed.stdout) as { readonly items: readonly unknown[] };
  assert.equal(items.length, 1, listed.stdout);
});

test('nobody widens his own egress: a list narrows, and opens nothing', { skip }, async () => {
  assert.ok(started);
  const code = `return function(event)
    local answer, err = http.get(event.data.url, { timeout = 0.5 })
    return tostring(answer and answer.status) .. " " .. tostring(err)
  end`;
  const allow = [granted, '169.254.169.254', '10.0.0.0/8', 'kubernetes.default.svc', '127.0.0.1', 'localhost'];
  for (const namespace of ['team-a', 'team-b']) {
    const spec = { code, egress: { allow }, limits: { timeout: '5s' }, triggers: [openTrigger('out')] };
    const said = await kubectlApply(namespace, 'out', spec);
    assert.equal(said.code, 0, said.stderr);
    await conditionStands(started.client, functionPath(namespace, 'out'), 'Programmed=True/Programmed');
  }
  const refused = /egress|not globally|loopback|link-local|private/i;
  const get = (namespace: string, host: string): Promise<string> =>
    started.call(`/${namespace}/out`, JSON.stringify({ url: `http://${host}/` }));
  for (const host of ['169.254.169.254', '10.0.0.1', '127.0.0.1', 'localhost', '[::ffff:169.254.169.254]']) {
    assert.match(await get('team-a', host), refused, host);
  }
  assert.match(await get('team-b', granted), refused);
  assert.doesNotMatch(await get('team-a', granted), refused, 'control: what the installation grants is tried');
});

test('nobody has more than the ceiling: what asks for it does not run', { skip }, async () => {
  assert.ok(started);
  const code = 'return function() return "runs" end';
  const asking = (limits: Spec): Spec => ({ code, limits, triggers: [openTrigger('greedy')] });
  for (const limits of [{ memory: '64Gi' }, { timeout: '24h' }, { cpuTime: '600s' }, { concurrency: 10_000 }]) {
    await stands('team-b', 'greedy', asking(limits), 'Accepted=False/PolicyDenied');
    assert.doesNotMatch(await started.call('/team-b/greedy'), /^200/, JSON.stringify(limits));
  }
  await stands('team-b', 'greedy', asking({ memory: '16Mi' }));
  await answers('/team-b/greedy', '200 runs');
});
