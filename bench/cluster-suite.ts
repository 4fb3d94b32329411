/**
 * The whole way against a real API server: written, watched, built, sent, loaded, answered, judged. Controller and three
 * runtimes are processes; everything is on this machine, the API server and etcd too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeClient } from '../src/controller/kube-client.ts';
import type { KubeObject } from '../src/controller/kube-object.ts';
import { prepareKube } from '../test/kube/build-kube.ts';
import { startControlPlane, type ControlPlane } from '../test/kube/control-plane.ts';
import { eventually } from '../test/kube/eventually.ts';
import { freePorts } from '../test/kube/programs.ts';
import { apply, functionPath, makeNamespace, openTrigger, webhookFunction } from '../test/kube/run-controller.ts';
import { bodyOf, clientOf, kubectlOf } from '../test/kube/with-control-plane.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../test/link/runtime-process.ts';
import { quantile, type Measure, type Suite } from './measure.ts';

const namespace = 'moonhook';
const serverName = 'moonhook-link.moonhook.svc';
const sizes = [3_000, 10_000] as const;
const edits = 60;
/** Requests under way to the API server while functions are created. */
const writers = 32;
const longestMs = 300_000;
const entry = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');

interface Stage {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly controller: Controller;
  readonly runtimes: RuntimeProcess[];
}

interface Controller {
  readonly child: ChildProcess;
  readonly link: number;
  /** One value of `/metrics`. */
  metric(name: string): Promise<number>;
  residentMB(): number;
}

export const suite: Suite = {
  name: 'cluster',
  async run(progress) {
    const kube = await prepareKube();
    if (!kube.ok) return [{ name: 'functions through a real API server', reason: kube.why }];
    const plane = await startControlPlane(kube.binaries);
    const client = clientOf(plane.kubeconfig);
    const runtimes: RuntimeProcess[] = [];
    let controller: Controller | undefined;
    try {
      await prepare(plane, client);
      controller = await startController(plane);
      const stage: Stage = { plane, client, controller, runtimes };
      for (let index = 0; index < 3; index += 1) runtimes.push(await addRuntime(stage, `runtime-${index}`));
      await setEndpoints(stage, runtimes);
      const measures: Measure[] = [];
      for (const [step, size] of sizes.entries()) {
        progress(`up to ${size} functions`);
        measures.push(...(await create(stage, sizes[step - 1] ?? 0, size)));
        progress(`${edits} edits among ${size}`);
        measures.push(...(await edit(stage, size)));
      }
      progress('a pod goes, another comes');
      measures.push(...(await exchange(stage)));
      return measures;
    } finally {
      for (const runtime of runtimes) await runtime.close();
      if (controller !== undefined && controller.child.exitCode === null) {
        controller.child.kill('SIGKILL');
        await once(controller.child, 'exit');
      }
      await client.close();
      await plane.stop();
    }
  },
};

async function prepare(plane: ControlPlane, client: KubeClient): Promise<void> {
  const kubectl = kubectlOf(plane.kubeconfig);
  await kubectl(['apply', '--server-side', '-f', join(import.meta.dirname, '..', 'crds')]);
  const names = ['webhookfunctions', 'webhooksubscriptions'].map((name) => `crd/${name}.moonhook.dev`);
  const established = ['wait', '--for=condition=Established', '--timeout=30s', ...names];
  await eventually('the CRDs are established', async () => (await kubectl(established)).code === 0);
  for (const name of [namespace, 'team-a']) await makeNamespace(client, name);
  const metadata = { name: 'moonhook-runtime' };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/moonhook-runtime`;
  await apply(client, path, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
}

async function startController(plane: ControlPlane): Promise<Controller> {
  const [link = 0, admin = 0] = await freePorts(2);
  const child = spawn(
    process.execPath,
    [
      '--max-semi-space-size=4',
      '--heap-growing-percent=50',
      '--',
      entry,
      'controller',
      '--kubeconfig',
      plane.kubeconfig,
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        MALLOC_ARENA_MAX: '2',
        POD_NAME: 'controller-0',
        POD_NAMESPACE: namespace,
        MOONHOOK_LISTEN_HOST: '127.0.0.1',
        MOONHOOK_LINK_PORT: String(link),
        MOONHOOK_ADMIN_PORT: String(admin),
      },
    },
  );
  const get = async (path: string): Promise<string | undefined> => {
    try {
      const response = await fetch(`http://127.0.0.1:${admin}${path}`);
      const text = await response.text();
      return response.ok ? text : undefined;
    } catch {
      return undefined;
    }
  };
  await eventually('the controller is ready', async () => (await get('/readyz')) !== undefined);
  return {
    child,
    link,
    metric: async (name) => {
      const line = ((await get('/metrics')) ?? '').split('\n').find((each) => each.startsWith(`moonhook_${name} `));
      return Number(line?.split(' ')[1] ?? Number.NaN);
    },
    residentMB: () => {
      const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      return (Number(kilobytes) * 1024) / 1e6;
    },
  };
}

/** A pod as the API server knows it, and the process that would run in it. */
async function addRuntime({ client, controller }: Stage, name: string): Promise<RuntimeProcess> {
  const pod = bodyOf(
    await client.request<KubeObject>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: { 'app.kubernetes.io/component': 'runtime' } },
        spec: { serviceAccountName: 'moonhook-runtime', containers: [{ name: 'runtime', image: 'none' }] },
      },
    }),
  );
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid };
  const { token } = bodyOf(
    await client.request<{ readonly status: { readonly token: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/moonhook-runtime/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: ['moonhook-link.moonhook.moonhook.dev'], expirationSeconds: 3_600, boundObjectRef },
      },
    }),
  ).status;
  const authority = bodyOf(
    await client.request<{ readonly data: Readonly<Record<string, string>> }>({
      path: `/api/v1/namespaces/${namespace}/configmaps/moonhook-ca`,
    }),
  ).data['ca.crt'];
  const environment = { MOONHOOK_WORKERS: '1', MOONHOOK_LOG_LEVEL: 'info' };
  const options = { controllers: [controller.link], token, authority: authority ?? '', serverName, environment };
  return startRuntimeProcess(pod.metadata, undefined, options);
}

async function setEndpoints({ client }: Stage, runtimes: readonly RuntimeProcess[]): Promise<void> {
  await apply(client, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/moonhook-a`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'moonhook-a', labels: { 'kubernetes.io/service-name': 'moonhook' } },
    addressType: 'IPv4',
    endpoints: runtimes.map(({ pod }, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', namespace, name: pod.name, uid: pod.uid },
    })),
    ports: [],
  });
}

const hook = (index: number, answer: string): Readonly<Record<string, unknown>> =>
  webhookFunction(`hook-${index}`, {
    code: `return function(event)\n  return ${JSON.stringify(answer)}\nend`,
    triggers: [openTrigger(`hook-${index}`)],
  });

async function create({ client, controller }: Stage, from: number, size: number): Promise<readonly Measure[]> {
  const began = performance.now();
  let next = from;
  const work = async (): Promise<void> => {
    while (next < size) {
      const index = next++;
      await apply(client, functionPath('team-a', `hook-${index}`), hook(index, 'first'));
    }
  };
  await Promise.all(Array.from({ length: writers }, work));
  const written = performance.now();
  const programmed = async (): Promise<boolean> =>
    (await controller.metric('controller_functions')) === size &&
    (await controller.metric('apply_to_programmed_seconds_count')) >= size;
  await eventually('all are programmed', programmed, () => undefined, longestMs);
  const done = performance.now();
  const settled = async (): Promise<boolean> => (await controller.metric('status_waiting')) === 0;
  await eventually('all statuses are written', settled, () => undefined, longestMs);
  const told = performance.now();
  const rate = (size - from) / ((written - began) / 1000);
  return [
    {
      name: `${size} functions: the last write → all programmed on 3 runtimes`,
      value: (done - written) / 1000,
      unit: 's',
      ...(size === 10_000 ? { goal: { compare: '<=', value: 5 } as const } : {}),
      note: `${size - from} created at ${Math.round(rate)}/s by ${writers} writers; statuses written ${((told - written) / 1000).toFixed(1)} s after the last write`,
    },
    {
      name: `${size} functions: memory of the controller`,
      value: controller.residentMB(),
      unit: 'MB',
      ...(size === 10_000 ? { goal: { compare: '<=', value: 400 } as const } : {}),
    },
  ];
}

async function edit({ client, controller, runtimes }: Stage, size: number): Promise<readonly Measure[]> {
  const waits: number[] = [];
  const builds: number[] = [];
  for (let count = 0; count < edits; count += 1) {
    const index = (count * 97) % size;
    const answer = `edit ${size} ${count}`;
    await apply(client, functionPath('team-a', `hook-${index}`), hook(index, answer));
    const began = performance.now();
    await Promise.all(
      runtimes.map(async ({ publicUrl }) => {
        while ((await (await fetch(`${publicUrl}/team-a/hook-${index}`)).text()) !== answer);
      }),
    );
    waits.push(performance.now() - began);
    builds.push((await controller.metric('controller_last_build_seconds')) * 1000);
  }
  const note = `${edits} edits among ${size} functions, from the response of the write`;
  const goals = size === sizes[0];
  return [
    {
      name: `${size} functions: write → answered by 3 runtimes, p50`,
      value: quantile(waits, 0.5),
      unit: 'ms',
      ...(goals ? { goal: { compare: '<=', value: 15 } as const } : {}),
      note,
    },
    {
      name: `${size} functions: write → answered by 3 runtimes, p99`,
      value: quantile(waits, 0.99),
      unit: 'ms',
      ...(goals ? { goal: { compare: '<=', value: 50 } as const } : {}),
      note,
    },
    {
      name: `${size} functions: rebuild after one edit, p50`,
      value: quantile(builds, 0.5),
      unit: 'ms',
      ...(goals ? {} : { goal: { compare: '<=', value: 5 } as const }),
    },
  ];
}

async function exchange(stage: Stage): Promise<readonly Measure[]> {
  const { controller, runtimes } = stage;
  const before = await controller.metric('status_writes_total');
  await runtimes.pop()?.close();
  await setEndpoints(stage, runtimes);
  const began = performance.now();
  const late = await addRuntime(stage, 'runtime-late');
  runtimes.push(late);
  await eventually(
    'it is ready',
    () => late.ready(),
    () => undefined,
    longestMs,
  );
  const served = performance.now() - began;
  await setEndpoints(stage, runtimes);
  // Whatever it would write, it would have by now: another function's edit is judged.
  await apply(stage.client, functionPath('team-a', 'hook-0'), hook(0, 'after the exchange'));
  await eventually('an edit is judged', async () => (await controller.metric('status_writes_total')) > before);
  const settled = async (): Promise<boolean> => (await controller.metric('status_waiting')) === 0;
  await eventually('nothing waits', settled, () => undefined, longestMs);
  return [
    {
      name: 'a runtime starts, 10,000 functions: ready',
      value: served / 1000,
      unit: 's',
      goal: { compare: '<=', value: 3 },
      note: 'from the start of its process, one worker thread',
    },
    {
      name: 'a pod goes and another comes, 10,000 functions: statuses written',
      value: (await controller.metric('status_writes_total')) - before,
      unit: '',
      goal: { compare: '<=', value: 3 },
      note: 'those of one edit that was made to see the end',
    },
  ];
}
