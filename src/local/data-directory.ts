/** The data directory of a local run: private to its owner, held by one process at a time, and where the CLI finds the token. */
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';

/** What `dev.json` says about the running process. */
export interface DevProcess {
  readonly pid: number;
  /** The start-up token: every request that is not a trigger carries it. */
  readonly token: string;
  readonly publicUrl: string;
  readonly callUrl: string;
  readonly adminUrl: string;
  /** Absent: the console is not open. */
  readonly consoleUrl?: string;
}

/** Why a data directory cannot be used; the message says what to do. */
export type DataDirectoryResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string };

export interface HeldDataDirectory {
  readonly path: string;
  /** Writes `dev.json`, readable by the owner only. */
  publish(process: DevProcess): void;
  /** Removes `dev.json` and the lock. */
  release(): void;
}

export interface DataDirectoryTools {
  readonly pid: number;
  newId(): string;
}

/** `.moonhook` beside the folder of resources, so that the watch never sees it. */
export function defaultDataDirectory(folder: string): string {
  return join(dirname(resolve(folder)), '.moonhook');
}

/** Makes the directory if needed and takes its lock; fails at once if another process holds it. */
export function holdDataDirectory(path: string, tools: DataDirectoryTools): DataDirectoryResult<HeldDataDirectory> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    return {
      ok: false,
      message: `cannot make the data directory ${path}; choose another with --data-dir: ${errorMessage(error)}`,
    };
  }
  const problem = privacyProblem(path, 'directory');
  if (problem !== undefined) return { ok: false, message: problem };
  const lock = join(path, 'lock');
  const holder = takeLock(lock, tools);
  if (holder !== undefined) return { ok: false, message: holder };
  const devFile = join(path, 'dev.json');
  return {
    ok: true,
    value: {
      path,
      publish: (process) => {
        writePrivately(devFile, `${JSON.stringify(process, undefined, 2)}\n`, tools);
      },
      release: () => {
        rmSync(devFile, { force: true });
        rmSync(lock, { force: true });
      },
    },
  };
}

/** Reads `dev.json` of a directory whose owner and mode show that only this user can have written it. */
export function readDevProcess(path: string): DataDirectoryResult<DevProcess> {
  const file = join(path, 'dev.json');
  const problem = privacyProblem(path, 'directory') ?? privacyProblem(file, 'file');
  if (problem !== undefined) return { ok: false, message: problem };
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isDevProcess(value)) return { ok: true, value };
  } catch (error) {
    return { ok: false, message: `cannot read ${file}: ${errorMessage(error)}` };
  }
  return { ok: false, message: `${file} is not what \`moonhook dev\` writes; start \`moonhook dev\` again` };
}

function isDevProcess(value: unknown): value is DevProcess {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  const texts = [fields['token'], fields['publicUrl'], fields['callUrl'], fields['adminUrl']];
  return typeof fields['pid'] === 'number' && texts.every((text) => typeof text === 'string' && text !== '');
}

function privacyProblem(path: string, kind: 'directory' | 'file'): string | undefined {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    return `cannot read ${path}: ${errorMessage(error)}`;
  }
  if (kind === 'directory' ? !stats.isDirectory() : !stats.isFile()) return `${path} is not a ${kind}`;
  // Windows has no such modes; there the profile's access list protects the directory.
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  if (stats.uid !== uid) return `${path} belongs to another user; choose another with --data-dir`;
  const mode = kind === 'directory' ? '700' : '600';
  if ((stats.mode & 0o077) !== 0) {
    return `${path} may be read by others (mode ${(stats.mode & 0o777).toString(8)}); it holds the token: chmod ${mode} ${path}`;
  }
  return undefined;
}

/** Takes the lock, also over a holder that has died; answers why not. */
function takeLock(lock: string, tools: DataDirectoryTools): string | undefined {
  const mine = JSON.stringify({ pid: tools.pid, started: statOf(tools.pid).start });
  const draft = `${lock}.${tools.newId()}`;
  writePrivately(draft, mine, tools);
  try {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      try {
        linkSync(draft, lock);
        return undefined;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') return `cannot lock ${lock}: ${errorMessage(error)}`;
      }
      const found = readLock(lock);
      if (found === undefined) continue;
      if (isAlive(found, tools.pid)) {
        return `another \`moonhook dev\` (process ${found.pid}) uses ${dirname(lock)}; stop it, or choose another directory with --data-dir`;
      }
      // Two processes may see the same dead holder: the rename tells which of them took it away.
      const taken = `${draft}.stale`;
      try {
        renameSync(lock, taken);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') continue;
        return `cannot lock ${lock}: ${errorMessage(error)}`;
      }
      if (readLock(taken)?.text !== found.text) linkSync(taken, lock);
      rmSync(taken, { force: true });
    }
    return `cannot lock ${lock}: other processes keep taking it`;
  } finally {
    rmSync(draft, { force: true });
  }
}

interface Holder {
  readonly text: string;
  readonly pid: number;
  readonly started: string;
}

function readLock(lock: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const { pid, started } = JSON.parse(text) as { pid?: unknown; started?: unknown };
    return { text, pid: Number(pid), started: String(started) };
  } catch {
    return { text, pid: 0, started: '' };
  }
}

function isAlive({ pid, started }: Holder, own: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false;
  }
  // A number is given to a new process sooner or later (in a container at once): the time of its start tells them apart.
  if (started === '' && pid === own) return false;
  const stat = statOf(pid);
  if (hasEnded(stat)) return false;
  return started === '' || stat.start === '' || stat.start === started;
}

/** Ended and only not yet waited for, which some first processes of containers never do. A last thread may still write. */
function hasEnded({ state, threads }: ProcessStat): boolean {
  return (state === 'Z' || state === 'X') && Number(threads) <= 1;
}

/** Fields 3, 20 and 22 of proc_pid_stat(5); empty where they are not known. */
interface ProcessStat {
  readonly state: string;
  readonly threads: string;
  readonly start: string;
}

function statOf(pid: number): ProcessStat {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', threads: fields[17] ?? '', start: fields[19] ?? '' };
  } catch {
    return { state: '', threads: '', start: '' };
  }
}

function writePrivately(path: string, text: string, tools: DataDirectoryTools): void {
  const draft = `${path}.${tools.newId()}.new`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
