/** The store of a cluster's runtime is copied while the runtime uses it, through a pipe, and comes back through one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli, startCli, type RunningCli } from '../builders/run-cli.ts';

const hook = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: job }
spec:
  suspend: true
  code: return function() end
  triggers: [{ name: job, http: { path: job, mode: async, receiver: { open: {} } } }]
`;
const ports = ['--port', '0', '--call-port', '0', '--admin-port', '0', '--console-port', '0'];
const command = join(import.meta.dirname, '..', '..', 'bin', 'moonhook');

test('a backup of a runtime that serves is made and brought back with one command each', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-backup-'));
  const started: RunningCli[] = [];
  context.after(async () => {
    for (const program of started) await program.stop('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  });
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli => {
    const program = startCli(args, { cwd: base, env });
    started.push(program);
    return program;
  };
  /** As typed in a shell, `moonhook` for the command. */
  const shell = (line: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync('sh', ['-c', line.replaceAll('moonhook', command)], { cwd: base, encoding: 'utf8' });
  const restoredEvents = async (): Promise<number> => {
    const { stdout, stderr } = await runCli(['store', 'copy', 'restored', 'again.db', '-o', 'json'], { cwd: base });
    assert.notEqual(stdout, '', stderr);
    return (JSON.parse(stdout) as { counts: { events: number } }).counts.events;
  };

  mkdirSync(join(base, 'hooks'));
  mkdirSync(join(base, 'restored'));
  writeFileSync(join(base, 'hooks', 'job.yaml'), hook);
  const dev = start(['dev', 'hooks', ...ports, '--data-dir', 'data']);
  const url = (await dev.output(/http:\/\/127\.0\.0\.1:\d+(?=\/default\/job)/)).trim();
  for (const body of ['first', 'second']) {
    assert.equal((await fetch(`${url}/default/job`, { method: 'POST', body })).status, 202);
  }
  assert.equal(await dev.stop('SIGTERM'), 0);

  // No controller answers it: it serves nothing, and has its store.
  const environment = {
    POD_NAME: 'runtime-0',
    POD_UID: 'uid-of-runtime-0',
    MOONHOOK_LINK: '127.0.0.1:1',
    MOONHOOK_LINK_TOKEN_FILE: join(base, 'token'),
    MOONHOOK_LINK_CA_FILE: join(base, 'ca.crt'),
    MOONHOOK_DATA_DIR: join(base, 'data'),
    MOONHOOK_LISTEN_HOST: '127.0.0.1',
    MOONHOOK_PUBLIC_PORT: '0',
    MOONHOOK_CALLS_PORT: '0',
    MOONHOOK_ADMIN_PORT: '0',
    MOONHOOK_WORKERS: '1',
  };
  const runtime = start(['runtime'], environment);
  await runtime.output(/the runtime listens/);
  const socket = join(base, 'data', 'store.sock');
  assert.equal(statSync(socket).mode & 0o777, 0o600);

  const backup = shell('moonhook store copy data - > backup.db');
  assert.equal(backup.status, 0, backup.stderr);
  const restored = shell('moonhook store copy - restored < backup.db');
  assert.equal(restored.status, 0, restored.stderr);
  assert.match(restored.stdout, /restored\/store\.db in .*, and checked:\n {2}2 events\n/);
  assert.equal(await restoredEvents(), 2);
  assert.equal(statSync(join(base, 'restored', 'store.db')).mode & 0o777, 0o600);
  const left = ['.', 'data', 'restored'].flatMap((folder) => readdirSync(join(base, folder)));
  assert.deepEqual(
    left.filter((name) => name.startsWith('.store-copy')),
    [],
  );

  const taken = shell('moonhook store copy - restored < backup.db');
  assert.equal(taken.status, 2);
  assert.match(taken.stderr, /restored\/store\.db is there already/);
  truncateSync(join(base, 'backup.db'), statSync(join(base, 'backup.db')).size - 8192);
  mkdirSync(join(base, 'half'));
  const half = shell('moonhook store copy - half < backup.db');
  assert.notEqual(half.status, 0, 'a transfer that broke off is no backup');
  assert.ok(!existsSync(join(base, 'half', 'store.db')));
  assert.equal(shell('moonhook store copy - -').status, 2);
  const nowhere = shell('moonhook store copy none/store.db - > other.db');
  assert.equal(nowhere.status, 2);
  assert.match(nowhere.stderr, /no such file or directory/i);

  await runtime.stop('SIGKILL');
  assert.ok(existsSync(socket), 'who was killed leaves it');
  assert.equal(
    shell('moonhook store copy data - > offline.db').status,
    0,
    'nobody uses the store: it is read as a file',
  );
  const other = start(['dev', 'hooks', ...ports, '--data-dir', 'data']);
  await other.output(/http:\/\/127\.0\.0\.1:\d+(?=\/default\/job)/);
  const used = shell('moonhook store copy data - > used.db');
  assert.equal(used.status, 0, `who uses the store now is asked, not the socket that was left: ${used.stderr}`);
  assert.equal(await other.stop('SIGTERM'), 0);
  const next = start(['runtime'], environment);
  await next.output(/the runtime listens/);
  assert.equal(shell('moonhook store copy data - > third.db').status, 0);
  assert.equal(await next.stop('SIGTERM'), 0);
  assert.ok(!existsSync(socket));
});
