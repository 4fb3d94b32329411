/** Starts `faulty-runtime.ts` in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Each kill is a start: what Node compiles is kept, as it is for the program itself. */
const codeCache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'moonhook', 'code');

export type CrashPoint = 'after sync before 202' | 'after lease' | 'after delivery before settle' | 'after settle';

export interface FaultyRuntime {
  /** Names the process in what its calls tell the recorder. */
  readonly name: string;
  readonly store: { readonly path: string } | { readonly url: string };
  readonly recorder: string;
  readonly leaseMs?: number;
  /** The process is killed shortly after it leased an order whose name begins so. */
  readonly poison?: string;
  /** Ends itself by SIGKILL when the point is reached for the n-th time. */
  readonly crash?: { readonly point: CrashPoint; readonly after: number };
}

export interface RunningRuntime {
  readonly child: ChildProcess;
  readonly url: string;
  readonly admin: string;
  kill(): Promise<void>;
}

/** `wrapper`: a command line put before it, as of strace. Rejects when it ends before it serves. */
export async function startRuntime(settings: FaultyRuntime, wrapper: readonly string[] = []): Promise<RunningRuntime> {
  const main = join(import.meta.dirname, 'faulty-runtime.ts');
  const [program, ...rest] = [...wrapper, process.execPath, main, JSON.stringify(settings)];
  const child = spawn(program ?? '', rest, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: codeCache },
  });
  child.stdin.on('error', () => undefined);
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, admin } = JSON.parse(line) as { readonly url: string; readonly admin: string };
    child.stdout.resume();
    return {
      child,
      url,
      admin,
      async kill() {
        child.kill('SIGKILL');
        await ended(child);
      },
    };
  }
  await ended(child);
  throw new Error(`the runtime ended with ${String(child.exitCode ?? child.signalCode)} before it served`);
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
