import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createCredentialReader } from './kube-credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'moonhook-kubeconfig-'));
after(() => rmSync(folder, { recursive: true }));

type Part = Readonly<Record<string, unknown>>;

/** A file with one context; `change` takes the place of its parts. */
function kubeconfig(change: Part = {}): string {
  const path = join(folder, 'config');
  const whole = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'prod', cluster: { server: 'https://10.0.0.1:6443' } }],
    users: [{ name: 'ada', user: { token: 'secret-token' } }],
    contexts: [{ name: 'work', context: { cluster: 'prod', user: 'ada', namespace: 'team-a' } }],
    'current-context': 'work',
    ...change,
  };
  writeFileSync(path, JSON.stringify(whole));
  return path;
}

const read = (path: string, context?: string): ReturnType<typeof createCredentialReader> =>
  createCredentialReader({ kind: 'file', path, ...(context === undefined ? {} : { context }) }, () => 0);

test('a whole kubeconfig proves its user to its cluster', async () => {
  const reader = read(kubeconfig());
  assert.equal(reader.namespace, 'team-a');
  const { server, headers } = await reader.read();
  assert.equal(server.href, 'https://10.0.0.1:6443/');
  assert.equal(headers['Authorization'], 'Bearer secret-token');
});

const broken: readonly (readonly [string, Part, RegExp])[] = [
  ['no current context', { 'current-context': '' }, /no current-context: choose one with --context \(it has work\)/],
  ['a current context that is not there', { 'current-context': 'home' }, /no context "home" \(it has work\)/],
  ['no context at all', { contexts: [], 'current-context': 'work' }, /no context "work" \(it has none\)/],
  ['a cluster that is not there', { clusters: [] }, /context work is for the cluster "prod", which has no address/],
  ['a user who is not there', { users: [] }, /context work is for the user "ada", who is not in it/],
  [
    'a plain address',
    { clusters: [{ name: 'prod', cluster: { server: 'http://10.0.0.1:8080' } }] },
    /cluster prod has the plain address http:\/\/10\.0\.0\.1:8080: use https:/,
  ],
];
for (const [what, change, message] of broken) {
  test(`a kubeconfig with ${what} is refused by that name`, () => {
    assert.throws(() => read(kubeconfig(change)), message);
  });
}

test('a context that is asked for and not there is named, with those that are', () => {
  assert.throws(() => read(kubeconfig(), 'home'), /no context "home" \(it has work\)/);
  assert.equal(read(kubeconfig(), 'work').namespace, 'team-a');
});

test('a plain address is for a proxy on this machine that is named as such', () => {
  const cluster = { server: 'http://127.0.0.1:8001', 'insecure-skip-tls-verify': true };
  assert.doesNotThrow(() => read(kubeconfig({ clusters: [{ name: 'prod', cluster }] })));
});

test('without any kubeconfig nothing on this machine is asked, and that is said', () => {
  const module = join(import.meta.dirname, 'kube-credentials.ts');
  const script = `
    const { createCredentialReader } = await import(${JSON.stringify(module)});
    try { createCredentialReader({ kind: 'file' }, () => 0); } catch (error) { console.log(error.message); }`;
  const env = { PATH: process.env['PATH'], HOME: folder };
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' });
  assert.match(said, /there is none: KUBECONFIG is not set/);
});

test('a program for credentials that is not there is told as such', async () => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/no/such/plugin', interactiveMode: 'Never' };
  const reader = read(kubeconfig({ users: [{ name: 'ada', user: { exec } }] }));
  await assert.rejects(reader.read(), /\/no\/such\/plugin/);
});
