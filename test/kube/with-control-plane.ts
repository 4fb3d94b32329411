/** The control plane of one test file, and clients of it. Where there is none, every test says why it is skipped. */
import { execFile } from 'node:child_process';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { createKubeClient, type KubeClient } from '../../src/controller/kube-client.ts';
import type { KubeAnswer } from '../../src/controller/kube-answer.ts';
import { createCredentialReader } from '../../src/controller/kube-credentials.ts';
import { prepareKube } from './build-kube.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from './control-plane.ts';
import { eventually } from '../builders/eventually.ts';
import { findUngranted } from './judge-audit.ts';
import { kubeTools } from './kube-tools.ts';

export interface TestCluster {
  readonly plane: ControlPlane;
  /** A client that may do everything. */
  readonly client: KubeClient;
  /** Runs the real kubectl; answers what it says on both streams, and its exit code. */
  kubectl(arguments_: readonly string[], input?: string): Promise<KubectlResult>;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = promisify(execFile);

/** Undefined with the reason, for `skip`; else a cluster with our CRDs that ends with the tests of the file. */
export async function useCluster(
  options: ControlPlaneOptions & {
    readonly crds?: boolean;
    /** What the test itself asks for in the controller's name, as `findUngranted` says it. */
    readonly asks?: readonly string[];
  } = {},
): Promise<
  { readonly cluster: TestCluster; readonly skip: false } | { readonly cluster: undefined; readonly skip: string }
> {
  const kube = await prepareKube();
  if (!kube.ok) return { cluster: undefined, skip: kube.why };
  if (options.controllerManager === true && kube.binaries.controllerManager === undefined) {
    return { cluster: undefined, skip: 'KUBEBUILDER_ASSETS has no kube-controller-manager' };
  }
  const plane = await startControlPlane(kube.binaries, options);
  const client = clientOf(plane.kubeconfig);
  after(async () => {
    const ungranted = findUngranted(plane.audit()).filter((line) => options.asks?.includes(line) !== true);
    await client.close();
    await plane.stop();
    if (ungranted.length === 0) return;
    // An error here would keep later hooks from ending what they started.
    process.exitCode = 1;
    process.stderr.write(`no role of the chart grants what the controller asked for: ${ungranted.join(', ')}\n`);
  });
  const kubectl = kubectlOf(plane.kubeconfig);
  const cluster = { plane, client, kubectl };
  if (options.crds !== false) await applyCrds(cluster);
  return { cluster, skip: false };
}

/** The real kubectl with a kubeconfig file. */
export function kubectlOf(kubeconfig: string): TestCluster['kubectl'] {
  return async (arguments_, input) => {
    const child = run(kubeTools().kubectl, ['--kubeconfig', kubeconfig, ...arguments_], {
      maxBuffer: 64 * 1024 * 1024,
    });
    child.child.stdin?.end(input);
    try {
      return { code: 0, ...(await child) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code?: number | string; stdout?: string; stderr?: string };
      if (typeof code !== 'number') throw error;
      return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
    }
  };
}

/** A client with the credentials of a kubeconfig file. */
export function clientOf(kubeconfig: string): KubeClient {
  const reader = createCredentialReader({ kind: 'file', path: kubeconfig }, () => performance.now());
  return createKubeClient(reader, 'moonhook-test');
}

async function applyCrds({ kubectl }: TestCluster): Promise<void> {
  const folder = new URL('../../crds/', import.meta.url).pathname;
  const applied = await kubectl(['apply', '--server-side', '-f', folder]);
  const names = ['webhookfunctions', 'webhooksubscriptions'].map((name) => `crd/${name}.moonhook.dev`);
  if (applied.code !== 0) throw new Error(`the CRDs were not taken: ${applied.stderr}`);
  let said = '';
  // kubectl gives up at once on a definition that has no status yet.
  await eventually(
    'the CRDs are established',
    async () => {
      const ready = await kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...names]);
      said = ready.stderr;
      return ready.code === 0;
    },
    () => said,
  );
}

/** The body of an answer that has to be one. */
export function bodyOf<Body>(answer: KubeAnswer<Body>): Body {
  if (!answer.ok) throw new Error(`the API server refused: ${answer.status} ${answer.reason}: ${answer.message}`);
  return answer.body;
}
