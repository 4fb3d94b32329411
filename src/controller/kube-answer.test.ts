import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, resourcePath } from './kube-answer.ts';

test('paths of core and named groups, with namespace, name and subresource', () => {
  assert.equal(resourcePath({ apiVersion: 'v1', resource: 'namespaces', name: 'a' }), '/api/v1/namespaces/a');
  assert.equal(
    resourcePath({ apiVersion: 'apps/v1', resource: 'deployments', namespace: 'a', name: 'b', subresource: 'scale' }),
    '/apis/apps/v1/namespaces/a/deployments/b/scale',
  );
});

test('no name leads to another path', () => {
  const path = (name: string): string => resourcePath({ apiVersion: 'v1', resource: 'secrets', namespace: 'a', name });
  assert.equal(path('x/../../b'), '/api/v1/namespaces/a/secrets/x%2F..%2F..%2Fb');
  assert.equal(path('x?watch=true#y'), '/api/v1/namespaces/a/secrets/x%3Fwatch%3Dtrue%23y');
  for (const name of ['', '.', '..']) assert.throws(() => path(name), /is no path segment/);
});

test('a Status tells its reason, and how long to wait', () => {
  const status = { kind: 'Status', reason: 'TooManyRequests', message: 'later', details: { retryAfterSeconds: 3 } };
  assert.deepEqual(failureOf(429, JSON.stringify(status)), {
    ok: false,
    status: 429,
    reason: 'TooManyRequests',
    message: 'later',
    retryAfterMs: 3_000,
  });
  assert.equal(failureOf(429, JSON.stringify(status), '7').retryAfterMs, 7_000);
});

test('a version from the future has a reason of its own', () => {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  const status = { kind: 'Status', reason: 'Timeout', message: 'Timeout', details: { causes, retryAfterSeconds: 1 } };
  assert.equal(failureOf(504, JSON.stringify(status)).reason, 'ResourceVersionTooLarge');
});

test('what is no Status is told as it is, cut', () => {
  const failure = failureOf(502, '<html>'.repeat(1_000));
  assert.equal(failure.reason, 'Status502');
  assert.equal(failure.message.length, 1_000);
  assert.equal(failureOf(500, '').message, 'the API server answered 500');
  assert.equal(failureOf(503, '', 'Wed, 21 Oct 2026 07:28:00 GMT').retryAfterMs, undefined);
});
