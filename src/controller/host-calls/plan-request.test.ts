import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { KubernetesArguments, KubernetesOperation } from '../../host/kubernetes-types.ts';
import { planRequest, refuseCall } from './plan-request.ts';

const owner = { namespace: 'team-a', name: 'hook', serviceAccountName: 'hooks' };
const pod = { apiVersion: 'v1', kind: 'Pod', name: 'web-0' };
const pods = { resource: 'pods', namespaced: true };

function requestOf(operation: KubernetesOperation, wanted: KubernetesArguments, kind = pods) {
  assert.equal(refuseCall(operation, wanted), undefined);
  const plan = planRequest(operation, wanted, kind, owner);
  assert.ok(plan.ok);
  return plan.request;
}

suite('planRequest', () => {
  test('every request acts as the ServiceAccount of the function, in its namespace unless another is named', () => {
    const own = requestOf('get', pod);
    assert.equal(own.impersonate, 'system:serviceaccount:team-a:hooks');
    assert.equal(own.path, '/api/v1/namespaces/team-a/pods/web-0');
    const other = requestOf('get', { ...pod, namespace: 'team-b' });
    assert.equal(other.impersonate, 'system:serviceaccount:team-a:hooks');
    assert.equal(other.path, '/api/v1/namespaces/team-b/pods/web-0');
  });

  test('objects without a namespace are reached without one, and naming one is a mistake', () => {
    const node = { apiVersion: 'v1', kind: 'Node', name: 'one' };
    const kind = { resource: 'nodes', namespaced: false };
    assert.equal(requestOf('get', node, kind).path, '/api/v1/nodes/one');
    const plan = planRequest('get', { ...node, namespace: 'team-a' }, kind, owner);
    assert.ok(!plan.ok && plan.message.includes('has no namespace'));
  });

  test('each operation is the request that does it', () => {
    const body = '{}';
    const config = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const kind = { resource: 'deployments', namespaced: true };
    const path = '/apis/apps/v1/namespaces/team-a/deployments';
    const create = requestOf('create', { ...config, body }, kind);
    assert.deepEqual([create.method, create.path, create.bodyText], ['POST', path, body]);
    const applied = requestOf('apply', { ...config, body }, kind);
    assert.deepEqual([applied.method, applied.contentType], ['PATCH', 'application/apply-patch+yaml']);
    assert.deepEqual(applied.query, { fieldManager: 'moonhook-hook', force: true });
    const types = { merge: 'merge-patch', strategic: 'strategic-merge-patch', json: 'json-patch' };
    for (const [type, name] of Object.entries(types)) {
      assert.equal(requestOf('patch', { ...config, body, type }, kind).contentType, `application/${name}+json`);
    }
    assert.equal(requestOf('patch', { ...config, body }, kind).contentType, 'application/merge-patch+json');
    const gone = requestOf('delete', config, kind);
    assert.deepEqual([gone.method, gone.query], ['DELETE', { propagationPolicy: 'Background' }]);
    const scale = requestOf('patch', { ...config, body, subresource: 'scale' }, kind);
    assert.equal(scale.path, `${path}/web/scale`);
    const evicted = requestOf('create', { ...pod, body, subresource: 'eviction' });
    assert.equal(evicted.path, '/api/v1/namespaces/team-a/pods/web-0/eviction');
    const logs = requestOf('logs', { ...pod, tail: 5, container: 'c' });
    assert.equal(logs.path, '/api/v1/namespaces/team-a/pods/web-0/log');
    const metadata = requestOf('list', { apiVersion: 'v1', kind: 'Pod', metadataOnly: true });
    assert.match(metadata.accept ?? '', /as=PartialObjectMetadataList/);
  });

  test('a resource of reviews is refused whatever its kind is called', () => {
    const plan = planRequest('create', { ...pod, body: '{}' }, { resource: 'tokenreviews', namespaced: false }, owner);
    assert.ok(!plan.ok);
  });
});

suite('refuseCall', () => {
  const body = '{}';
  const refused: readonly (readonly [string, KubernetesOperation, KubernetesArguments])[] = [
    ...['exec', 'attach', 'portforward', 'proxy', 'binding', 'ephemeralcontainers', 'log'].map(
      (subresource) => [subresource, 'get', { ...pod, subresource }] as const,
    ),
    ['exec by create', 'create', { ...pod, subresource: 'exec', body }],
    ['a token', 'create', { apiVersion: 'v1', kind: 'ServiceAccount', name: 'hooks', subresource: 'token', body }],
    ['a name of Object', 'get', { ...pod, subresource: 'constructor' }],
    ['a token review', 'create', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', body }],
    ['an access review', 'create', { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', body }],
    ['an event past the bus', 'create', { apiVersion: 'run.moonhook.dev/v1alpha1', kind: 'Event', body }],
    ['a review of another group', 'create', { apiVersion: 'example.com/v1', kind: 'PodSecurityPolicyReview', body }],
    ['an eviction of another kind', 'create', { ...pod, kind: 'Node', subresource: 'eviction', body }],
    ['getting an eviction', 'get', { ...pod, subresource: 'eviction' }],
    ['deleting a status', 'delete', { ...pod, subresource: 'status' }],
    ['logs of a Deployment', 'logs', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }],
    ['getting without a name', 'get', { apiVersion: 'v1', kind: 'Pod' }],
    ['deleting without a name', 'delete', { apiVersion: 'v1', kind: 'Pod' }],
    ['a list with a name', 'list', pod],
    ['an update without an object', 'update', pod],
    ['a get with an object', 'get', { ...pod, body }],
    ['a patch of an unknown type', 'patch', { ...pod, body, type: 'toString' }],
    ['a type without a patch', 'update', { ...pod, body, type: 'json' }],
  ];
  for (const [what, operation, wanted] of refused) {
    test(`refuses ${what}`, () => assert.notEqual(refuseCall(operation, wanted), undefined));
  }

  test('lets pass what is listed: the control', () => {
    const passed: readonly (readonly [KubernetesOperation, KubernetesArguments])[] = [
      ['get', pod],
      ['get', { ...pod, subresource: 'status' }],
      ['patch', { ...pod, subresource: 'status', body }],
      ['create', { ...pod, subresource: 'eviction', body }],
      ['logs', pod],
      ['list', { apiVersion: 'v1', kind: 'Pod' }],
      ['create', { apiVersion: 'v1', kind: 'Pod', body }],
      ['patch', { ...pod, body, type: 'json' }],
    ];
    for (const [operation, wanted] of passed) assert.equal(refuseCall(operation, wanted), undefined);
  });
});
