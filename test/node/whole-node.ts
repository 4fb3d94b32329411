/** The image and the chart on a whole node: what a user's cluster does with them. Started by `npm run test:node`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFencedBlocks } from '../builders/read-markdown.ts';
import { chartFolder } from '../chart/render-chart.ts';
import { eventually } from '../builders/eventually.ts';
import { makeFrontProxy } from '../kube/front-proxy.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import { kubectlOf } from '../kube/with-control-plane.ts';
import { imageName, imageTag } from './build-image.ts';
import type { NodeParts } from './prepare-node.ts';
import { startNode } from './start-node.ts';

const partsFile = process.env['MOONHOOK_NODE_PARTS'];
if (partsFile === undefined) throw new Error('run it with `npm run test:node`, which prepares what it needs');
const parts = JSON.parse(readFileSync(partsFile, 'utf8')) as NodeParts;
const proxy = await makeFrontProxy();
const node = await startNode({ ...parts, apiServerFlags: proxy.flags });
after(() => node.stop());
const { plane } = node;
const run = kubectlOf(plane.kubeconfig);
const namespace = 'moonhook-system';
/** Images are unpacked and programs start on a machine that may have other things to do. */
const patienceMs = 180_000;

async function kubectl(arguments_: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(arguments_, input);
  if (code !== 0) throw new Error(`kubectl ${arguments_.join(' ')}: ${stderr}`);
  return stdout;
}

const apply = (object: unknown): Promise<string> =>
  kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(object));

function helm(...arguments_: readonly string[]): string {
  const { helm: program } = kubeTools();
  try {
    return execFileSync(program, ['--kubeconfig', plane.kubeconfig, '--namespace', namespace, ...arguments_], {
      encoding: 'utf8',
      env: { ...process.env, HELM_CACHE_HOME: plane.folder, HELM_CONFIG_HOME: plane.folder },
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`helm ${arguments_.join(' ')}: ${stderr}${stdout}`, { cause: error });
  }
}

const values = [
  '--set',
  `image.repository=${imageName},image.tag=${imageTag},image.pullPolicy=Never`,
  '--set',
  'store.sqlite.size=1Gi',
  '--set',
  'tenants.namespaces={team-a}',
];

/** What stands between the user and ready pods, for a failure. */
async function state(): Promise<string> {
  const shown = await run(['-n', namespace, 'get', 'pods,pvc,endpointslices', '-o', 'wide']);
  const events = await run(['-n', namespace, 'get', 'events', '--sort-by=.lastTimestamp']);
  const logs = await Promise.all(
    ['controller', 'runtime'].map((name) =>
      run(['-n', namespace, 'logs', '--tail=20', '-l', `app.kubernetes.io/component=${name}`]),
    ),
  );
  const said = logs.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  return `${shown.stdout}\n${events.stdout.slice(-3000)}\n${said}\n${node.logs()}`;
}

async function rolledOut(...more: readonly string[]): Promise<void> {
  for (const name of ['deployment/moonhook-controller', 'statefulset/moonhook-runtime', ...more]) {
    const { code } = await run(['-n', namespace, 'rollout', 'status', name, `--timeout=${patienceMs / 1000}s`]);
    if (code !== 0) throw new Error(`${name} is not ready\n${await state()}`);
  }
}

async function addressOf(service: string): Promise<string> {
  return kubectl(['-n', namespace, 'get', 'service', service, '-o', 'jsonpath={.spec.clusterIP}']);
}

/** Undefined: no answer. */
async function call(path: string, service = 'moonhook'): Promise<{ status: number; text: string } | undefined> {
  try {
    const response = await fetch(`http://${await addressOf(service)}${path}`, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}

async function answers(path: string, expected: string | RegExp, service?: string): Promise<void> {
  let last: { readonly status: number; readonly text: string } | undefined;
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    last = await call(path, service);
    const text = last?.text ?? '';
    if (typeof expected === 'string' ? text === expected : expected.test(text)) return;
    await sleep(200);
  }
  throw new Error(`${path} does not answer ${String(expected)}: ${JSON.stringify(last)}\n${await state()}`);
}

const hook = (name: string, code: string, owner = 'team-a'): unknown => ({
  apiVersion: 'moonhook.dev/v1alpha1',
  kind: 'WebhookFunction',
  metadata: { name, namespace: owner },
  spec: { code, triggers: [{ name: 'web', http: { path: name, receiver: { open: {} } } }] },
});

test('the image is small: what it adds to Node is under 80 MB', () => {
  assert.ok(parts.ownBytes > 10e6, `${parts.ownBytes}: nothing was built`);
  assert.ok(parts.ownBytes < 80e6, `${parts.ownBytes} bytes`);
});

/** A volume of the node that the next claim gets. */
async function makeVolume(name: string): Promise<void> {
  const data = join(plane.folder, name);
  mkdirSync(data, { mode: 0o700 });
  await apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      local: { path: data },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node.nodeName] }] },
          ],
        },
      },
    },
  });
}

test('helm install gives ready pods', async () => {
  await kubectl(['create', 'namespace', 'team-a']);
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  await makeVolume('volume');
  helm('install', 'moonhook', chartFolder, ...values);
  await rolledOut();
});

test('its containers run as nobody in particular: no capability, no new privileges, a root that is read only', () => {
  const processes = node
    .ctr('tasks', 'list', '--quiet')
    .trim()
    .split('\n')
    .map((task) => /"Pid":\s*(\d+)|^(\d+)$/m.exec(pidsOf(task))?.[0] ?? '')
    .flatMap((pid) => {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return command.includes('src/cli/main.ts') ? [{ pid, command }] : [];
    });
  assert.equal(processes.length, 3, 'two controllers and a runtime');
  for (const { pid, command } of processes) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
    assert.equal(field('Uid'), ['65532', '65532', '65532', '65532'].join('\t'), command);
    assert.equal(Number(`0x${field('CapEff')}`), 0, command);
    assert.equal(Number(`0x${field('CapBnd')}`), 0, command);
    assert.equal(field('NoNewPrivs'), '1', command);
    assert.equal(field('Seccomp'), '2', command);
    const root = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
      .split('\n')
      .find((line) => line.split(' ')[4] === '/');
    assert.ok(root?.split(' ')[5]?.split(',').includes('ro'), root);
  }
  // The control: a process of the node itself has what these lack.
  assert.match(readFileSync('/proc/self/status', 'utf8'), /^CapEff:\s*0*[1-9a-f]/m);
});

/** The first process of a task. */
function pidsOf(task: string): string {
  return node.ctr('tasks', 'ps', task).split('\n')[1]?.split(/\s+/)[0] ?? '';
}

test('kubectl apply makes a webhook answer through the Service, and the status says so', async () => {
  await apply(hook('hello', 'return function() return "hello from a pod" end'));
  await answers('/team-a/hello', 'hello from a pod');
  await kubectl(['-n', 'team-a', 'wait', 'whf/hello', '--for=condition=Ready', `--timeout=${patienceMs / 1000}s`]);
  assert.match(await kubectl(['-n', 'team-a', 'get', 'whf', 'hello']), /hello\s+True\s+1\/1\s/);
  assert.equal((await call('/team-a/absent'))?.status, 404, 'the control');
});

test('functions reach Kubernetes as their ServiceAccount, from a pod that has no token for it', async () => {
  await apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'hooks', namespace: 'team-a', labels: { 'moonhook.dev/functions': 'true' } },
  });
  await kubectl(['-n', 'team-a', 'create', 'role', 'reads', '--verb=get', '--resource=configmaps']);
  await kubectl(['-n', 'team-a', 'create', 'rolebinding', 'reads', '--role=reads', '--serviceaccount=team-a:hooks']);
  await kubectl(['-n', 'team-a', 'create', 'configmap', 'settings', '--from-literal=colour=blue']);
  const reads = hook(
    'reads',
    'return function() return assert(k8s.get("v1", "ConfigMap", "settings")).data.colour end',
  ) as { spec: object };
  await apply({ ...reads, spec: { ...reads.spec, serviceAccountName: 'hooks' } });
  await answers('/team-a/reads', 'blue');
});

test('functions reach Services of their namespace once the policy says so, and no other', async () => {
  const code = 'require("node:http").createServer((_, answer) => answer.end("from a Service")).listen(8080)';
  const containers = [
    { name: 'shop', image: `${imageName}:${imageTag}`, imagePullPolicy: 'Never', command: ['node', '-e', code] },
  ];
  for (const namespace of ['team-a', 'team-b']) {
    if (namespace === 'team-b') await kubectl(['create', 'namespace', namespace]);
    const metadata = { name: 'shop', namespace, labels: { app: 'shop' } };
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } });
    const spec = { selector: { app: 'shop' }, ports: [{ port: 80, targetPort: 8080 }] };
    await apply({ apiVersion: 'v1', kind: 'Service', metadata, spec });
    await kubectl(['-n', namespace, 'wait', 'pod/shop', '--for=condition=Ready', `--timeout=${patienceMs / 1000}s`]);
  }
  const asks = (namespace: string): string => `
    local answer, err = http.get("http://shop.${namespace}.svc.cluster.local/", { timeout = 5 })
    return answer and answer.body or tostring(err)`;
  await apply(hook('own', `return function() ${asks('team-a')} end`));
  await apply(hook('foreign', `return function() ${asks('team-b')} end`));
  const refusal = /not globally reachable/;
  await answers('/team-a/own', refusal);
  const opened = ['--set', 'policy.egress.clusterServices=Own'];
  helm('upgrade', 'moonhook', chartFolder, ...values, ...opened);
  await rolledOut();
  await answers('/team-a/own', /^from a Service$/);
  await answers('/team-a/foreign', refusal);
});

test('a runtime pod that is deleted, and a container that is killed, come back with the functions', async () => {
  await kubectl(['-n', namespace, 'delete', 'pod', 'moonhook-runtime-0', '--wait=true']);
  await rolledOut();
  await answers('/team-a/hello', 'hello from a pod');
  const restarts = (): Promise<string> =>
    kubectl([
      '-n',
      namespace,
      'get',
      'pod',
      'moonhook-runtime-0',
      '-o',
      'jsonpath={.status.containerStatuses[0].restartCount}',
    ]);
  assert.equal(await restarts(), '0');
  const tasks = node.ctr('tasks', 'list', '--quiet').trim().split('\n');
  const runtime = tasks
    .map(pidsOf)
    .find((pid) => /main\.ts\0runtime/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
  assert.ok(runtime);
  process.kill(Number(runtime), 'SIGKILL');
  await eventually('the kubelet has started it again', async () => (await restarts()) === '1');
  await answers('/team-a/hello', 'hello from a pod');
});

test('the leader is deleted: an edit is served and judged all the same', async () => {
  const lease = ['-n', namespace, 'get', 'lease', 'moonhook-controller', '-o', 'jsonpath={.spec.holderIdentity}'];
  const holder = await kubectl(lease);
  await kubectl(['-n', namespace, 'delete', 'pod', holder.split('_')[0] ?? '', '--wait=false']);
  await apply(hook('hello', 'return function() return "edited" end'));
  await answers('/team-a/hello', 'edited');
  await eventually('another one leads', async () => (await kubectl(lease)) !== holder);
  await kubectl(['-n', 'team-a', 'wait', 'whf/hello', '--for=condition=Ready', `--timeout=${patienceMs / 1000}s`]);
});

const group = {
  name: 'payments',
  namespaces: ['bank'],
  runtime: { resources: { requests: { cpu: '100m' } } },
  store: { sqlite: { size: '1Gi' } },
};
const grouped = ['--set-json', `runtimeGroups=${JSON.stringify([group])}`];

test('a namespace with runtimes of its own is answered by those, through their Service, and by no other', async () => {
  await kubectl(['create', 'namespace', 'bank']);
  await makeVolume('volume-of-payments');
  helm('upgrade', 'moonhook', chartFolder, ...values, ...grouped);
  // A kubelet looks at mounted ConfigMaps once a minute, or when something of the pod changes.
  const controllers = ['pods', '-l', 'app.kubernetes.io/component=controller'];
  await kubectl(['-n', namespace, 'annotate', ...controllers, 'example.com/policy=grouped']);
  await rolledOut('statefulset/moonhook-runtime-payments');
  await apply(hook('hello', 'return function() return "hello from the bank" end', 'bank'));
  await answers('/bank/hello', 'hello from the bank', 'moonhook-public-payments');
  let last: unknown;
  await eventually(
    'the default group does not know it',
    async () => {
      const said = await call('/bank/hello');
      last = said;
      return said?.status === 404;
    },
    () => last,
    patienceMs,
  );
  await kubectl(['-n', 'bank', 'wait', 'whf/hello', '--for=condition=Ready', `--timeout=${patienceMs / 1000}s`]);
  assert.match(await kubectl(['-n', 'bank', 'get', 'whf', 'hello']), /hello\s+True\s+1\/1\s/);
  assert.equal((await call('/team-a/hello', 'moonhook-public-payments'))?.status, 404);
  await answers('/team-a/hello', 'edited');
});

test('the API server serves calls and dead letters out of the pods, whichever group has them', async () => {
  const api = 'apiservice/v1alpha1.run.moonhook.dev';
  await kubectl(['wait', api, '--for=condition=Available', `--timeout=${patienceMs / 1000}s`]);
  assert.match(await kubectl(['get', 'runtimes']), /moonhook-runtime-payments-0 +payments +True +True +1\s/);
  for (const owner of ['team-a', 'bank']) {
    assert.match(await kubectl(['get', 'calls', '-n', owner]), /hello +web +ok/);
    assert.equal((await run(['get', 'deadletters', '-n', owner])).code, 0);
  }
});

/** Blocks of the page on operations that say this, as a reader types them. */
async function typed(about: string): Promise<void> {
  const page = join(chartFolder, '..', '..', 'docs', 'guide', 'operations.md');
  const blocks = readFencedBlocks(page).filter(({ language, text }) => language === 'sh' && text.includes(about));
  assert.ok(blocks.length > 0, about);
  const { kubectl: program } = kubeTools();
  const path = [dirname(program), process.env['PATH'] ?? ''].join(delimiter);
  for (const { text } of blocks) {
    const image = `image: ${imageName}:${imageTag}\n      imagePullPolicy: Never`;
    const script = text.replace('image: REGISTRY/moonhook', image);
    try {
      execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
        cwd: plane.folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, PATH: path, KUBECONFIG: plane.kubeconfig },
      });
    } catch (error) {
      throw new Error(`${script}\n${(error as { stderr: string }).stderr}\n${await state()}`, { cause: error });
    }
  }
}

test('a backup brings the store back as it was, by the commands of the guide', async () => {
  const code = 'return function() local n = (kv.get("n") or 0) + 1 kv.set("n", n) return tostring(n) end';
  await apply(hook('counts', code));
  await answers('/team-a/counts', '1');
  await typed('store copy /var/lib/moonhook -');
  await answers('/team-a/counts', '2');
  await typed('restore');
  await rolledOut();
  await answers('/team-a/counts', '2');
});

test('helm upgrade keeps the functions, helm test passes, helm uninstall leaves functions and no pods', async () => {
  helm('upgrade', 'moonhook', chartFolder, ...values, ...grouped, '--set', 'log.level=debug');
  await rolledOut('statefulset/moonhook-runtime-payments');
  await answers('/team-a/hello', 'edited');
  await answers('/bank/hello', 'hello from the bank', 'moonhook-public-payments');
  helm('test', 'moonhook', '--timeout', '3m');
  helm('uninstall', 'moonhook', '--wait', '--timeout', '3m');
  // What its Deployments made is deleted by the cluster afterwards.
  const pods = ['pod', '-l', 'app.kubernetes.io/instance=moonhook'];
  await kubectl(['-n', namespace, 'wait', ...pods, '--for=delete', `--timeout=${patienceMs / 1000}s`]);
  assert.match(await kubectl(['-n', 'team-a', 'get', 'whf', '-o', 'name']), /hello/);
});
