/**
 * The control plane as one program: built from the Go module in this folder, once, and kept outside the checkout. A machine
 * without Go, or without a network, says so in one line; where CI=true that is a failure.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a program of the control plane is started: the executable and its first arguments. */
export type KubeProgram = readonly [executable: string, ...first: string[]];

export interface KubeBinaries {
  readonly etcd: KubeProgram;
  readonly apiServer: KubeProgram;
  /** Undefined: only the two above are there (`KUBEBUILDER_ASSETS`). */
  readonly controllerManager: KubeProgram | undefined;
}

export type KubeResult =
  | { readonly ok: true; readonly binaries: KubeBinaries }
  | { readonly ok: false; readonly why: string };

const version = { git: 'v1.36.3', major: '1', minor: '36' };
const sources = ['go.mod', 'go.sum', 'main.go'];
const staleLockMs = 60_000;

/** Builds what is missing; the answer is the same for all test files of a machine. */
export async function prepareKube(environment: NodeJS.ProcessEnv = process.env): Promise<KubeResult> {
  const result = await findOrBuild(environment);
  if (!result.ok && environment['CI'] === 'true') throw new Error(result.why);
  return result;
}

/** Folder for what is made once per machine (XDG base directories). */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'moonhook');
}

async function findOrBuild(environment: NodeJS.ProcessEnv): Promise<KubeResult> {
  const assets = environment['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '') return fromAssets(assets);
  const digest = createHash('sha256');
  for (const file of sources) digest.update(readFileSync(join(import.meta.dirname, file)));
  const folder = join(cacheRoot(environment), 'kube', `${version.git}-${digest.digest('hex').slice(0, 16)}`);
  const binary = join(folder, 'kube');
  if (existsSync(binary)) return built(binary);
  const go = findGo(environment);
  if (go === undefined) {
    return skipped('Go 1.21 or newer is not installed: get it from https://go.dev/dl/, or set KUBEBUILDER_ASSETS');
  }
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'building');
  while (!tryLock(lock)) {
    await sleep(500);
    if (existsSync(binary)) return built(binary);
  }
  try {
    if (existsSync(binary)) return built(binary);
    const failure = await build(go, binary, lock, environment);
    return failure === undefined ? built(binary) : skipped(failure);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function built(binary: string): KubeResult {
  const binaries: KubeBinaries = {
    etcd: [binary, 'etcd'],
    apiServer: [binary, 'kube-apiserver'],
    controllerManager: [binary, 'kube-controller-manager'],
  };
  return { ok: true, binaries };
}

function fromAssets(folder: string): KubeResult {
  const [etcd, apiServer] = [join(folder, 'etcd'), join(folder, 'kube-apiserver')];
  if (!existsSync(etcd) || !existsSync(apiServer)) {
    return skipped(`KUBEBUILDER_ASSETS names ${folder}, which does not hold etcd and kube-apiserver`);
  }
  return { ok: true, binaries: { etcd: [etcd], apiServer: [apiServer], controllerManager: undefined } };
}

function skipped(why: string): KubeResult {
  return { ok: false, why: `no control plane for the tests: ${why}` };
}

function findGo(environment: NodeJS.ProcessEnv): string | undefined {
  const folders = (environment['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const usual = ['/usr/local/go/bin', join(homedir(), 'go', 'bin'), '/usr/lib/go/bin'];
  return [...folders, ...usual]
    .map((folder) => join(folder, 'go'))
    .find((path) => {
      const said = existsSync(path) ? spawnSync(path, ['version'], { encoding: 'utf8' }).stdout : undefined;
      const [, minor] = /\bgo1\.(\d+)/.exec(said ?? '') ?? [];
      return minor !== undefined && Number(minor) >= 21;
    });
}

/** A folder is made by one process only. One that was not touched for a minute belongs to a process that died. */
function tryLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    if (Date.now() - statSync(lock).mtimeMs > staleLockMs) rmSync(lock, { recursive: true, force: true });
  } catch {
    // Its owner has just taken it away.
  }
  return false;
}

/** Undefined: done; else why not, in one line. */
async function build(
  go: string,
  binary: string,
  lock: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const started = Date.now();
  const seconds = (): string => `${Math.round((Date.now() - started) / 1000)} s`;
  process.stderr.write(`moonhook: building etcd and kube-apiserver ${version.git} (once, some minutes) …\n`);
  const package_ = 'k8s.io/component-base/version';
  const flags = [
    '-s -w',
    `-X ${package_}.gitVersion=${version.git}`,
    `-X ${package_}.gitMajor=${version.major}`,
    `-X ${package_}.gitMinor=${version.minor}`,
  ];
  const unfinished = `${binary}.${process.pid}`;
  const child = spawn(
    go,
    ['build', '-trimpath', '-buildvcs=false', '-ldflags', flags.join(' '), '-o', unfinished, '.'],
    {
      cwd: import.meta.dirname,
      // The toolchain that the module asks for is fetched by an older one, whatever the machine's default says.
      env: { ...environment, GOTOOLCHAIN: 'auto', GOWORK: 'off', GOFLAGS: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4096)));
  const progress = setInterval(() => {
    utimesSync(lock, new Date(), new Date());
    process.stderr.write(`moonhook: still building the control plane (${seconds()}) …\n`);
  }, 20_000);
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : (said.trim().split('\n').at(-1) ?? 'go failed')));
  });
  clearInterval(progress);
  if (failure !== undefined) {
    rmSync(unfinished, { force: true });
    return `\`go build\` in test/kube failed: ${failure}`;
  }
  renameSync(unfinished, binary);
  process.stderr.write(`moonhook: built the control plane in ${seconds()}\n`);
  return undefined;
}
