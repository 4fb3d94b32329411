/** Paths and queries as the API server reads them: what it judges is what is answered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPath, type ResourceRequest } from './read-path.ts';
import { formatPosition, readListQuery } from './read-query.ts';

const root = '/apis/run.moonhook.dev/v1alpha1';

function about(method: string, path: string): string {
  const read = readPath(method, path);
  if (read.kind !== 'resource') return read.kind;
  const { verb, resource, subresource = '', namespace = '', name = '' } = read.request;
  return [verb, namespace, resource, name, subresource].join(' ');
}

test('method and path say what is wanted', () => {
  assert.equal(about('GET', `${root}/deadletters`), 'list  deadletters  ');
  assert.equal(about('GET', `${root}/namespaces/a/deadletters?watch=true`), 'watch a deadletters  ');
  assert.equal(about('GET', `${root}/namespaces/a/deadletters/x?watch=true`), 'get a deadletters x ');
  assert.equal(about('POST', `${root}/namespaces/a/functions/x/invoke`), 'create a functions x invoke');
  assert.equal(about('DELETE', `${root}/namespaces/a/deliveries`), 'deletecollection a deliveries  ');
  assert.equal(about('GET', `${root}/functions/-/logs`), 'get  functions - logs');
  assert.equal(about('GET', '/apis'), 'document');
});

test('a path that could be read in two ways is refused', () => {
  for (const path of ['/namespaces/a/x/..', '/namespaces/a%2fb/x', '/namespaces/A/x', '/a//b', '/a/b/c/d', '/%zz']) {
    assert.equal(about('GET', root + path), 'bad', path);
  }
  assert.equal(about('TRACE', `${root}/calls`), 'bad');
});

const request = (query: string): ResourceRequest => ({
  verb: 'list',
  resource: 'deliveries',
  namespace: 'a',
  query: new URLSearchParams(query),
});

test('selectors and parameters become one question', () => {
  const asked = `fieldSelector=${encodeURIComponent('state=dead,id=a\\,b,metadata.namespace=a')}&limit=7&trigger=web`;
  assert.deepEqual(readListQuery(request(asked), ['id', 'state', 'trigger']), {
    fields: { state: 'dead', id: 'a,b', trigger: 'web' },
    limit: 7,
    position: undefined,
  });
  const next = formatPosition({ default: 'dlv-7' });
  const page = readListQuery(request(`continue=${next}`), []);
  assert.deepEqual('position' in page && page.position, { default: 'dlv-7' });
});

test('what cannot be answered is refused, not answered with more than was asked for', () => {
  for (const query of [
    'labelSelector=a',
    'fieldSelector=x=1',
    'fieldSelector=state!=dead',
    'limit=-1',
    'continue=%25',
  ]) {
    const said = readListQuery(request(query), ['state']);
    assert.ok('status' in said && said.status === 400, query);
  }
  const foreign = readListQuery(request('fieldSelector=metadata.namespace%3Db'), ['state']);
  assert.ok('status' in foreign);
});
