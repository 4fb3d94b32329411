/** Other products on the same machine, where they are installed: adnanh/webhook running /bin/true, nginx with its Lua module. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Unmeasured } from './measure.ts';
import { pinToCore, serverCore } from './one-core.ts';

export interface Peer {
  readonly name: string;
  readonly url: string;
  /** Our requests a second over theirs. */
  readonly goal: number;
  readonly note: string;
  stop(): Promise<void>;
}

export interface Peers {
  readonly running: readonly Peer[];
  readonly missing: readonly Unmeasured[];
}

const searched = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];

function find(program: string): string | undefined {
  return searched.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

export async function startPeers(progress: (line: string) => void): Promise<Peers> {
  const running: Peer[] = [];
  const missing: Unmeasured[] = [];
  for (const start of [startWebhook, startNginx]) {
    const peer = await start();
    if ('reason' in peer) missing.push(peer);
    else {
      running.push(peer);
      progress(`${peer.name} answers`);
    }
  }
  return { running, missing };
}

async function startWebhook(): Promise<Peer | Unmeasured> {
  const name = 'adnanh/webhook running /bin/true';
  const program = find('webhook');
  if (program === undefined) return { name, reason: 'the Debian package webhook is not installed' };
  const folder = await mkdtemp(join(tmpdir(), 'bench-webhook-'));
  const hooks = join(folder, 'hooks.json');
  await writeFile(
    hooks,
    JSON.stringify([{ id: 'true', 'execute-command': '/bin/true', 'include-command-output-in-response': true }]),
  );
  const port = await freePort();
  const child = spawn(program, ['-hooks', hooks, '-ip', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' });
  return ready(name, `http://127.0.0.1:${port}/hooks/true`, 35, 'it starts a process per request', child, folder);
}

async function startNginx(): Promise<Peer | Unmeasured> {
  const name = 'nginx with its Lua module';
  const program = find('nginx');
  const module = [
    '/usr/lib/nginx/modules/ngx_http_lua_module.so',
    '/usr/share/nginx/modules/ngx_http_lua_module.so',
  ].find((path) => existsSync(path));
  if (program === undefined || module === undefined) {
    return { name, reason: 'the Debian packages nginx and libnginx-mod-http-lua are not installed' };
  }
  const folder = await mkdtemp(join(tmpdir(), 'bench-nginx-'));
  const port = await freePort();
  const configuration = join(folder, 'nginx.conf');
  const ndk = join(module, '..', 'ndk_http_module.so');
  await writeFile(
    configuration,
    `${existsSync(ndk) ? `load_module ${ndk};\n` : ''}load_module ${module};
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi; keepalive_requests 100000000;
  server { listen 127.0.0.1:${port}; location /default/hello { default_type text/plain;
    content_by_lua_block { ngx.print("hello ", ngx.req.get_headers()["x-name"], " at ", ngx.var.uri) } } } }
`,
  );
  const child = spawn(program, ['-c', configuration, '-p', folder, '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  });
  return ready(name, `http://127.0.0.1:${port}/default/hello`, 0.4, 'LuaJIT in nginx, no isolation', child, folder);
}

async function ready(
  name: string,
  url: string,
  goal: number,
  note: string,
  child: ChildProcess,
  folder: string,
): Promise<Peer | Unmeasured> {
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  const until = Date.now() + 5_000;
  while (Date.now() < until && child.exitCode === null) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) {
      pinToCore(child.pid, serverCore);
      return { name, url, goal, note, stop };
    }
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  await stop();
  return { name, reason: `it did not answer at ${url}` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
