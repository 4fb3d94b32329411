import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy, localPolicy, type InstallationPolicy } from './installation-policy.ts';
import { formatAmount } from './limit-amounts.ts';
import { policySchema } from './policy-schema.ts';
import { readPolicy } from './read-policy.ts';
import { limitFields } from './resolve-limits.ts';

const base = defaultPolicy('https://hooks.example.com');

function read(document: unknown): InstallationPolicy {
  const result = readPolicy(document, base, { local: false });
  assert.ok(result.ok, JSON.stringify(result));
  return result.policy;
}

function mistakes(document: unknown, local = false): readonly string[] {
  const result = readPolicy(document, base, { local });
  return result.ok
    ? []
    : result.mistakes.map(({ path, message, hint }) => `${path}: ${message}${hint === undefined ? '' : ` (${hint})`}`);
}

test('an object without fields changes nothing, and an empty file is a mistake: it may have been truncated', () => {
  assert.deepEqual(read({}), base);
  for (const empty of [undefined, null]) assert.deepEqual(mistakes(empty), [': is empty (write {} for the defaults)']);
});

test('a full file is read into the units the product computes with', () => {
  const policy = read({
    class: 'canary',
    hosts: [
      { host: 'a.example.com', namespaces: ['team-a'], mount: '/' },
      { host: '*', publicUrl: 'https://hooks.example.com', namespaces: ['*'], mount: '/{namespace}' },
    ],
    defaults: { limits: { timeout: '5s' }, retry: { schedule: ['1s', '1m'] } },
    ceilings: { limits: { memory: '32Mi', hostCalls: 7 }, retryAttempts: 5, retryWait: '2h', ackAfter: '30s' },
    egress: {
      allow: ['*.example.com:443'],
      grants: ['10.1.0.0/16:8080'],
      deny: ['192.0.2.1'],
      clusterServices: 'Own',
      namespaces: { 'team-a': { allow: ['api.test'] } },
    },
    quotas: { functions: 100, keyValueBytes: '64Mi', namespaces: { 'team-a': { functions: 5, waitingBytes: 1024 } } },
    trustedProxies: ['10.0.0.0/8', '2001:db8::/32'],
    allowWeakSecrets: true,
  });
  assert.deepEqual(policy, {
    ...base,
    class: 'canary',
    hosts: [
      { host: 'a.example.com', publicUrl: 'https://a.example.com', namespaces: ['team-a'], mount: '/' },
      { publicUrl: 'https://hooks.example.com', namespaces: '*', mount: '/{namespace}' },
    ],
    defaults: { limits: { ...base.defaults.limits, timeoutMs: 5000 }, retryScheduleMs: [1000, 60_000] },
    ceilings: {
      ...base.ceilings,
      limits: { ...base.ceilings.limits, memoryBytes: 32 * 1024 * 1024, hostCalls: 7 },
      retryAttempts: 5,
      retryWaitMs: 7_200_000,
      ackAfterMs: 30_000,
    },
    egress: {
      allow: ['*.example.com:443'],
      grants: ['10.1.0.0/16:8080'],
      deny: ['192.0.2.1'],
      clusterServices: 'Own',
      namespaces: { 'team-a': { allow: ['api.test'] } },
    },
    quotas: {
      functions: 100,
      keyValueBytes: 64 * 1024 * 1024,
      namespaces: { 'team-a': { functions: 5, waitingBytes: 1024 } },
    },
    trustedProxies: ['10.0.0.0/8', '2001:db8::/32'],
    allowWeakSecrets: true,
  });
});

test('each mistake says where it stands and what to write', () => {
  assert.deepEqual(mistakes({ host: [] })[0], 'host: unknown field "host" (did you mean "hosts"?)');
  assert.deepEqual(mistakes({ hosts: [{ host: '*', namespaces: ['*'], mount: '/' }] }), [
    'hosts[0]: "publicUrl" is required where host is *',
  ]);
  const hosts = (more: object) => mistakes({ hosts: [{ host: 'a.test', namespaces: ['a'], mount: '/', ...more }] });
  assert.match(hosts({ host: 'https://a.test' })[0] ?? '', /^hosts\[0\]\.host: .* is not a lower case host name/);
  assert.match(hosts({ publicUrl: 'https://a.test/hooks' })[0] ?? '', /scheme, host and port only/);
  assert.match(hosts({ mount: '/x' })[0] ?? '', /is not one of/);
  assert.match(hosts({ namespaces: ['*', 'a'] })[0] ?? '', /stands alone/);
  assert.match(hosts({ namespaces: [] })[0] ?? '', /at least 1 entry/);
  assert.match(mistakes({ trustedProxies: ['proxy.test'] })[0] ?? '', /^trustedProxies\[0\]: .* not an address/);
  assert.match(mistakes({ egress: { allow: ['https://x'] } })[0] ?? '', /^egress\.allow\[0\]: .* not an egress entry/);
  assert.match(mistakes({ egress: { namespaces: { 'Team A': {} } } })[0] ?? '', /not the name of a namespace/);
  assert.match(mistakes({ ceilings: { retryWait: '1 day' } })[0] ?? '', /a duration such as/);
  assert.match(mistakes('hosts')[0] ?? '', /must be an object/);
});

test('the same grant twice, and a default above its own ceiling, are slips', () => {
  const host = { host: 'a.test', namespaces: ['a', 'b'], mount: '/' };
  assert.match(
    mistakes({ hosts: [host, { ...host, namespaces: ['b', 'a'] }] })[0] ?? '',
    /says the same as hosts\[0\]/,
  );
  assert.deepEqual(mistakes({ defaults: { limits: { timeout: '10m' } }, ceilings: { limits: { timeout: '5m' } } }), [
    'defaults.limits.timeout: is above the ceiling of the same name',
  ]);
});

test('loopback can be granted on one machine only', () => {
  assert.match(mistakes({ egress: { grants: ['127.0.0.1:3000'] } })[0] ?? '', /can never be granted/);
  assert.deepEqual(mistakes({ egress: { grants: ['127.0.0.1:3000'] } }, true), []);
});

test('a file that names hosts ends the single tenancy of a local run, one without does not', () => {
  const local = localPolicy('http://127.0.0.1:8080');
  const named = readPolicy({ hosts: [{ host: 'a.test', namespaces: ['*'], mount: '/{namespace}' }] }, local, {
    local: true,
  });
  const silent = readPolicy({ allowWeakSecrets: true }, local, { local: true });
  assert.ok(named.ok && silent.ok);
  assert.deepEqual([named.policy.singleTenant, named.policy.class], [false, '*']);
  assert.equal(silent.policy.singleTenant, true);
});

test('quotas of stored bytes and retention are read in units, and what a file does not say stays open', () => {
  const reading = readPolicy(
    {
      quotas: { waitingRows: 10, keyValueBytes: '1Mi', namespaces: { 'team-a': { waitingBytes: '2Ki' } } },
      retention: { settled: '2h', endedBytes: '1Gi', deliveryIds: 5000 },
    },
    localPolicy('http://127.0.0.1:8080'),
    { local: true },
  );
  assert.ok(reading.ok);
  const { quotas, retention } = reading.policy;
  assert.deepEqual(quotas, {
    waitingRows: 10,
    keyValueBytes: 2 ** 20,
    namespaces: { 'team-a': { waitingBytes: 2048 } },
  });
  assert.deepEqual(retention, { settledMs: 7_200_000, endedBytes: 2 ** 30, duplicateKeys: 5000 });
  assert.match(mistakes({ retention: { settled: 'long' } })[0] ?? '', /^retention\.settled/);
});

test('the schema names the defaults and ceilings that hold', () => {
  for (const part of ['defaults', 'ceilings'] as const) {
    const described = policySchema.properties?.[part]?.properties?.['limits']?.properties ?? {};
    for (const [field, { value, kind }] of Object.entries(limitFields)) {
      const amount = formatAmount(base[part].limits[value], kind);
      assert.ok(
        described[field]?.description?.endsWith(`; ${amount} by default.`),
        `${part}.limits.${field}: ${amount}`,
      );
    }
  }
});

test('a quota that nothing keeps, and a share that is none, are refused', () => {
  assert.match(mistakes({ quotas: { cpuShares: 0.5 } }).join(), /^quotas\.cpuShares: unknown field/);
  assert.match(mistakes({ quotas: { cpuShare: 0 } }).join(), /^quotas\.cpuShare/);
  assert.match(mistakes({ quotas: { cpuShare: 1.5 } }).join(), /^quotas\.cpuShare/);
  const { quotas } = read({
    quotas: { cpuShare: 0.25, namespaces: { 'team-a': { parkedBytes: '8Mi', hostBytes: 100 } } },
  });
  assert.deepEqual(quotas, { cpuShare: 0.25, namespaces: { 'team-a': { parkedBytes: 8 * 2 ** 20, hostBytes: 100 } } });
});
