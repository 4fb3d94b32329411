import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy, egressOf, quotaOf, servesClass, type InstallationPolicy } from './installation-policy.ts';
import { defaultLimitsOf, resolveLimits, resolveRetry } from './resolve-limits.ts';

const policy = defaultPolicy('https://hooks.example.com');

function withCeilings(limits: Partial<InstallationPolicy['ceilings']['limits']>): InstallationPolicy {
  return { ...policy, ceilings: { ...policy.ceilings, limits: { ...policy.ceilings.limits, ...limits } } };
}

test('what a function names replaces the default, the rest stays', () => {
  const { limits, problems } = resolveLimits(
    policy,
    defaultLimitsOf(policy),
    { timeout: '90s', memory: '64Mi' },
    'spec.limits',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(limits, { ...policy.defaults.limits, timeoutMs: 90_000, memoryBytes: 64 * 1024 * 1024 });
});

test('what is exactly the ceiling passes, what is above is denied and names the ceiling', () => {
  const low = withCeilings({ timeoutMs: 30_000, memoryBytes: 32 * 1024 * 1024, hostCalls: 5 });
  assert.deepEqual(resolveLimits(low, defaultLimitsOf(low), { timeout: '30s' }, 'spec.limits').problems, []);
  const { limits, problems } = resolveLimits(
    low,
    defaultLimitsOf(low),
    { timeout: '31s', memory: '33Mi', hostCalls: 6 },
    'spec.limits',
  );
  assert.deepEqual(
    problems.map(({ reason, path, message }) => [reason, path, message]),
    [
      ['PolicyDenied', 'spec.limits.timeout', '31s is above the ceiling of this installation, 30s'],
      ['PolicyDenied', 'spec.limits.memory', '33Mi is above the ceiling of this installation, 32Mi'],
      ['PolicyDenied', 'spec.limits.hostCalls', '6 is above the ceiling of this installation, 5'],
    ],
  );
  assert.deepEqual(limits, defaultLimitsOf(low));
});

test('a default above the ceiling is held under it', () => {
  assert.equal(defaultLimitsOf(withCeilings({ timeoutMs: 2000 })).timeoutMs, 2000);
});

test('amounts that are none are mistakes', () => {
  for (const limits of [
    { timeout: '0s' },
    { timeout: '500' },
    { cpuTime: '500m5' },
    { memory: '0' },
    { concurrency: 1.5 },
  ]) {
    const { problems } = resolveLimits(policy, defaultLimitsOf(policy), limits, 'spec.limits');
    assert.deepEqual(
      problems.map(({ reason }) => reason),
      ['Invalid'],
      JSON.stringify(limits),
    );
  }
  assert.deepEqual(resolveLimits(policy, defaultLimitsOf(policy), { hostCalls: 0 }, 'spec.limits').limits.hostCalls, 0);
});

test('retries are counted and each wait is held to the ceiling', () => {
  const resolve = (schedule: readonly string[]) => resolveRetry(policy, [5000], { schedule }, 'spec.retry');
  assert.deepEqual(resolve(['0s', '10m']), { scheduleMs: [0, 600_000], problems: [] });
  assert.deepEqual(resolve([]), { scheduleMs: [], problems: [] });
  assert.deepEqual(resolveRetry(policy, [5000], undefined, 'spec.retry').scheduleMs, [5000]);
  assert.match(resolve(['25h']).problems[0]?.message ?? '', /above the ceiling of this installation, 1d/);
  const many = resolve(Array.from({ length: 20 }, () => '1s'));
  assert.match(many.problems[0]?.message ?? '', /21 attempts are above the ceiling of this installation, 20/);
  assert.deepEqual(many.scheduleMs, [5000]);
});

test('classes are served by the installation of that name', () => {
  assert.equal(servesClass(policy, undefined), true);
  assert.equal(servesClass(policy, 'canary'), false);
  assert.equal(servesClass({ ...policy, class: 'canary' }, 'canary'), true);
  assert.equal(servesClass({ ...policy, class: 'canary' }, undefined), false);
  assert.equal(servesClass({ ...policy, class: '*' }, 'canary'), true);
});

test('a namespace has its own figures where it has any, the common ones elsewhere', () => {
  const own: InstallationPolicy = {
    ...policy,
    quotas: { functions: 10, routes: 20, namespaces: { big: { functions: 100 } } },
    egress: {
      ...policy.egress,
      allow: ['*.example.com'],
      deny: ['10.0.0.1'],
      namespaces: { big: { allow: ['api.test'], deny: ['10.0.0.2'] } },
    },
  };
  assert.deepEqual(quotaOf(own, 'big'), { functions: 100, routes: 20 });
  assert.deepEqual(quotaOf(own, 'constructor'), { functions: 10, routes: 20 });
  assert.deepEqual(egressOf(own, 'big').allow, ['api.test']);
  assert.deepEqual(
    egressOf(own, 'big').deny,
    ['10.0.0.1', '10.0.0.2'],
    'what nobody reaches, this one does not either',
  );
  assert.deepEqual(egressOf(own, 'toString').allow, ['*.example.com']);
});
