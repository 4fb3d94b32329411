/** A real control plane on loopback for tests: etcd and kube-apiserver, and kube-controller-manager where it is asked for. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeBinaries } from './build-kube.ts';
import { freePorts, startProgram, type Program } from './programs.ts';

export interface ControlPlane {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** Of a member of system:masters. */
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  /** File with cluster, CA and token, for kubectl. */
  readonly kubeconfig: string;
  readonly folder: string;
  readonly etcdUrl: string;
  /** Lines of the audit log so far. */
  audit(): readonly AuditLine[];
  readonly apiServer: Controls;
  readonly etcd: Controls;
  /** Ends etcd and the API server at once, does something with the data of etcd, and starts both again. */
  whileStopped(action: (etcdData: string) => void): Promise<void>;
  stop(): Promise<void>;
}

/** What happens to one of its programs from outside. */
export interface Controls {
  /** Of its process. */
  pid(): number;
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once and starts it again on the same port and data; resolves when it is ready. */
  restart(signal?: NodeJS.Signals): Promise<void>;
}

export interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly userAgent?: string;
}

export interface ControlPlaneOptions {
  readonly controllerManager?: boolean;
  /** More flags of kube-controller-manager. */
  readonly controllerManagerFlags?: readonly string[];
  /** More flags of kube-apiserver. */
  readonly apiServerFlags?: readonly string[];
  /** Where pods of a node reach it; default: loopback only. */
  readonly address?: string;
  /** Of its programs, beside that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the audit log tells (audit.k8s.io/v1, `rules` of a Policy); default: all requests. */
  readonly auditRules?: readonly Readonly<Record<string, unknown>>[];
}

const auditPolicy = (rules: ControlPlaneOptions['auditRules']): unknown => ({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // A watch that is still open is told when it starts.
  omitStages: ['RequestReceived'],
  rules: rules ?? [{ level: 'Metadata' }],
});

/** Starts it; ready for requests when this resolves. */
export async function startControlPlane(
  binaries: KubeBinaries,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-kube-'));
  const file = (name: string): string => join(folder, name);
  const [clientPort = 0, peerPort = 0, securePort = 0, managerPort = 0] = await freePorts(4);
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const address = options.address ?? '127.0.0.1';
  const server = `https://${address}:${securePort}`;
  const token = randomUUID();

  writeFileSync(file('tokens.csv'), `${token},admin,admin,"system:masters"\n`);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file('accounts.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(file('accounts.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(file('audit.json'), JSON.stringify(auditPolicy(options.auditRules)));

  const etcdFlags = [
    `--data-dir=${file('etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ];
  const apiServerFlags = [
    `--etcd-servers=${etcdUrl}`,
    `--cert-dir=${file('certificates')}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    '--endpoint-reconciler-type=none',
    `--secure-port=${securePort}`,
    `--service-account-key-file=${file('accounts.pub')}`,
    `--service-account-signing-key-file=${file('accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--authorization-mode=Node,RBAC',
    `--token-auth-file=${file('tokens.csv')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--anonymous-auth=false',
    `--audit-policy-file=${file('audit.json')}`,
    `--audit-log-path=${file('audit.log')}`,
    '--audit-log-mode=blocking',
    '--shutdown-delay-duration=0',
    // Without the controller manager nobody makes the accounts that this plugin waits for.
    ...(options.controllerManager === true ? [] : ['--disable-admission-plugins=ServiceAccount']),
    ...(options.apiServerFlags ?? []),
  ];
  const etcd = startProgram(binaries.etcd, etcdFlags, options.environment);
  const apiServer = startProgram(binaries.apiServer, apiServerFlags, options.environment);
  const programs: Program[] = [apiServer, etcd];

  async function ready(): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      if ((await askReady(server, token)) === 200) return;
      const ended = programs.find((program) => program.ended());
      if (ended !== undefined) throw new Error(`the control plane ended:\n${ended.log()}`);
      if (Date.now() > deadline) throw new Error(`no answer from kube-apiserver:\n${apiServer.log()}`);
      await sleep(50);
    }
  }

  async function stop(): Promise<void> {
    // Nothing of it is kept, and a clean end takes 20 seconds while anybody watches.
    for (const program of programs) await program.end();
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    await ready();
    const ca = readFileSync(file('certificates/apiserver.crt'), 'utf8');
    const kubeconfig = file('kubeconfig');
    writeFileSync(kubeconfig, kubeconfigOf(server, ca, token));
    if (options.controllerManager === true) {
      if (binaries.controllerManager === undefined) throw new Error('there is no kube-controller-manager');
      const manager = startProgram(binaries.controllerManager, [
        `--kubeconfig=${kubeconfig}`,
        `--authentication-kubeconfig=${kubeconfig}`,
        `--authorization-kubeconfig=${kubeconfig}`,
        '--authentication-skip-lookup',
        '--bind-address=127.0.0.1',
        `--secure-port=${managerPort}`,
        `--cert-dir=${file('manager-certificates')}`,
        `--service-account-private-key-file=${file('accounts.key')}`,
        `--root-ca-file=${file('certificates/apiserver.crt')}`,
        '--use-service-account-credentials=false',
        '--leader-elect=false',
        // Namespaces end within a moment.
        '--concurrent-namespace-syncs=10',
        ...(options.controllerManagerFlags ?? []),
      ]);
      programs.unshift(manager);
    }
    const controls = (program: Program): Controls => ({
      pid: () => program.pid(),
      signal: (signal) => program.signal(signal),
      restart: async (signal = 'SIGKILL') => {
        await program.restart(signal);
        await ready();
      },
    });
    return {
      server,
      token,
      ca,
      kubeconfig,
      folder,
      etcdUrl,
      audit: () =>
        readFileSync(file('audit.log'), 'utf8')
          .split('\n')
          .filter((line) => line.endsWith('}'))
          .map((line) => JSON.parse(line) as AuditLine),
      apiServer: controls(apiServer),
      etcd: controls(etcd),
      whileStopped: async (action) => {
        await apiServer.end();
        await etcd.end();
        action(file('etcd'));
        await etcd.restart('SIGKILL');
        await apiServer.restart('SIGKILL');
        await ready();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The status of `/readyz`; 0: no answer. */
function askReady(server: string, token: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(
      `${server}/readyz`,
      // Its certificate does not exist yet when this is first asked.
      { headers: { authorization: `Bearer ${token}` }, rejectUnauthorized: false, agent: false, timeout: 2_000 },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(0));
    asked.end();
  });
}

/** A kubeconfig of one cluster and one user. */
export function kubeconfigOf(server: string, ca: string | undefined, token: string): string {
  const trust =
    ca === undefined
      ? { 'insecure-skip-tls-verify': true }
      : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, ...trust } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
