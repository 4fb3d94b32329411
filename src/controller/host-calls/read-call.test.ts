import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { kubernetesBodyCap } from '../../host/kubernetes-types.ts';
import { readKubernetesCall } from './read-call.ts';

const good = {
  function: '3f1c1f0e-6a0f-4a57-9a57-1f0e6a0f4a57',
  revision: 'abc123',
  callId: 'c-1',
  operation: 'get',
  arguments: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
};

function problemOf(body: unknown): string | undefined {
  const reading = readKubernetesCall(body);
  return reading.ok ? undefined : reading.problem;
}

const withArgument = (name: string, value: unknown): unknown => ({
  ...good,
  arguments: { ...good.arguments, [name]: value },
});

suite('readKubernetesCall', () => {
  test('reads a call as it was asked', () => {
    const reading = readKubernetesCall(good);
    assert.ok(reading.ok);
    assert.deepEqual(reading.call, good);
  });

  test('an identity, or anything else that is not asked for, is refused', () => {
    for (const name of ['namespace', 'serviceAccount', 'impersonate']) {
      assert.equal(problemOf({ ...good, [name]: 'team-b' }), 'the question has an unknown member');
    }
    for (const name of ['path', 'serviceAccount', 'headers', 'resource']) {
      assert.equal(problemOf(withArgument(name, 'x')), 'arguments has an unknown member');
    }
  });

  const segments = ['', '.', '..', 'a/b', '../secrets', 'a%2fb', 'a?b', 'a#b', 'a\\b', 'a b', 'ä', 'a\n', 'a..b', '-a'];
  for (const name of ['name', 'namespace', 'subresource', 'kind', 'apiVersion', 'container']) {
    test(`${name} takes no text that could be another path`, () => {
      for (const segment of segments) {
        if (name === 'apiVersion' && segment === 'a/b') continue;
        assert.notEqual(problemOf(withArgument(name, segment)), undefined, JSON.stringify(segment));
      }
      const fine = name === 'apiVersion' ? 'v1' : 'web';
      assert.equal(problemOf(withArgument(name, fine)), undefined, 'the control');
    });
  }

  test('an API version has at most a group and a version', () => {
    for (const version of ['a/b/c', '/v1', 'v1/', 'a//b', '../v1', 'apps/..', 'apps/.']) {
      assert.notEqual(problemOf(withArgument('apiVersion', version)), undefined, version);
    }
    for (const version of ['v1', 'apps/v1', 'metrics.k8s.io/v1beta1']) {
      assert.equal(problemOf(withArgument('apiVersion', version)), undefined, version);
    }
  });

  test('names of roles may hold colons', () => {
    assert.equal(problemOf(withArgument('name', 'system:node-proxier')), undefined);
  });

  test('other members are of their type and within their bounds', () => {
    const wrong: readonly (readonly [string, unknown])[] = [
      ['limit', 0],
      ['limit', 1_001],
      ['limit', '5'],
      ['tail', 1.5],
      ['metadataOnly', 'true'],
      ['body', {}],
      ['body', 'x'.repeat(kubernetesBodyCap + 1)],
      ['labelSelector', 'a=b\r\nx: y'],
      ['labelSelector', 'x'.repeat(4_097)],
    ];
    for (const [name, value] of wrong) assert.notEqual(problemOf(withArgument(name, value)), undefined, name);
    assert.equal(problemOf(withArgument('body', 'x'.repeat(kubernetesBodyCap))), undefined, 'the control');
    for (const body of [undefined, null, [], 'x', { ...good, operation: 'watch' }, { ...good, arguments: null }]) {
      assert.notEqual(problemOf(body), undefined);
    }
  });
});
