import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readControllerSettings, readInstallationPolicy, type ControllerSettings } from './controller-settings.ts';

function settingsOf(
  environment: NodeJS.ProcessEnv,
  options: Parameters<typeof readControllerSettings>[0] = {},
): ControllerSettings {
  const result = readControllerSettings(options, 'this-machine', environment);
  assert.ok(result.ok, result.ok ? '' : result.mistakes.join());
  return result.settings;
}

test('in a pod everything comes from the environment, and the listeners are open to other pods', () => {
  const settings = settingsOf({
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    POD_NAME: 'moonhook-controller-abc',
    POD_NAMESPACE: 'hooks',
    MOONHOOK_INSTALLATION: 'canary',
    MOONHOOK_POLICY_FILE: '/etc/moonhook/policy/policy.yaml',
    MOONHOOK_AGGREGATED_API: 'true',
  });
  assert.equal(settings.kubeconfig, undefined);
  assert.equal(settings.namespace, 'hooks');
  assert.equal(settings.pod, 'moonhook-controller-abc');
  assert.equal(settings.runtimeService, 'canary');
  assert.equal(settings.runtimeServiceAccount, 'canary-runtime');
  assert.equal(settings.linkAudience, 'canary-link.hooks.moonhook.dev');
  assert.equal(settings.aggregatedApi, true);
  assert.deepEqual(settings.link, { host: '0.0.0.0', port: 8443 });
});

test('outside a cluster the kubeconfig is used, and only this machine can connect', () => {
  const settings = settingsOf({}, { kubeconfig: '/tmp/config', context: 'test' });
  assert.deepEqual(settings.kubeconfig, { path: '/tmp/config', context: 'test' });
  assert.equal(settings.admin.host, '127.0.0.1');
  assert.equal(settings.pod, 'this-machine');
});

test('every mistake is told', () => {
  const result = readControllerSettings({ namespace: 'Not A Name' }, 'here', {
    MOONHOOK_LINK_PORT: '70000',
    MOONHOOK_LOG_LEVEL: 'loud',
    MOONHOOK_AGGREGATED_API: 'yes',
  });
  assert.ok(!result.ok);
  assert.deepEqual(
    result.mistakes.map((mistake) => mistake.split(' must ')[0]),
    ['the namespace', 'MOONHOOK_AGGREGATED_API', 'MOONHOOK_LINK_PORT', 'MOONHOOK_LOG_LEVEL'],
  );
});

test('a policy file is completed, and its mistakes name the file and the field', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-settings-'));
  const policyFile = join(folder, 'policy.yaml');
  const settings = settingsOf({ MOONHOOK_POLICY_FILE: policyFile });
  const missing = readInstallationPolicy(settings);
  assert.ok(!missing.ok && missing.mistakes[0]?.includes(policyFile));
  writeFileSync(policyFile, 'class: canary\n');
  const read = readInstallationPolicy(settings);
  assert.ok(read.ok);
  assert.equal(read.policy.class, 'canary');
  assert.equal(read.policy.singleTenant, false);
  assert.equal(read.policy.hosts[0]?.publicUrl, 'http://moonhook.moonhook.svc');
  writeFileSync(policyFile, 'quotas: { functions: many }\n');
  const wrong = readInstallationPolicy(settings);
  assert.ok(!wrong.ok && wrong.mistakes[0]?.startsWith(`${policyFile}: quotas.functions: `), JSON.stringify(wrong));
  writeFileSync(policyFile, 'hosts: [');
  const broken = readInstallationPolicy(settings);
  assert.ok(!broken.ok && broken.mistakes[0]?.startsWith(`cannot read the policy ${policyFile}: `));
  rmSync(folder, { recursive: true });
});
