import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDirectoryFromEnvironment, readDevSettings, type DevOptions, type DevSettings } from './dev-settings.ts';

function settingsOf(options: DevOptions): DevSettings {
  const result = readDevSettings(options);
  assert.ok(result.ok, result.ok ? '' : result.mistakes.join('\n'));
  return result.settings;
}

function mistakesOf(options: DevOptions): readonly string[] {
  const result = readDevSettings(options);
  return result.ok ? [] : result.mistakes;
}

test('without options everything listens on loopback at the documented ports', () => {
  const { folder, runtime } = settingsOf({});
  assert.equal(folder, '.');
  assert.deepEqual(
    [runtime.public, runtime.calls, runtime.admin].map(({ host, port }) => `${host}:${port}`),
    ['127.0.0.1:8080', '127.0.0.1:8081', '127.0.0.1:9090'],
  );
});

test('--host opens the listener of triggers only', () => {
  const { runtime } = settingsOf({ host: '0.0.0.0', port: '0' });
  assert.deepEqual(
    [runtime.public, runtime.calls, runtime.admin].map(({ host }) => host),
    ['0.0.0.0', '127.0.0.1', '127.0.0.1'],
  );
});

test('every mistake is told with its option', () => {
  const lines = mistakesOf({ port: '80a', workers: '0', publicUrl: 'https://x/y', egressAllow: ['a b'] });
  assert.deepEqual(
    lines.map((line) => line.replace(/ .*/, '')).toSorted((a, b) => a.localeCompare(b)),
    ['--egress-allow', '--port', '--public-url', '--workers'],
  );
  assert.deepEqual(
    mistakesOf({ egressAllow: ['nonsense', 'localhost', 'db:5432', '10.0.0.0/8', '::1', 'x.example'] }),
    ['--egress-allow takes HOST:PORT, such as nonsense:8080, or an address or CIDR'],
  );
  assert.deepEqual(mistakesOf({ port: '9090' }), ['--port, --call-port, --admin-port and --console-port must differ']);
  assert.deepEqual(mistakesOf({ port: '0', callPort: '0', adminPort: '0' }), []);
});

test('a public URL loses its trailing slash', () => {
  assert.equal(settingsOf({ publicUrl: 'https://hooks.example.com/' }).publicUrl, 'https://hooks.example.com');
});

test('the data directory may come from the environment', () => {
  assert.equal(dataDirectoryFromEnvironment({ MOONHOOK_DATA_DIR: '/d' }), '/d');
  assert.equal(dataDirectoryFromEnvironment({ MOONHOOK_DATA_DIR: '' }), undefined);
});

test('a cluster is asked for with --kube, and what speaks of it alone is a slip', () => {
  assert.equal(settingsOf({}).kube, undefined);
  assert.deepEqual(settingsOf({ kube: true }).kube, { asMe: false });
  assert.deepEqual(settingsOf({ kube: true, context: 'test', kubeconfig: '/k', asMe: true }).kube, {
    path: '/k',
    context: 'test',
    asMe: true,
  });
  assert.deepEqual(mistakesOf({ context: 'test', asMe: true }), ['--context needs --kube', '--as-me needs --kube']);
});
