import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy, localPolicy, type HostGrant, type InstallationPolicy } from './installation-policy.ts';
import { grantedHost, namedHosts, placeRoute } from './place-route.ts';

function installation(...hosts: readonly HostGrant[]): InstallationPolicy {
  return { ...defaultPolicy('https://hooks.example.com'), hosts };
}

const common: HostGrant = {
  host: 'hooks.example.com',
  publicUrl: 'https://hooks.example.com',
  namespaces: '*',
  mount: '/{namespace}',
};
const teamA: HostGrant = {
  host: 'a.example.com',
  publicUrl: 'https://a.example.com',
  namespaces: ['team-a'],
  mount: '/',
};

test('by default a relative path is mounted below its namespace, on any host', () => {
  const placed = placeRoute(defaultPolicy('https://hooks.example.com'), 'team-a', { path: 'deploy' });
  assert.deepEqual(placed, {
    ok: true,
    path: '/team-a/deploy',
    publicUrl: 'https://hooks.example.com',
    ownsHost: false,
  });
});

test('an absolute path needs a grant unless it stays below the namespace', () => {
  const policy = installation(common);
  assert.equal(placeRoute(policy, 'team-a', { path: '/team-a/x' }).ok, true);
  for (const path of ['/github/deploy', '/team-ab/x', '/team-b/x', '/']) {
    const placed = placeRoute(policy, 'team-a', { path });
    assert.equal(placed.ok, false, path);
    assert.equal(placed.reason, 'HostNotAllowed');
    assert.match(placed.message, /it may use hooks\.example\.com below \/team-a$/);
  }
  assert.equal(placeRoute(installation(common, teamA), 'team-a', { path: '/github/deploy' }).ok, true);
});

test('a relative path takes the first grant of its namespace', () => {
  const policy = installation(teamA, common);
  const own = placeRoute(policy, 'team-a', { path: 'deploy' });
  const other = placeRoute(policy, 'team-b', { path: 'deploy' });
  assert.ok(own.ok && other.ok);
  assert.deepEqual([own.host, own.path, own.ownsHost], ['a.example.com', '/deploy', true]);
  assert.deepEqual([other.host, other.path, other.ownsHost], ['hooks.example.com', '/team-b/deploy', false]);
});

test('a host that belongs to another namespace is refused, and so is one nobody was given', () => {
  const policy = installation(common, teamA);
  for (const host of ['a.example.com', 'x.example.com']) {
    const placed = placeRoute(policy, 'team-b', { path: 'x', host });
    assert.equal(placed.ok, false, host);
  }
  assert.equal(placeRoute(policy, 'team-a', { path: 'x', host: 'A.Example.com' }).ok, true);
});

test('"any host" never means a host that somebody was given by name', () => {
  const any: HostGrant = { publicUrl: 'https://hooks.example.com', namespaces: '*', mount: '/{namespace}' };
  const policy = installation(any, teamA);
  assert.equal(placeRoute(policy, 'team-b', { path: 'x', host: 'a.example.com' }).ok, false);
  const free = placeRoute(policy, 'team-b', { path: 'x', host: 'free.example.com' });
  assert.ok(free.ok);
  assert.deepEqual([free.host, free.publicUrl], ['free.example.com', 'https://free.example.com']);
});

test('under a wildcard grant a host that another was given by name stays theirs', () => {
  const wide: HostGrant = { host: '*.example.com', publicUrl: 'https://w', namespaces: ['team-b'], mount: '/' };
  const policy = installation(wide, teamA);
  assert.equal(placeRoute(policy, 'team-b', { path: 'x', host: 'a.example.com' }).ok, false);
  assert.equal(placeRoute(policy, 'team-b', { path: 'x', host: 'b.example.com' }).ok, true);
  assert.equal(placeRoute(policy, 'team-b', { path: 'x', host: '*.b.example.com' }).ok, true);
  assert.equal(placeRoute(policy, 'team-b', { path: 'x', host: 'example.com' }).ok, false);
  const hosts = namedHosts(policy);
  assert.equal(grantedHost(hosts, 'a.example.com'), 'a.example.com');
  assert.equal(grantedHost(hosts, 'b.example.com'), '*.example.com');
  assert.equal(grantedHost(hosts, 'example.com'), undefined);
});

test('a host is owned only if one namespace alone can mount there', () => {
  const shared: HostGrant = { ...teamA, namespaces: ['team-a', 'team-b'] };
  const second: HostGrant = { ...teamA, namespaces: ['team-c'], mount: '/{namespace}' };
  const owns = (policy: InstallationPolicy): boolean => {
    const placed = placeRoute(policy, 'team-a', { path: 'x' });
    assert.ok(placed.ok);
    return placed.ownsHost;
  };
  assert.equal(owns(installation(teamA)), true);
  assert.equal(owns(installation(shared)), false);
  assert.equal(owns(installation(teamA, second)), false);
});

test('a local run grants every path and host, under its own port', () => {
  const policy = localPolicy('http://127.0.0.1:8080');
  const absolute = placeRoute(policy, 'default', { path: '/github/deploy' });
  const relative = placeRoute(policy, 'default', { path: 'deploy' });
  const named = placeRoute(policy, 'default', { path: 'deploy', host: 'hooks.test' });
  assert.ok(absolute.ok && relative.ok && named.ok);
  assert.equal(absolute.path, '/github/deploy');
  assert.equal(relative.path, '/default/deploy');
  assert.deepEqual([named.host, named.publicUrl], ['hooks.test', 'http://hooks.test:8080']);
});

test('a namespace without any grant is told whom to ask', () => {
  const placed = placeRoute(installation(teamA), 'team-b', { path: 'x' });
  assert.equal(placed.ok, false);
  assert.match(placed.message, /ask its operator/);
});
