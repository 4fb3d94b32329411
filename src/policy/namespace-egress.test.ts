import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkAddress } from './egress.ts';
import { defaultPolicy, type InstallationPolicy } from './installation-policy.ts';
import { namespaceEgress } from './namespace-egress.ts';

const services = { 'team-a': ['10.96.0.17', 'fd00::17'], 'team-b': ['10.96.0.18'] };

function policyOf(egress: Partial<InstallationPolicy['egress']>): InstallationPolicy {
  const base = defaultPolicy('https://hooks.example.com');
  return { ...base, egress: { ...base.egress, services, ...egress } };
}

function reaches(policy: InstallationPolicy, namespace: string, address: string, host = address): boolean {
  return checkAddress({ installation: namespaceEgress(policy, namespace) }, { host, port: 8080 }, address).ok;
}

suite('clusterServices: Own', () => {
  const own = policyOf({ clusterServices: 'Own' });

  test('opens the Services of the own namespace, by address and by name', () => {
    assert.ok(reaches(own, 'team-a', '10.96.0.17'));
    assert.ok(reaches(own, 'team-a', 'fd00::17'));
    assert.ok(reaches(own, 'team-a', '10.96.0.17', 'shop.team-a.svc.cluster.local'));
  });

  test('opens neither those of another namespace nor any other private address', () => {
    assert.ok(!reaches(own, 'team-a', '10.96.0.18'));
    assert.ok(!reaches(own, 'team-a', '10.96.0.18', 'shop.team-a.svc.cluster.local'), 'a name opens nothing');
    assert.ok(!reaches(own, 'team-a', '10.0.0.5'));
    assert.ok(!reaches(own, 'constructor', '10.96.0.17'));
    assert.ok(reaches(own, 'team-b', '10.96.0.18'), 'the control');
  });

  test('is off unless the policy says so, for all or for a namespace', () => {
    assert.ok(!reaches(policyOf({}), 'team-a', '10.96.0.17'));
    const one = policyOf({ namespaces: { 'team-a': { clusterServices: 'Own' } } });
    assert.ok(reaches(one, 'team-a', '10.96.0.17'));
    assert.ok(!reaches(one, 'team-b', '10.96.0.18'));
    const but = policyOf({ clusterServices: 'Own', namespaces: { 'team-a': { clusterServices: 'None' } } });
    assert.ok(!reaches(but, 'team-a', '10.96.0.17'));
  });

  test('never opens what can never be granted, and what the installation keeps for itself stays closed', () => {
    const odd = policyOf({
      clusterServices: 'Own',
      services: { 'team-a': ['127.0.0.1', '169.254.169.254', '10.96.0.1'] },
      deny: ['10.96.0.1'],
    });
    for (const address of ['127.0.0.1', '169.254.169.254', '10.96.0.1']) assert.ok(!reaches(odd, 'team-a', address));
  });
});
