/**
 * Programs made of Go modules in this folder: built once per machine and kept outside the checkout, under a hash of their
 * sources. A machine without Go, or without a network, says so in one line.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface GoProgram {
  /** Holds go.mod and go.sum. */
  readonly folder: string;
  /** In place of go.mod, with the sums beside it. */
  readonly modFile?: string;
  /** Package inside it, `.` for its own. */
  readonly package: string;
  /** Files whose content names the build. */
  readonly sources: readonly string[];
  /** Of the binary. */
  readonly name: string;
  /** What it is, for people who wait. */
  readonly what: string;
  readonly kubernetes: KubernetesVersion;
  /** Needs no library of the system: it is to run in an empty image. */
  readonly static?: boolean;
}

export interface KubernetesVersion {
  readonly git: string;
  readonly major: string;
  readonly minor: string;
}

export type GoResult = { readonly ok: true; readonly binary: string } | { readonly ok: false; readonly why: string };

const staleLockMs = 60_000;

/** Folder for what is made once per machine (XDG base directories). */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'moonhook');
}

/** Builds what is missing; the answer is the same for all test files of a machine. */
export async function buildGoProgram(
  program: GoProgram,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<GoResult> {
  const digest = createHash('sha256');
  for (const file of program.sources) digest.update(readFileSync(join(program.folder, file)));
  const key = `${program.kubernetes.git}-${digest.digest('hex').slice(0, 16)}`;
  const folder = join(cacheRoot(environment), 'kube', key);
  const binary = join(folder, program.name);
  if (existsSync(binary)) return { ok: true, binary };
  const go = findGo(environment);
  if (go === undefined) return { ok: false, why: 'Go 1.21 or newer is not installed: get it from https://go.dev/dl/' };
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'building');
  while (!tryLock(lock)) {
    await sleep(500);
    if (existsSync(binary)) return { ok: true, binary };
  }
  try {
    if (existsSync(binary)) return { ok: true, binary };
    const failure = await build(program, go, binary, lock, environment);
    return failure === undefined ? { ok: true, binary } : { ok: false, why: failure };
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
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
  program: GoProgram,
  go: string,
  binary: string,
  lock: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const { folder, what, modFile, kubernetes: version } = program;
  const started = Date.now();
  const seconds = (): string => `${Math.round((Date.now() - started) / 1000)} s`;
  process.stderr.write(`moonhook: building ${what} (once, some minutes) …\n`);
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
    [
      'build',
      ...(modFile === undefined ? [] : [`-modfile=${modFile}`]),
      '-trimpath',
      '-buildvcs=false',
      '-ldflags',
      flags.join(' '),
      '-o',
      unfinished,
      program.package,
    ],
    {
      cwd: folder,
      // The toolchain that the module asks for is fetched by an older one, whatever the machine's default says.
      env: {
        ...environment,
        GOTOOLCHAIN: 'auto',
        GOWORK: 'off',
        GOFLAGS: '',
        ...(program.static === true ? { CGO_ENABLED: '0' } : {}),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4096)));
  const progress = setInterval(() => {
    utimesSync(lock, new Date(), new Date());
    process.stderr.write(`moonhook: still building ${what} (${seconds()}) …\n`);
  }, 20_000);
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : (said.trim().split('\n').at(-1) ?? 'go failed')));
  });
  clearInterval(progress);
  if (failure !== undefined) {
    rmSync(unfinished, { force: true });
    return `\`go build\` in ${folder} failed: ${failure}`;
  }
  renameSync(unfinished, binary);
  process.stderr.write(`moonhook: built ${what} in ${seconds()}\n`);
  return undefined;
}
