/** Runs the `moonhook` command as a user does: `bin/moonhook` in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const command = join(import.meta.dirname, '..', '..', 'bin', 'moonhook');

/** The machine's own kubeconfig is nobody's business here: a test names one. */
const environment = { ...process.env, KUBECONFIG: '/dev/null/none' };

/** Only a test that fails waits so long. */
const patienceMs = 120_000;

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves when the command has ended. */
export function runCli(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...environment, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => {
      stdout += part.toString();
    });
    child.stderr.on('data', (part: Buffer) => {
      stderr += part.toString();
    });
    child.on('error', reject);
    child.on('close', (exitCode) => {
      resolve({ exitCode, stdout, stderr });
    });
    child.stdin.end(options.input ?? '');
  });
}

export interface RunningCli {
  /** Resolves with the first output from `after` on that matches, standard output and error together. */
  output(pattern: RegExp, after?: number): Promise<string>;
  /** Where the output is now. */
  mark(): number;
  /** Sends the signal and resolves with the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a command that goes on until it is stopped. */
export function startCli(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): RunningCli {
  const env = { ...environment, ...options.env };
  const child = spawn(command, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const waiting = new Set<() => void>();
  let ended = false;
  const take = (part: Buffer): void => {
    output += part.toString();
    for (const wake of waiting) wake();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const closed = new Promise<number | null>((resolve) => {
    child.on('close', (exitCode) => {
      ended = true;
      for (const wake of waiting) wake();
      resolve(exitCode);
    });
  });
  return {
    mark: () => output.length,
    output: async (pattern, after = 0) => {
      for (;;) {
        const found = pattern.exec(output.slice(after));
        if (found) return found[0];
        if (ended) throw new Error(`the command ended without ${String(pattern)}:\n${output}`);
        const woken = Promise.withResolvers<void>();
        waiting.add(woken.resolve);
        const late = setTimeout(() => {
          woken.reject(new Error(`no ${String(pattern)} within ${patienceMs / 1000} s:\n${output}`));
        }, patienceMs);
        await woken.promise;
        clearTimeout(late);
        waiting.delete(woken.resolve);
      }
    },
    stop: async (signal) => {
      child.kill(signal);
      return closed;
    },
  };
}
