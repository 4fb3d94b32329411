/** What a whole node needs of the machine, and what is built for it before it starts, while there still is a network. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildGoProgram } from '../kube/build-go.ts';
import { newestKubernetes, prepareKube, type KubeBinaries } from '../kube/build-kube.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import { buildImages, type Images } from './build-image.ts';

export interface NodeParts extends Images {
  readonly binaries: KubeBinaries;
  /** kubelet and kube-proxy. */
  readonly nodePrograms: string;
  /** CoreDNS. */
  readonly names: string;
}

export type Preparation =
  | { readonly ok: true; readonly parts: NodeParts }
  | { readonly ok: false; readonly why: string };

/** Programs, and the Debian packages they come in. */
const needed: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  containerd: 'containerd',
  ctr: 'containerd',
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  iptables: 'iptables',
  runc: 'runc',
  unshare: 'util-linux',
};
const networkPlugins = '/usr/lib/cni/ptp';

/** Why this machine cannot run a node; undefined: it can. */
function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs Linux on x64';
  if (process.getuid?.() !== 0) return 'it needs root: namespaces, mounts and control groups';
  const missing = new Set(
    Object.entries(needed)
      .filter(([program]) => spawnSync('which', [program]).status !== 0)
      .map(([, debianPackage]) => debianPackage),
  );
  if (!existsSync(networkPlugins)) missing.add('containernetworking-plugins');
  if (missing.size > 0) return `apt-get install --no-install-recommends ${[...missing].join(' ')}`;
  const namespaces = spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', '--mount-proc', 'true']);
  if (namespaces.status !== 0) return `no namespaces can be made here: ${namespaces.stderr.toString().trim()}`;
  return undefined;
}

/** Builds what is missing. `folder` takes the images. */
export async function prepareNode(folder: string): Promise<Preparation> {
  const why = whyNot();
  if (why !== undefined) return { ok: false, why };
  const kube = await prepareKube();
  if (!kube.ok) return kube;
  if (kube.binaries.scheduler === undefined) return { ok: false, why: 'KUBEBUILDER_ASSETS has no kube-scheduler' };
  kubeTools();
  const modules = join(import.meta.dirname, '..', 'kube');
  const kubernetes = newestKubernetes;
  const node = { folder: join(modules, 'node'), kubernetes };
  const sources = ['go.mod', 'go.sum'];
  const programs = [
    { ...node, package: '.', sources: [...sources, 'main.go'], name: 'node', what: 'kubelet and kube-proxy' },
    { ...node, package: './pause', sources: [...sources, 'pause/main.go'], name: 'pause', what: 'pause', static: true },
    {
      folder: join(modules, 'names'),
      kubernetes,
      package: '.',
      sources: [...sources, 'main.go'],
      name: 'names',
      what: 'CoreDNS',
    },
  ];
  const binaries: string[] = [];
  for (const program of programs) {
    const built = await buildGoProgram(program);
    if (!built.ok) return built;
    binaries.push(built.binary);
  }
  const [nodePrograms = '', pause = '', names = ''] = binaries;
  return { ok: true, parts: { binaries: kube.binaries, nodePrograms, names, ...buildImages(folder, pause) } };
}
