import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, httpTriggerEntry, routeTable } from '../../test/builders/function-entry.ts';
import { createRouteIndex, type RouteIndex, type RoutedRequest } from './match-request.ts';
import type { FunctionEntry, RouteTable } from './types.ts';

/** Of a whole table, whose functions stand for themselves. */
function indexTable(table: RouteTable, namedHosts: ReadonlySet<string> = new Set()): RouteIndex<FunctionEntry> {
  const index = createRouteIndex<FunctionEntry>(namedHosts);
  for (const entry of table.functions.values()) index.set(entry, entry);
  return index;
}
import type { HttpTriggerEntry, RouteEntry } from './types.ts';

function mounted(name: string, routes: readonly RouteEntry[], parts: Partial<HttpTriggerEntry> = {}) {
  return functionEntry({ name, triggers: [httpTriggerEntry({ routes, ...parts })] });
}

const get = (target: string, host = 'hooks.example.com'): RoutedRequest => ({ method: 'GET', host, target });

test('a request finds its trigger, route and parameters', () => {
  const index = indexTable(routeTable([mounted('items', [{ path: '/team-a/items/:id', methods: ['GET', 'PUT'] }])]));
  const match = index.match(get('/team-a/items/a%20b?x=1'));
  assert.ok(match.kind === 'found');
  assert.equal(match.target.entry.name, 'items');
  assert.equal(match.target.publicUrl, 'https://hooks.example.com');
  assert.deepEqual([match.path, [...match.params]], ['/team-a/items/a b', [['id', 'a b']]]);
});

test('an unknown path, a wrong method and a path without one meaning are told apart', () => {
  const index = indexTable(routeTable([mounted('items', [{ path: '/team-a/items/:id', methods: ['GET', 'PUT'] }])]));
  assert.deepEqual(index.match(get('/team-a/other')), { kind: 'none', path: '/team-a/other' });
  const wrong = index.match({ ...get('/team-a/items/1'), method: 'POST' });
  assert.ok(wrong.kind === 'method');
  assert.deepEqual(wrong.allow, ['GET', 'HEAD', 'PUT']);
  for (const target of ['/team-a/%2e%2e/x', '/team-a//x', '/team-a/a%2Fb', '/team-a/items/', '*']) {
    assert.equal(index.match(get(target)).kind, 'invalid', target);
  }
});

test('reserved paths reach no route, not even one that begins with a parameter', () => {
  const index = indexTable(
    routeTable([
      mounted('all', [
        { path: '/:any/x', methods: [] },
        { path: '/*', methods: [] },
      ]),
    ]),
  );
  for (const target of ['/function/x', '/events/x', '/-/x', '/.well-known/acme', '/healthz', '/%2Dx/../x']) {
    assert.notEqual(index.match(get(target)).kind, 'found', target);
  }
  assert.equal(index.match(get('/other/x')).kind, 'found', 'the control');
});

test('a host of the installation shows only routes that were placed on it', () => {
  const shared = mounted('shared', [{ path: '/team-b/x', methods: [] }]);
  const own = mounted('own', [{ path: '/x', methods: [], host: 'a.example.com' }]);
  const named = indexTable(routeTable([shared, own]), new Set(['a.example.com']));
  assert.equal(named.match(get('/x', 'A.example.com:443')).kind, 'found');
  assert.equal(named.match(get('/team-b/x', 'a.example.com')).kind, 'none', 'not through the host of another');
  assert.equal(named.match(get('/team-b/x', 'other.example.com')).kind, 'found');
  assert.equal(named.match(get('/x', 'other.example.com')).kind, 'none');
  const free = indexTable(routeTable([shared, own]));
  assert.equal(free.match(get('/team-b/x', 'a.example.com')).kind, 'found', 'where nobody was given the host');
});

test('a preflight is answered for the method it asks for', () => {
  const cors = { origins: ['*'], methods: [], headers: [], credentials: false };
  const index = indexTable(
    routeTable([
      mounted('with', [{ path: '/with', methods: ['PUT'] }], { cors }),
      mounted('without', [{ path: '/without', methods: ['PUT'] }]),
      mounted('options', [{ path: '/options', methods: ['OPTIONS'] }]),
    ]),
  );
  const preflight = (target: string, preflightMethod: string) =>
    index.match({ method: 'OPTIONS', host: 'x', target, preflightMethod });
  const put = preflight('/with', 'PUT');
  assert.deepEqual([put.kind, put.kind === 'preflight' && put.allowed], ['preflight', true]);
  const post = preflight('/with', 'POST');
  assert.deepEqual([post.kind, post.kind === 'preflight' && post.allowed], ['preflight', false]);
  assert.equal(preflight('/without', 'PUT').kind, 'method');
  assert.equal(preflight('/options', 'PUT').kind, 'found', 'an ordinary OPTIONS request of its own trigger');
  assert.equal(index.match({ method: 'OPTIONS', host: 'x', target: '/with' }).kind, 'method', 'no preflight');
});

test('functions come, change and go one by one', () => {
  const index = createRouteIndex<string>();
  index.set(mounted('one', [{ path: '/a', methods: [] }]), 'first');
  index.set(mounted('two', [{ path: '/b', methods: [] }]), 'second');
  index.set(mounted('one', [{ path: '/c', methods: [] }]), 'again');
  assert.deepEqual(
    ['/a', '/b', '/c'].map((path) => index.match(get(path)).kind),
    ['none', 'found', 'found'],
  );
  const match = index.match(get('/c'));
  assert.equal(match.kind === 'found' && match.target.owner, 'again');
  index.delete(functionEntry({ name: 'two' }).uid);
  index.delete('unknown');
  assert.equal(index.match(get('/b')).kind, 'none');
});

test('routes of several public URLs keep theirs, and a path that is not canonical is not mounted', () => {
  const index = indexTable(
    routeTable([
      mounted('one', [
        { path: '/a', methods: [] },
        { path: '/b', methods: [], publicUrl: 'https://b.test' },
        { path: '/c//d', methods: [] },
      ]),
    ]),
  );
  const url = (path: string) => {
    const match = index.match(get(path));
    return match.kind === 'found' ? match.target.publicUrl : match.kind;
  };
  assert.deepEqual(['/a', '/b'].map(url), ['https://hooks.example.com', 'https://b.test']);
  assert.equal([...index.routes.routes()].length, 2);
});
