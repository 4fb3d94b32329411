import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { defaultPolicy, type InstallationPolicy } from './installation-policy.ts';
import { readPolicy } from './read-policy.ts';
import { groupOf, groupsLeftBy, policyForGroup } from './runtime-groups.ts';

const base = defaultPolicy('https://hooks.example.com');

function read(document: unknown): InstallationPolicy {
  const reading = readPolicy(document, base, { local: false });
  assert.ok(reading.ok, JSON.stringify(reading));
  return reading.policy;
}

function mistakesOf(document: unknown): readonly string[] {
  const reading = readPolicy(document, base, { local: false });
  assert.ok(!reading.ok);
  return reading.mistakes.map(({ path, message }) => `${path}: ${message}`);
}

suite('runtime groups of the policy', () => {
  test('a namespace is of the group that names it, every other of the default group', () => {
    const policy = read({
      runtimeGroups: [
        { name: 'payments', namespaces: ['bank', 'ledger'] },
        { name: 'old', namespaces: [] },
      ],
      runtimeMoves: [
        { namespace: 'bank', from: 'default' },
        { namespace: 'bank', from: 'old' },
        { namespace: 'shop', from: 'payments' },
      ],
    });
    assert.deepEqual(
      ['bank', 'ledger', 'shop', 'constructor', '__proto__'].map((namespace) => groupOf(policy, namespace)),
      ['payments', 'payments', 'default', 'default', 'default'],
    );
    assert.deepEqual(groupsLeftBy(policy, 'bank'), ['default', 'old']);
    assert.deepEqual(groupsLeftBy(policy, 'shop'), ['payments']);
    assert.deepEqual(groupsLeftBy(policy, 'toString'), []);
    assert.equal(groupOf(base, 'bank'), 'default');
    assert.equal(read({ runtimeGroups: [] }).runtimeGroups, undefined);
  });

  test('what cannot be is said with its place', () => {
    assert.deepEqual(
      mistakesOf({
        runtimeGroups: [
          { name: 'payments', namespaces: ['bank'] },
          { name: 'payments', namespaces: [] },
          { name: 'default', namespaces: [] },
          { name: 'other', namespaces: ['bank'] },
        ],
        runtimeMoves: [
          { namespace: 'shop', from: 'default' },
          { namespace: 'shop', from: 'gone' },
        ],
      }),
      [
        'runtimeGroups[1].name: "payments" stands twice',
        'runtimeGroups[2].name: "default" is the group of all namespaces that no group names: give this one another name',
        'runtimeGroups[3].namespaces: "bank" is in "payments", too: a namespace has one group',
        'runtimeMoves[0].from: "shop" is in "default" now: it moved from another',
        'runtimeMoves[1].from: there is no group "gone": keep it in runtimeGroups, without namespaces, until nothing waits there',
      ],
    );
    assert.match(mistakesOf({ runtimeGroups: [{ name: 'Payments', namespaces: [] }] })[0] ?? '', /lower case/);
  });

  test('a host whose paths do not name the namespace belongs to one group', () => {
    const runtimeGroups = [{ name: 'payments', namespaces: ['bank'] }];
    const host = (namespaces: readonly string[], mount: string) => ({ host: 'a.example.com', namespaces, mount });
    assert.match(mistakesOf({ runtimeGroups, hosts: [host(['*'], '/')] })[0] ?? '', /^hosts\[0\]\.namespaces: with/);
    assert.match(
      mistakesOf({ runtimeGroups, hosts: [host(['bank', 'shop'], '/')] })[0] ?? '',
      /"payments" and "default"/,
    );
    assert.match(
      mistakesOf({ runtimeGroups, hosts: [host(['bank'], '/'), host(['shop'], '/')] })[0] ?? '',
      /hosts\[1\]/,
    );
    read({ runtimeGroups, hosts: [host(['*'], '/{namespace}')] });
    read({ runtimeGroups, hosts: [host(['bank'], '/'), { ...host(['shop'], '/'), host: 'b.example.com' }] });
    read({ hosts: [host(['*'], '/')] });
  });

  test('runtimes are told of the namespaces of their group, and of those that leave it', () => {
    const policy: InstallationPolicy = {
      ...read({
        hosts: [
          { host: '*', publicUrl: 'https://a.example.com', namespaces: ['*'], mount: '/{namespace}' },
          { host: 'b.example.com', namespaces: ['bank', 'ledger'], mount: '/{namespace}' },
        ],
        runtimeGroups: [{ name: 'payments', namespaces: ['bank', 'ledger'] }],
        runtimeMoves: [{ namespace: 'ledger', from: 'default' }],
        quotas: {
          functions: 5,
          namespaces: { bank: { functions: 1 }, ledger: { functions: 2 }, shop: { functions: 3 } },
        },
      }),
    };
    const told = policyForGroup(
      { ...policy, egress: { ...policy.egress, services: { bank: ['10.0.0.1'], shop: ['10.0.0.2'] } } },
      'default',
    );
    assert.deepEqual(told.quotas, { functions: 5, namespaces: { ledger: { functions: 2 }, shop: { functions: 3 } } });
    assert.deepEqual(told.egress.services, { shop: ['10.0.0.2'] });
    assert.deepEqual(
      told.hosts.map(({ namespaces }) => namespaces),
      ['*', ['ledger']],
    );
    assert.equal(told.runtimeGroups, undefined);
    assert.equal(policyForGroup(base, 'default'), base);
  });
});
