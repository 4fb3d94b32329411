/** Which Services a policy opens to the functions of their namespace, as a real API server has them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClock, type Clock } from '../../src/controller/clock.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { createOwnServices } from '../../src/controller/own-services.ts';
import { defaultPolicy, type InstallationPolicy } from '../../src/policy/installation-policy.ts';
import { eventually } from '../builders/eventually.ts';
import { apply, makeNamespace } from '../kube/run-controller.ts';
import { bodyOf, useCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster({ crds: false });

interface Service extends KubeObject {
  readonly spec: { readonly clusterIP: string };
}

const none = defaultPolicy('https://hooks.example.com');
const own: InstallationPolicy = { ...none, egress: { ...none.egress, clusterServices: 'Own' } };
const ports = [{ port: 80 }];
const selector = { app: 'shop' };

async function service(namespace: string, name: string, spec: Readonly<Record<string, unknown>>): Promise<string> {
  assert.ok(cluster);
  const path = `/api/v1/namespaces/${namespace}/services/${name}`;
  const body = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports, ...spec } };
  return (await apply<Service>(cluster.client, path, body)).spec.clusterIP;
}

function ownServices(clock: Clock = createClock()) {
  assert.ok(cluster);
  const services = createOwnServices({
    client: cluster.client,
    clock,
    closed: new Set(['moonhook', 'kube-system']),
    report: { onFault: (error) => assert.fail(String(error)) },
  });
  after(() => services.stop());
  return services;
}

const listed = (): number =>
  cluster?.plane
    .audit()
    .filter(({ objectRef, verb }) => objectRef?.resource === 'services' && ['list', 'watch'].includes(verb))
    .filter(({ userAgent }) => userAgent === 'moonhook-test').length ?? 0;

test('nothing is read while no policy asks for it', { skip }, async () => {
  const services = ownServices();
  await services.known(none);
  services.follow(none);
  assert.deepEqual(services.current(none)?.services, {});
  assert.equal(listed(), 0);
});

test('Services with a selector and an address of their own are opened, each to its namespace', { skip }, async () => {
  assert.ok(cluster);
  for (const name of ['moonhook', 'team-a', 'team-b']) await makeNamespace(cluster.client, name);
  const shop = await service('team-a', 'shop', { selector });
  const other = await service('team-b', 'shop', { selector });
  await service('team-a', 'by-hand', {});
  await service('team-a', 'headless', { selector, clusterIP: 'None' });
  await service('team-a', 'outside', { type: 'ExternalName', externalName: 'db.internal' });
  await service('moonhook', 'moonhook-calls', { selector });

  const services = ownServices();
  await services.known(own);
  const leased = services.current(own);
  // `kubernetes` in the namespace default has no selector: the API server itself.
  assert.deepEqual(leased?.services, { 'team-a': [shop], 'team-b': [other] });
  assert.ok(listed() > 0);
  const replica = ownServices();
  await replica.known(own);
  assert.equal(replica.current(own)?.digest, leased.digest, 'every replica has the same digest');
});

test('a Service that comes or goes is known without a new policy', { skip }, async () => {
  assert.ok(cluster);
  const services = ownServices();
  await services.known(own);
  const now = (): readonly string[] => services.current(own)?.services['team-a'] ?? [];
  const before = now();
  const { digest } = services.current(own) ?? {};
  const added = await service('team-a', 'added', { selector });
  await eventually('the new one is open', () => now().includes(added));
  bodyOf(await cluster.client.request({ method: 'DELETE', path: '/api/v1/namespaces/team-a/services/added' }));
  await eventually('it is closed again', () => !now().includes(added));
  assert.deepEqual(now(), before);
  assert.equal(services.current(own)?.digest, digest);
  // Another policy: nothing is open, and nothing is watched.
  assert.deepEqual(services.current(none)?.services, {});
});

test('without the right to list Services nothing is opened, and nobody waits for ever', { skip }, async () => {
  assert.ok(cluster);
  let refused = 0;
  const services = createOwnServices({
    client: {
      ...cluster.client,
      request: (request) => cluster.client.request({ ...request, impersonate: 'system:serviceaccount:team-a:nobody' }),
      stream: (request) => cluster.client.stream({ ...request, impersonate: 'system:serviceaccount:team-a:nobody' }),
    },
    clock: createClock(),
    closed: new Set(),
    report: { onFailure: () => (refused += 1), onFault: (error) => assert.fail(String(error)) },
  });
  after(() => services.stop());
  void services.known(own);
  await eventually('it was refused', () => refused > 0);
  assert.equal(services.current(own), undefined, 'nothing is certain');
});

test('a watch that hears nothing, or an API server that is gone, ends what is certain', { skip }, async () => {
  const clock = createClock();
  let ahead = 0;
  const services = ownServices({ ...clock, now: () => clock.now() + ahead });
  await services.known(own);
  assert.notEqual(services.current(own), undefined);
  ahead = 29_000;
  assert.notEqual(services.current(own), undefined, 'an API server may take so long to start again');
  ahead = 40_000;
  assert.equal(services.current(own), undefined);
  // The watch is opened anew, and is heard.
  await eventually('it is certain again', () => services.current(own) !== undefined);
});
