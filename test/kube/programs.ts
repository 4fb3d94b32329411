/** Programs of the control plane as child processes that end with the tests, and ports for them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import type { KubeProgram } from './build-kube.ts';

export interface Program {
  /** Of the process that runs now. */
  pid(): number;
  /** The end of what it said. */
  log(): string;
  ended(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Ends it with that signal and starts it anew with the same arguments. */
  restart(signal: NodeJS.Signals): Promise<void>;
  end(): Promise<void>;
}

const logLength = 16 * 1024;
const patienceMs = 20_000;
const setpriv = '/usr/bin/setpriv';
// A test that is killed takes them along, where the system can do that.
const tied: readonly string[] = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--'] : [];

export function startProgram(
  program: KubeProgram,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Program {
  let said = '';
  let child = launch();

  function launch(): ChildProcess {
    const [executable = '', ...rest] = [...tied, ...program, ...flags];
    const env = { ...process.env, ...environment };
    const started = spawn(executable, rest, { stdio: ['ignore', 'ignore', 'pipe'], env });
    started.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-logLength)));
    started.once('error', (error) => (said += `\n${error.message}`));
    return started;
  }

  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (ended()) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    // A stopped process takes no other signal than these two.
    child.kill('SIGCONT');
    const kill = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await gone;
    clearTimeout(kill);
  }

  return {
    pid: () => child.pid ?? 0,
    log: () => said,
    ended,
    signal: (signal) => void child.kill(signal),
    restart: async (signal) => {
      await stop(signal);
      child = launch();
    },
    end: () => stop('SIGKILL'),
  };
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
