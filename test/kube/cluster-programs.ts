/**
 * The programs of an installation against a real API server, for tests and benchmarks: the controller and runtimes as
 * processes, as the chart starts them, without a node to run their pods.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { productFlags } from '../../bench/product-flags.ts';
import type { KubeClient } from '../../src/controller/kube-client.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually } from '../builders/eventually.ts';
import { freePorts } from './programs.ts';
import { apply, makeNamespace } from './run-controller.ts';
import { makeRuntimePod, type RuntimePod } from './runtime-pod.ts';
import { bodyOf, kubectlOf } from './with-control-plane.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../link/runtime-process.ts';

const namespace = 'moonhook';
/** In the certificate of its link. */
export const linkName = 'moonhook-link.moonhook.svc';
const entry = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export interface Stage {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly controller: Controller;
  readonly runtimes: RuntimeProcess[];
}

export interface Controller {
  readonly pid: number;
  readonly link: number;
  /** One value of `/metrics`. */
  metric(name: string): Promise<number>;
  residentMB(): number;
  /** At once, unless another signal is named. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** The CRDs, namespaces and accounts that an installation needs. */
export async function prepare(plane: Pick<ControlPlane, 'kubeconfig'>, client: KubeClient): Promise<void> {
  const kubectl = kubectlOf(plane.kubeconfig);
  await kubectl(['apply', '--server-side', '-f', join(import.meta.dirname, '..', '..', 'crds')]);
  const names = ['webhookfunctions', 'webhooksubscriptions'].map((name) => `crd/${name}.moonhook.dev`);
  const established = ['wait', '--for=condition=Established', '--timeout=30s', ...names];
  await eventually('the CRDs are established', async () => (await kubectl(established)).code === 0);
  for (const name of [namespace, 'team-a']) await makeNamespace(client, name);
  const metadata = { name: 'moonhook-runtime' };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/moonhook-runtime`;
  await apply(client, path, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
}

/** Ready when this resolves. `samePort`: the port of its links, where runtimes know one already. */
export async function startController(
  plane: Pick<ControlPlane, 'kubeconfig'>,
  environment: Readonly<Record<string, string>> = {},
  samePort?: number,
): Promise<Controller> {
  const [freePort = 0, admin = 0] = await freePorts(2);
  const link = samePort ?? freePort;
  const child: ChildProcess = spawn(
    process.execPath,
    [...productFlags(), '--', entry, 'controller', '--kubeconfig', plane.kubeconfig],
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
        ...environment,
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
    pid: child.pid ?? 0,
    link,
    metric: async (name) => {
      const line = ((await get('/metrics')) ?? '').split('\n').find((each) => each.startsWith(`moonhook_${name} `));
      return Number(line?.split(' ')[1] ?? Number.NaN);
    },
    residentMB: () => {
      const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      return (Number(kilobytes) * 1024) / 1e6;
    },
    end: async (signal = 'SIGKILL') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}

/** A runtime as its pod would run it: one worker thread. */
export async function addRuntime(stage: Pick<Stage, 'client' | 'controller'>, name: string): Promise<RuntimeProcess> {
  const { pod, token, authority } = await linkedPod(stage, name);
  const environment = { MOONHOOK_WORKERS: '1', MOONHOOK_LOG_LEVEL: 'info' };
  const controllers = [stage.controller.link];
  const options = { controllers, token, authority, serverName: linkName, environment, flags: productFlags() };
  return startRuntimeProcess(pod.metadata, undefined, options);
}

/** A pod that the controller lets in, what it proves itself with, and what the controller proves itself with. */
export async function linkedPod(
  { client }: Pick<Stage, 'client'>,
  name: string,
): Promise<RuntimePod & { readonly authority: string }> {
  const { data } = bodyOf(
    await client.request<{ readonly data: Readonly<Record<string, string>> }>({
      path: `/api/v1/namespaces/${namespace}/configmaps/moonhook-ca`,
    }),
  );
  return { ...(await makeRuntimePod(client, { namespace }, name)), authority: data['ca.crt'] ?? '' };
}

/** The slice that the cluster would make of them. */
export async function setEndpoints(
  { client }: Pick<Stage, 'client'>,
  runtimes: readonly RuntimeProcess[],
): Promise<void> {
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
