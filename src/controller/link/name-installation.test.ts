import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../kube-client.ts';
import { createInstallationName } from './name-installation.ts';

test('each runtime group is the owner of its own store; the default group is the installation itself', async () => {
  let away = true;
  const request = async () => {
    const metadata = { name: 'kube-system', uid: 'uid-1', resourceVersion: '1' };
    if (!away) return { ok: true, status: 200, body: { metadata } };
    return { ok: false, status: 0, reason: 'Unreachable', message: 'nobody answers' };
  };
  const name = createInstallationName({
    client: { request } as unknown as KubeClient,
    namespace: 'hooks',
    installation: 'moonhook',
  });
  const unknown = await name('default');
  assert.ok(!unknown.ok && unknown.message.includes('nobody answers'));
  away = false;
  assert.deepEqual(await name('default'), { ok: true, body: { owner: 'uid-1/hooks/moonhook' } });
  assert.deepEqual(await name('payments'), { ok: true, body: { owner: 'uid-1/hooks/moonhook/payments' } });
});

test('an answer that is no object names no owner, and ends nothing', async () => {
  const bodies: unknown[] = [undefined, null, '', [], {}, { metadata: {} }, { metadata: { name: 'kube-system' } }];
  let asked = 0;
  const request = async () => ({ ok: true, status: 200, body: bodies[asked++] });
  const name = createInstallationName({
    client: { request } as unknown as KubeClient,
    namespace: 'hooks',
    installation: 'moonhook',
  });
  while (asked < bodies.length) {
    const answer = await name('default');
    assert.ok(!answer.ok && answer.message.includes('no object'), JSON.stringify(answer));
  }
  bodies.push({ metadata: { name: 'kube-system', uid: 'uid-1', resourceVersion: '1' } });
  assert.ok((await name('default')).ok, 'control: a whole one does');
});
