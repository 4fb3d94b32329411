/** The program as a user starts it, in a process of its own, for tests that end it or take its disk away. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

/** `limit`: no file may grow beyond so many KiB, as on a full disk. */
export async function startProduct(folder: string, limit?: number): Promise<Running> {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
  const ports = ['--port', '0', '--call-port', '0', '--admin-port', '0'];
  const command = [process.execPath, main, 'dev', folder, ...ports];
  // dash and bash count the limit in different blocks; bash says KiB.
  const limited = limit === undefined ? command : ['bash', '-c', `ulimit -f ${limit}; exec "$@"`, 'bash', ...command];
  const [program = '', ...rest] = limited;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /triggers\s+(http:\/\/[\d.:]+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { child, url };
  }
  throw new Error('the program ended before it served');
}
