import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { SubscriptionHealthReport } from '../../src/controller/types.ts';
import { bodyOf, useCluster, type KubectlResult } from '../kube/with-control-plane.ts';
import { eventually } from '../builders/eventually.ts';
import {
  apply,
  conditionsOf,
  conditionStands,
  functionPath,
  makeNamespace,
  openTrigger,
  releaseNamespace,
  runController,
  setEndpoints,
  webhookFunction,
  type StatusObject,
} from '../kube/run-controller.ts';

const { cluster, skip } = await useCluster();
const client = cluster?.client;
const pods = ['one', 'two'].map((name) => ({ pod: `runtime-${name}`, podUid: `uid-of-${name}` }));

async function start(): Promise<Awaited<ReturnType<typeof startRuntimes>> | undefined> {
  if (client === undefined) return undefined;
  await makeNamespace(client, releaseNamespace);
  await makeNamespace(client, 'team-a');
  return startRuntimes();
}

async function startRuntimes() {
  assert.ok(client);
  const running = runController(client);
  after(() => running.stop());
  await eventually(
    'the first table',
    () => running.controller.table.current(),
    () => running.log,
  );
  const attached = [];
  for (const { pod, podUid } of pods) attached.push(await running.runtimes.attach(pod, podUid));
  await setEndpoints(client, pods);
  return { running, attached };
}

const started = await start();

const say = (text: string): string => `return function() return "${text}" end`;

/** What every runtime answers at a path, once they agree. */
async function answers(path: string, wanted: string): Promise<void> {
  assert.ok(started);
  for (const { served } of started.attached) {
    await eventually(`${path} answers ${wanted}`, async () => {
      const response = await fetch(`${served.url}${path}`);
      return `${response.status} ${await response.text()}`.startsWith(wanted);
    });
  }
}

test('an applied function answers on every runtime, and its status tells', { skip }, async () => {
  assert.ok(cluster && client);
  const applied = webhookFunction('hello', { code: say('hello'), triggers: [openTrigger('hello')] });
  const kubectl = await cluster.kubectl(['apply', '-n', 'team-a', '-f', '-'], JSON.stringify(applied));
  assert.equal(kubectl.code, 0, kubectl.stderr);
  await answers('/team-a/hello', '200 hello');
  const object = await conditionStands(client, functionPath('team-a', 'hello'), 'Ready=True/Ready');
  assert.deepEqual(conditionsOf(object), [
    'Accepted=True/Accepted',
    'Programmed=True/Programmed',
    'Ready=True/Ready',
    'ResolvedRefs=True/ResolvedRefs',
  ]);
  const { status } = object;
  assert.equal(status?.['programmed'], '2/2');
  assert.equal(status?.['url'], 'https://hooks.example.com/team-a/hello');
  assert.equal(status?.['triggerNames'], 'web');
  assert.equal(status?.['servingRevision'], status?.revision);
  assert.equal(status?.observedGeneration, 1);
  assert.deepEqual(status?.['triggers'], [{ name: 'web', ready: true, url: 'https://hooks.example.com/team-a/hello' }]);
  const { stdout } = await cluster.kubectl(['get', 'whf', '-n', 'team-a', 'hello', '-o', 'wide']);
  assert.match(stdout, /hello\s+True\s+2\/2\s+https:\/\/hooks\.example\.com\/team-a\/hello\s+Ready\s+web/);
});

test('kubectl describe shows the Event of the transition', { skip }, async () => {
  assert.ok(cluster);
  await eventually('the Event', async () => {
    const { stdout } = await cluster.kubectl(['describe', 'whf', '-n', 'team-a', 'hello']);
    return /Normal\s+Ready.*the function answers its triggers/.test(stdout);
  });
});

test('an edit goes live, and costs two status writes at most', { skip }, async () => {
  assert.ok(client && started);
  const path = functionPath('team-a', 'hello');
  await conditionStands(client, path, 'Ready=True/Ready');
  const before = started.running.controller.stats().statusWrites;
  await apply(client, path, webhookFunction('hello', { code: say('edited'), triggers: [openTrigger('hello')] }));
  await answers('/team-a/hello', '200 edited');
  await conditionStands(client, path, 'Ready=True/Ready');
  const writes = started.running.controller.stats().statusWrites - before;
  assert.ok(writes >= 1 && writes <= 2, `${writes} writes`);
});

test('broken code keeps the last good code, and the status says where it breaks', { skip }, async () => {
  assert.ok(client && cluster);
  const path = functionPath('team-a', 'broken');
  await apply(client, path, webhookFunction('broken', { code: say('good'), triggers: [openTrigger('broken')] }));
  await answers('/team-a/broken', '200 good');
  const good = await conditionStands(client, path, 'Ready=True/Ready');
  await apply(client, path, webhookFunction('broken', { code: 'return function(', triggers: [openTrigger('broken')] }));
  const broken = await conditionStands(client, path, 'Ready=False/LastGoodServing');
  assert.ok(conditionsOf(broken).includes('Stalled=True/LuaSyntax'), conditionsOf(broken).join());
  assert.equal(broken.status?.['servingRevision'], good.status?.revision);
  assert.match(broken.status?.conditions?.find(({ type }) => type === 'Accepted')?.message ?? '', /:1:/);
  await answers('/team-a/broken', '200 good');
  await apply(client, path, webhookFunction('broken', { code: say('mended'), triggers: [openTrigger('broken')] }));
  const mended = await conditionStands(client, path, 'Ready=True/Ready');
  assert.ok(!conditionsOf(mended).some((condition) => condition.startsWith('Stalled')));
  await answers('/team-a/broken', '200 mended');
});

test('a deleted function answers no more', { skip }, async () => {
  assert.ok(client);
  const path = functionPath('team-a', 'leaving');
  await apply(client, path, webhookFunction('leaving', { code: say('here'), triggers: [openTrigger('leaving')] }));
  await answers('/team-a/leaving', '200 here');
  bodyOf(await client.request({ method: 'DELETE', path }));
  await answers('/team-a/leaving', '404');
});

test('what a finalizer holds serves no more either', { skip }, async () => {
  assert.ok(client);
  const path = functionPath('team-a', 'held');
  const held = webhookFunction('held', { code: say('held'), triggers: [openTrigger('held')] });
  await apply(client, path, { ...held, metadata: { name: 'held', finalizers: ['example.com/wait'] } });
  await answers('/team-a/held', '200 held');
  bodyOf(await client.request({ method: 'DELETE', path }));
  await answers('/team-a/held', '404');
  await apply(client, path, { ...held, metadata: { name: 'held', finalizers: [] } });
});

test('a path that another function has is a conflict until that one is gone', { skip }, async () => {
  assert.ok(client);
  const path = functionPath('team-a', 'second');
  await apply(
    client,
    functionPath('team-a', 'first'),
    webhookFunction('first', { code: say('first'), triggers: [openTrigger('same')] }),
  );
  await answers('/team-a/same', '200 first');
  // The older one is older by a second: times of creation have no fractions.
  await eventually('the next second', async () => {
    const { metadata } = bodyOf(await client.request<StatusObject>({ path: functionPath('team-a', 'first') }));
    return Date.now() >= Date.parse(metadata.creationTimestamp ?? '') + 1_000;
  });
  await apply(client, path, webhookFunction('second', { code: say('second'), triggers: [openTrigger('same')] }));
  await conditionStands(client, path, 'Accepted=False/RouteConflict');
  bodyOf(await client.request({ method: 'DELETE', path: functionPath('team-a', 'first') }));
  await conditionStands(client, path, 'Ready=True/Ready');
  await answers('/team-a/same', '200 second');
});

test('a function of another class is left alone', { skip }, async () => {
  assert.ok(client && started);
  const path = functionPath('team-a', 'canary');
  await apply(
    client,
    path,
    webhookFunction('canary', { class: 'canary', code: say('x'), triggers: [openTrigger('canary')] }),
  );
  const mark = functionPath('team-a', 'after-canary');
  await apply(client, mark, webhookFunction('after-canary', { code: say('x'), triggers: [openTrigger('after')] }));
  await conditionStands(client, mark, 'Ready=True/Ready');
  const object = bodyOf(await client.request<StatusObject>({ path }));
  assert.deepEqual(conditionsOf(object), ['Ready=Unknown/Pending']);
  await answers('/team-a/canary', '404');
});

test('a status that somebody else overwrites is put right', { skip }, async () => {
  assert.ok(client);
  const path = functionPath('team-a', 'hello');
  const before = await conditionStands(client, path, 'Ready=True/Ready');
  const body = { status: { programmed: '9/9', url: 'https://evil.example.com' } };
  const contentType = 'application/merge-patch+json';
  bodyOf(await client.request({ method: 'PATCH', path: `${path}/status`, body, contentType }));
  await eventually('the true status', async () => {
    const { status } = bodyOf(await client.request<StatusObject>({ path }));
    return status?.['url'] === before.status?.['url'];
  });
});

test('pods that come and go cost no status write', { skip }, async () => {
  assert.ok(client && started);
  await conditionStands(client, functionPath('team-a', 'hello'), 'Ready=True/Ready');
  const { controller, runtimes } = started.running;
  await eventually('quiet', () => controller.stats().statusWaiting === 0);
  const before = controller.stats().statusWrites;
  await runtimes.attach('runtime-three', 'uid-of-three');
  await setEndpoints(client, [...pods, { pod: 'runtime-three', podUid: 'uid-of-three' }]);
  await eventually('three endpoints', () => controller.endpoints.current()?.length === 3);
  await setEndpoints(client, pods);
  await eventually('two endpoints', () => controller.endpoints.current()?.length === 2);
  const mark = functionPath('team-a', 'after-pods');
  await apply(client, mark, webhookFunction('after-pods', { code: say('x'), triggers: [openTrigger('after-pods')] }));
  await conditionStands(client, mark, 'Ready=True/Ready');
  const writes = controller.stats().statusWrites - before;
  assert.ok(writes <= 2, `${writes} writes, of which the new function has two at most`);
});

test('a subscription is judged like a function, and nothing was sent yet', { skip }, async () => {
  assert.ok(client && cluster);
  await apply(client, '/api/v1/namespaces/team-a/secrets/signing', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'signing', labels: { 'moonhook.dev/functions': 'true' } },
    stringData: { key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
  });
  const path = '/apis/moonhook.dev/v1alpha1/namespaces/team-a/webhooksubscriptions/orders';
  const subscription = {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookSubscription',
    metadata: { name: 'orders' },
    spec: {
      url: 'https://example.com/orders',
      events: ['com.acme.order.*'],
      secretRefs: [{ name: 'signing', key: 'key' }],
    },
  };
  await apply(client, path, subscription);
  const object = await conditionStands(client, path, 'Ready=True/Ready');
  assert.deepEqual(conditionsOf(object), [
    'Accepted=True/Accepted',
    'Healthy=Unknown/Pending',
    'Programmed=True/Programmed',
    'Ready=True/Ready',
    'ResolvedRefs=True/ResolvedRefs',
  ]);
  const { stdout } = await cluster.kubectl(['get', 'whs', '-n', 'team-a', 'orders']);
  assert.match(stdout, /orders\s+True\s+2\/2\s+Unknown/);
});

test('how the receiver of a subscription does is told by reason', { skip }, async () => {
  assert.ok(client && cluster && started);
  const failing = { since: 1, at: 2, error: 'the receiver answered 500' };
  const identity = 'any';
  const reports: Readonly<Record<string, SubscriptionHealthReport>> = {
    'True/Healthy': { breaker: 'Closed', lastSuccess: 1 },
    'False/Failing': { breaker: 'Open', failing },
    'False/SwitchedOffGone': {
      breaker: 'Closed',
      failing,
      switchedOff: { at: 2, reason: 'Gone', error: 'the receiver answered 410', identity },
    },
    'False/SwitchedOffOnlyFailures': {
      breaker: 'Closed',
      failing,
      switchedOff: { at: 2, reason: 'OnlyFailures', error: failing.error, identity },
    },
  };
  const nameOf = (stands: string): string => `to-${stands.replace(/.*\//, '').toLowerCase()}`;
  for (const [stands, report] of Object.entries(reports)) {
    started.running.runtimes.setHealth(nameOf(stands), report);
    const subscription = {
      apiVersion: 'moonhook.dev/v1alpha1',
      kind: 'WebhookSubscription',
      metadata: { name: nameOf(stands) },
      spec: {
        url: 'https://example.com/orders',
        events: ['com.acme.*'],
        secretRefs: [{ name: 'signing', key: 'key' }],
      },
    };
    const said: KubectlResult = await cluster.kubectl(
      ['apply', '-n', 'team-a', '-f', '-'],
      JSON.stringify(subscription),
    );
    assert.equal(said.code, 0, said.stderr);
  }
  for (const [stands, report] of Object.entries(reports)) {
    await eventually(`${nameOf(stands)} is ${stands}`, async () => {
      const { stdout } = await cluster.kubectl(['describe', 'whs', '-n', 'team-a', nameOf(stands)]);
      const [status = '', reason = ''] = stands.split('/');
      // In the order of their names: `kubectl describe` sorts fields.
      const shown = new RegExp(String.raw`Reason:\s+${reason}\n\s+Status:\s+${status}\n\s+Type:\s+Healthy`);
      return shown.test(stdout) && (report.failing === undefined || /answered (?:500|410)/.test(stdout));
    });
  }
});

test('what every runtime has acknowledged is timed from the arrival of the change', { skip }, () => {
  assert.ok(started);
  const { buckets, sum } = started.running.controller.stats().applyToProgrammed;
  assert.ok(buckets.reduce((all, count) => all + count, 0) >= 5);
  assert.ok(sum > 0);
});

test('every kind of mistake at once is told in one status', { skip }, async () => {
  assert.ok(client);
  const path = functionPath('team-a', 'mistaken');
  const spec = {
    code: say('x'),
    limits: { memory: '64Gi', timeout: '900m' },
    env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'nowhere', key: 'k' } } }],
    triggers: [
      {
        name: 'far',
        http: { path: '/absolute', receiver: { github: { secretRefs: [{ name: 'nowhere', key: 'k' }] } } },
      },
      { name: 'never', schedule: { cron: '61 * * * *' } },
    ],
  };
  await apply(client, path, webhookFunction('mistaken', spec));
  const object = await conditionStands(client, path, 'ResolvedRefs=False/SecretNotFound');
  const message = object.status?.conditions?.find(({ type }) => type === 'Accepted')?.message ?? '';
  for (const field of ['spec.limits.memory', 'spec.limits.timeout', 'triggers[0].http', 'triggers[1].schedule']) {
    assert.ok(message.includes(field), `${field} in ${message}`);
  }
  assert.ok(conditionsOf(object).some((condition) => condition.startsWith('Stalled=True')));
});

test(
  'while the API server is away everything serves on, and what is applied afterwards goes live',
  { skip },
  async () => {
    assert.ok(client && cluster && started);
    const path = functionPath('team-a', 'hello');
    await answers('/team-a/hello', '200 edited');
    const restarted = cluster.plane.apiServer.restart('SIGKILL');
    await answers('/team-a/hello', '200 edited');
    await restarted;
    await apply(client, path, webhookFunction('hello', { code: say('back'), triggers: [openTrigger('hello')] }));
    await answers('/team-a/hello', '200 back');
    await conditionStands(client, path, 'Ready=True/Ready');
    const { watches } = started.running.controller.stats();
    assert.ok(watches.every(({ drift }) => drift === 0));
  },
);
