/** A runtime as its own process, with the files and environment a pod gives it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverName, testAuthority, until, type TestPod, type TestTokens } from './cluster.ts';

const root = join(import.meta.dirname, '..', '..');

export interface RuntimeProcess {
  readonly pod: TestPod;
  readonly publicUrl: string;
  readonly callsUrl: string;
  readonly adminUrl: string;
  readonly pid: number;
  /** What it has logged. */
  log(): string;
  ready(): Promise<boolean>;
  /** Ends the process (SIGTERM unless said otherwise) and resolves with its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Another process in the same pod: the container restarted. */
  restart(): Promise<RuntimeProcess>;
  /** The kubelet puts another token in its file. */
  setToken(token: string): void;
  /** Ends it and removes its files. */
  close(): Promise<void>;
}

export interface ProcessOptions {
  readonly controllers: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of Node. */
  readonly flags?: readonly string[];
  readonly token?: string;
  /** PEM, and the name in the controllers' certificate; absent: those of the tests without a cluster. */
  readonly authority?: string;
  readonly serverName?: string;
}

export async function startRuntimeProcess(
  pod: TestPod,
  tokens: TestTokens | undefined,
  options: ProcessOptions,
): Promise<RuntimeProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-runtime-'));
  writeFileSync(join(folder, 'ca.crt'), options.authority ?? (await testAuthority()).certificate);
  writeFileSync(join(folder, 'token'), options.token ?? tokens?.make(pod) ?? '');
  return start(pod, folder, options);
}

async function start(pod: TestPod, folder: string, options: ProcessOptions): Promise<RuntimeProcess> {
  const child = spawn(process.execPath, [...(options.flags ?? []), '--', join(root, 'src/cli/main.ts'), 'runtime'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      POD_NAME: pod.name,
      POD_UID: pod.uid,
      MOONHOOK_LINK: options.controllers.map((port) => `127.0.0.1:${port}`).join(','),
      MOONHOOK_LINK_SERVER_NAME: options.serverName ?? serverName,
      MOONHOOK_LINK_TOKEN_FILE: join(folder, 'token'),
      MOONHOOK_LINK_CA_FILE: join(folder, 'ca.crt'),
      MOONHOOK_TABLE_DIR: folder,
      MOONHOOK_DATA_DIR: folder,
      MOONHOOK_LISTEN_HOST: '127.0.0.1',
      MOONHOOK_PUBLIC_PORT: '0',
      MOONHOOK_CALLS_PORT: '0',
      MOONHOOK_ADMIN_PORT: '0',
      MOONHOOK_DRAIN_SECONDS: '3',
      ...options.environment,
    },
  });
  let log = '';
  child.stdout.on('data', (bytes: Buffer) => (log += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (log += bytes.toString('utf8')));
  let exited: { readonly code: number | null } | undefined;
  child.once('exit', (code) => (exited = { code }));
  const listening = (): Record<string, string> | undefined => {
    const line = log.split('\n').find((each) => each.includes('the runtime listens'));
    return line === undefined ? undefined : (JSON.parse(line) as Record<string, string>);
  };
  await until(`the runtime listens: ${pod.name}`, () => {
    if (exited !== undefined) throw new Error(`the runtime has ended: ${log}`);
    return listening() !== undefined;
  });
  const addresses = listening() ?? {};
  const adminUrl = addresses['admin'] ?? '';
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (exited === undefined) child.kill(signal);
    await until('the runtime has ended', () => exited !== undefined);
    return exited?.code ?? null;
  };
  return {
    pod,
    adminUrl,
    publicUrl: addresses['public'] ?? '',
    callsUrl: addresses['calls'] ?? '',
    pid: child.pid ?? 0,
    log: () => log,
    ready: async () => (await fetch(`${adminUrl}/readyz`)).ok,
    end,
    restart: () => start(pod, folder, options),
    setToken(token) {
      // As the kubelet does it: a reader sees the old file or the new one.
      writeFileSync(join(folder, 'token.new'), token);
      renameSync(join(folder, 'token.new'), join(folder, 'token'));
    },
    async close() {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
