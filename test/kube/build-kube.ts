/**
 * The control plane as one program: built from the Go module in this folder, once, and kept outside the checkout. A machine
 * without Go, or without a network, says so in one line; where CI=true that is a failure.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildGoProgram } from './build-go.ts';

/** How a program of the control plane is started: the executable and its first arguments. */
export type KubeProgram = readonly [executable: string, ...first: string[]];

export interface KubeBinaries {
  readonly etcd: KubeProgram;
  readonly apiServer: KubeProgram;
  /** Undefined: only the two above are there (`KUBEBUILDER_ASSETS`). */
  readonly controllerManager: KubeProgram | undefined;
  readonly scheduler: KubeProgram | undefined;
}

export type KubeResult =
  | { readonly ok: true; readonly binaries: KubeBinaries }
  | { readonly ok: false; readonly why: string };

/** The newest version that is supported. */
export const newestKubernetes = { git: 'v1.36.3', major: '1', minor: '36' };
/** The oldest one; `MOONHOOK_KUBERNETES=oldest` runs the tests on it. */
const oldestKubernetes = { git: 'v1.32.2', major: '1', minor: '32' };

/** Builds what is missing; the answer is the same for all test files of a machine. */
export async function prepareKube(environment: NodeJS.ProcessEnv = process.env): Promise<KubeResult> {
  const result = await findOrBuild(environment);
  if (!result.ok && environment['CI'] === 'true') throw new Error(result.why);
  return result;
}

async function findOrBuild(environment: NodeJS.ProcessEnv): Promise<KubeResult> {
  const assets = environment['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '') return fromAssets(assets);
  const oldest = environment['MOONHOOK_KUBERNETES'] === 'oldest';
  const kubernetes = oldest ? oldestKubernetes : newestKubernetes;
  const result = await buildGoProgram(
    {
      folder: import.meta.dirname,
      ...(oldest ? { modFile: 'oldest.mod' } : {}),
      package: '.',
      sources: [...(oldest ? ['oldest.mod', 'oldest.sum'] : ['go.mod', 'go.sum']), 'main.go'],
      name: 'kube',
      what: `etcd and kube-apiserver ${kubernetes.git}`,
      kubernetes,
    },
    environment,
  );
  return result.ok ? built(result.binary) : skipped(`${result.why}, or set KUBEBUILDER_ASSETS`);
}

function built(binary: string): KubeResult {
  const binaries: KubeBinaries = {
    etcd: [binary, 'etcd'],
    apiServer: [binary, 'kube-apiserver'],
    controllerManager: [binary, 'kube-controller-manager'],
    scheduler: [binary, 'kube-scheduler'],
  };
  return { ok: true, binaries };
}

function fromAssets(folder: string): KubeResult {
  const [etcd, apiServer] = [join(folder, 'etcd'), join(folder, 'kube-apiserver')];
  if (!existsSync(etcd) || !existsSync(apiServer)) {
    return skipped(`KUBEBUILDER_ASSETS names ${folder}, which does not hold etcd and kube-apiserver`);
  }
  return {
    ok: true,
    binaries: { etcd: [etcd], apiServer: [apiServer], controllerManager: undefined, scheduler: undefined },
  };
}

function skipped(why: string): KubeResult {
  return { ok: false, why: `no control plane for the tests: ${why}` };
}
