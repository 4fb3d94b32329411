/**
 * A whole node in namespaces of its own: containerd, kubelet, kube-proxy, scheduler and cluster DNS beside the control plane.
 * Whoever calls this is root there, and nothing outside of the namespaces is changed but control groups, which are removed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeBinaries } from '../kube/build-kube.ts';
import { startControlPlane, type ControlPlane } from '../kube/control-plane.ts';
import { startProgram, type Program } from '../kube/programs.ts';
import { pauseImage } from './build-image.ts';

export interface Node {
  readonly plane: ControlPlane;
  readonly nodeName: string;
  /** What a container of the image runs as: lines of `ctr`. */
  ctr(...arguments_: readonly string[]): string;
  /** Ends of the logs of its programs. */
  logs(): string;
  stop(): Promise<void>;
}

/** Of the host in its namespace; pods get addresses of `podNetwork`, Services of the control plane's own range. */
const nodeAddress = '10.93.0.1';
const podNetwork = '10.93.1.0/24';
const nodeName = 'node-1';
const controlGroups = '/sys/fs/cgroup';

export async function startNode(options: {
  readonly binaries: KubeBinaries;
  readonly nodePrograms: string;
  readonly names: string;
  readonly archives: readonly string[];
  readonly apiServerFlags: readonly string[];
}): Promise<Node> {
  makeNetwork();
  const { binaries, nodePrograms } = options;
  const plane = await startControlPlane(binaries, {
    controllerManager: true,
    address: nodeAddress,
    apiServerFlags: [
      '--endpoint-reconciler-type=lease',
      '--allow-privileged=true',
      // For logs and exec; nobody knows the node by its name.
      '--kubelet-preferred-address-types=InternalIP',
      ...options.apiServerFlags,
    ],
  });
  const folder = join(plane.folder, 'node');
  mkdirSync(folder);
  const programs: { readonly name: string; readonly program: Program }[] = [];
  const start = (name: string, command: readonly [string, ...string[]], flags: readonly string[]): void => {
    programs.push({ name, program: startProgram(command, flags) });
  };
  const socket = join(folder, 'containerd.sock');
  const ctr = (...arguments_: readonly string[]): string =>
    run('ctr', ['--address', socket, '--namespace', 'k8s.io', ...arguments_]);

  async function stop(): Promise<void> {
    for (const { program } of programs.filter(({ name }) => name === 'kubelet')) await program.end();
    for (const task of tasksOf(ctr)) spawnSync('kill', ['-KILL', task]);
    for (const { program } of programs.toReversed()) await program.end();
    unmountBelow(plane.folder);
    for (const group of readdirSync(controlGroups)) removeGroups(join(controlGroups, group, 'kubepods'));
    await plane.stop();
  }

  try {
    writeFileSync(join(folder, 'containerd.toml'), containerdOf(folder));
    mkdirSync(join(folder, 'cni'));
    writeFileSync(join(folder, 'cni', '10-pods.conflist'), JSON.stringify(networkOf(folder)));
    start('containerd', ['containerd', '--config', join(folder, 'containerd.toml')], []);
    await until('containerd answers', () => spawnSync('ctr', ['--address', socket, 'version']).status === 0);
    for (const archive of options.archives) ctr('images', 'import', archive);

    writeFileSync(join(folder, 'Corefile'), zoneOf(plane.kubeconfig));
    start('coredns', [options.names, 'coredns'], ['-conf', join(folder, 'Corefile')]);
    writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletOf(socket)));
    start(
      'kubelet',
      [nodePrograms, 'kubelet'],
      [
        `--config=${join(folder, 'kubelet.json')}`,
        `--kubeconfig=${plane.kubeconfig}`,
        `--root-dir=${join(folder, 'kubelet')}`,
        `--cert-dir=${join(folder, 'kubelet-certificates')}`,
        `--hostname-override=${nodeName}`,
        `--node-ip=${nodeAddress}`,
      ],
    );
    writeFileSync(join(folder, 'proxy.json'), JSON.stringify(proxyOf(plane.kubeconfig)));
    start('kube-proxy', [nodePrograms, 'kube-proxy'], [`--config=${join(folder, 'proxy.json')}`]);
    const scheduler = binaries.scheduler;
    if (scheduler === undefined) throw new Error('there is no kube-scheduler');
    start(
      'scheduler',
      [scheduler[0], ...scheduler.slice(1)],
      [
        `--kubeconfig=${plane.kubeconfig}`,
        '--leader-elect=false',
        `--cert-dir=${join(folder, 'scheduler-certificates')}`,
        '--bind-address=127.0.0.1',
      ],
    );
    return {
      plane,
      nodeName,
      ctr,
      logs: () => programs.map(({ name, program }) => `--- ${name}\n${program.log().slice(-3000)}`).join('\n'),
      stop,
    };
  } catch (error) {
    const said = programs.map(({ name, program }) => `--- ${name}\n${program.log().slice(-3000)}`).join('\n');
    await stop();
    throw new Error(`the node did not start: ${String(error)}\n${said}`, { cause: error });
  }
}

/** The namespace has nothing but a loopback device that is down. */
function makeNetwork(): void {
  run('ip', ['link', 'set', 'lo', 'up']);
  run('ip', ['link', 'add', 'node0', 'type', 'bridge']);
  run('ip', ['address', 'add', `${nodeAddress}/24`, 'dev', 'node0']);
  run('ip', ['link', 'set', 'node0', 'up']);
  // Where a packet to a Service goes before kube-proxy's rules give it another address.
  run('ip', ['route', 'add', 'default', 'via', nodeAddress]);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

function containerdOf(folder: string): string {
  const path = (name: string): string => JSON.stringify(join(folder, name));
  return `version = 2
root = ${path('containerd-root')}
state = ${path('containerd-state')}
[grpc]
  address = ${path('containerd.sock')}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ${path('cni')}
`;
}

/** Each pod has a link of its own to the host: what goes between two pods passes the rules of Services. */
const networkOf = (folder: string): unknown => ({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipam: {
        type: 'host-local',
        subnet: podNetwork,
        dataDir: join(folder, 'addresses'),
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

const zoneOf = (kubeconfig: string): string => `.:53 {
  bind ${nodeAddress}
  errors
  kubernetes cluster.local {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 1
  }
}
`;

const kubeletOf = (socket: string): unknown => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: nodeAddress,
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  cgroupDriver: 'cgroupfs',
  failCgroupV1: false,
  failSwapOn: false,
  enforceNodeAllocatable: [],
  clusterDNS: [nodeAddress],
  clusterDomain: 'cluster.local',
  containerRuntimeEndpoint: `unix://${socket}`,
  // A machine with little room left is not the test's matter.
  evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  imageGCHighThresholdPercent: 100,
  imageMinimumGCAge: '24h',
  healthzBindAddress: '127.0.0.1',
  // Rotated tokens and ConfigMaps reach pods within seconds.
  syncFrequency: '5s',
  fileCheckFrequency: '5s',
});

const proxyOf = (kubeconfig: string): unknown => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  clientConnection: { kubeconfig },
  hostnameOverride: nodeName,
  clusterCIDR: podNetwork,
  conntrack: { maxPerCore: 0 },
  iptables: { minSyncPeriod: '100ms' },
});

function tasksOf(ctr: Node['ctr']): readonly string[] {
  try {
    return ctr('tasks', 'list')
      .split('\n')
      .slice(1)
      .flatMap((line) => /^\S+\s+(\d+)\s/.exec(line)?.[1] ?? []);
  } catch {
    // It never started.
    return [];
  }
}

/** What containers were given: their shims end with the namespace only. */
function unmountBelow(folder: string): void {
  const places = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((place) => place.startsWith(`${folder}/`));
  for (const place of places.toReversed()) spawnSync('umount', ['--lazy', place]);
}

/** Control groups are folders that can only be removed when those in them are gone. */
function removeGroups(folder: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(folder, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? [each.name] : []));
  } catch {
    return;
  }
  for (const name of names) removeGroups(join(folder, name));
  try {
    rmdirSync(folder);
  } catch {
    // Something in it still ends: the next run takes it.
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await sleep(100);
  }
}

function run(program: string, arguments_: readonly string[]): string {
  const result = spawnSync(program, arguments_, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${program} ${arguments_.join(' ')}: ${result.stderr.slice(-2048)}`);
  return result.stdout;
}
