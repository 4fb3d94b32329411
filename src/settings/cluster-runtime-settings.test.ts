import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readClusterRuntimeSettings } from './cluster-runtime-settings.ts';

const complete = {
  POD_NAME: 'moonhook-runtime-0',
  POD_UID: '6f1c',
  MOONHOOK_LINK: 'moonhook-link.moonhook.svc:8443',
  MOONHOOK_LINK_TOKEN_FILE: '/var/run/moonhook/link/token',
  MOONHOOK_LINK_CA_FILE: '/var/run/moonhook/ca/ca.crt',
};

suite('readClusterRuntimeSettings', () => {
  test('what the chart sets is enough', () => {
    const read = readClusterRuntimeSettings({ ...complete, MOONHOOK_TABLE_DIR: '/table', MOONHOOK_DATA_DIR: '/data' });
    assert.ok(read.ok);
    const { settings } = read;
    assert.deepEqual(settings.controllers, [{ host: 'moonhook-link.moonhook.svc', port: 8443 }]);
    assert.equal(settings.serverName, 'moonhook-link.moonhook.svc');
    assert.equal(settings.tableFile, '/table/table.jsonl');
    assert.equal(settings.storeFile, '/data/store.db');
    assert.equal(settings.runtime.callToken, undefined);
    assert.equal(settings.runtime.callAudience, 'moonhook');
    assert.ok(settings.lameMs + settings.runtime.drainGraceMs <= 30_000);
  });

  test('several controllers, also with addresses of version 6', () => {
    const read = readClusterRuntimeSettings({ ...complete, MOONHOOK_LINK: '[::1]:8443, b.example:1' });
    assert.ok(read.ok);
    assert.deepEqual(read.settings.controllers, [
      { host: '::1', port: 8443 },
      { host: 'b.example', port: 1 },
    ]);
  });

  test('every mistake is told at once, and no password with it', () => {
    const read = readClusterRuntimeSettings({
      MOONHOOK_LINK: 'nowhere',
      MOONHOOK_WORKERS: '0',
      MOONHOOK_LOG_LEVEL: 'loud',
      MOONHOOK_STORE_URL: 'mysql://user:hunter2@host/db',
    });
    assert.ok(!read.ok);
    const text = read.mistakes.join('\n');
    for (const name of ['POD_NAME', 'POD_UID', 'MOONHOOK_LINK ', 'TOKEN_FILE', 'CA_FILE', 'WORKERS', 'LOG_LEVEL']) {
      assert.ok(text.includes(name), name);
    }
    assert.ok(text.includes('MOONHOOK_STORE_URL') && !text.includes('hunter2'));
  });
});
