/** The guarantee of kubernetes triggers under faults: no final state missed, nothing invented, calls of one object in order. */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import {
  deleteObject,
  makeAccount,
  makeInstallation,
  mayWatch,
  record,
  startReplica,
  startRuntime,
  writeConfigMap,
} from '../kube/event-cluster.ts';
import { judgedByOracle } from '../kube/judged-by-oracle.ts';
import { startFaultProxy } from '../kube/fault-proxy.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();
const world = cluster === undefined ? undefined : await start(cluster);

async function start({ client, plane }: TestCluster) {
  await makeInstallation(client);
  await makeAccount(client, 'team-a', 'hooks');
  await mayWatch(client, 'hooks', { group: '', resource: 'configmaps' }, 'team-a');
  const proxy = await startFaultProxy(plane);
  after(() => proxy.stop());
  const replica = await startReplica(proxy.kubeconfig);
  const shared = { runtime: await startRuntime(client, [replica.port]) };
  // Another process by then.
  after(() => shared.runtime.close());
  return { client, proxy, replica, shared, runtime: () => shared.runtime };
}

function theWorld() {
  assert.ok(world);
  return world;
}

const configMap = (name: string): string => `/api/v1/namespaces/team-a/configmaps/${name}`;
const expired = JSON.stringify({ kind: 'Status', reason: 'Expired', code: 410, message: 'too old' });
const selected = (labels: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  labelSelector: { matchLabels: labels },
  events: ['Added', 'Modified', 'Deleted', 'Left'],
});

test(
  'what happened while nobody watched is told afterwards, and what left is not called deleted',
  { skip },
  async () => {
    const { client, proxy } = theWorld();
    const labels = { test: 'gap' };
    const seen = await record(theWorld(), 'gap', selected(labels));
    await seen.ready();
    const names = ['stays', 'changes', 'goes', 'again', 'leaves', 'returns'];
    for (const name of names) await writeConfigMap(client, name, { labels });
    for (const name of names) await seen.sees(name, ['added']);
    proxy.refuse(true);
    await writeConfigMap(client, 'changes', { labels, data: { a: '1' } });
    await deleteObject(client, configMap('goes'));
    await deleteObject(client, configMap('again'));
    await writeConfigMap(client, 'again', { labels, data: { made: 'anew' } });
    await writeConfigMap(client, 'leaves', { labels: {} });
    await writeConfigMap(client, 'returns', { labels: {} });
    await writeConfigMap(client, 'returns', { labels, data: { back: 'yes' } });
    await writeConfigMap(client, 'comes', { labels });
    // As after a long absence: what the watch would have told is not kept any more.
    proxy.answerNext(1, /configmaps.*watch=true/, { status: 410, body: expired });
    proxy.refuse(false);
    await seen.sees('changes', ['added', 'modified']);
    const [, deleted] = await seen.sees('goes', ['added', 'deleted']);
    assert.deepEqual([deleted?.synthetic, deleted?.object.metadata.namespace], [true, 'team-a']);
    const [, left] = await seen.sees('leaves', ['added', 'left']);
    assert.equal(left?.object.metadata.labels, undefined);
    await seen.sees('returns', ['added', 'modified']);
    await seen.sees('comes', ['added']);
    // Two objects of one name: each has its own story.
    const again = await eventually('the one made anew was seen', async () => {
      const all = (await seen.calls()).get('again');
      return all?.length === 3 ? all : undefined;
    });
    const [first = '', second = ''] = new Set(again.map(({ object }) => object.metadata.uid));
    const of = (uid: string) => again.filter(({ object }) => object.metadata.uid === uid).map(({ name }) => name);
    assert.deepEqual([of(first), of(second)].map(String).toSorted(), ['added', 'added,deleted']);
    await seen.sees('stays', ['added']);
  },
);

test('the final state of every object is told while everything fails', { skip }, async (t) => {
  const { proxy, shared } = theWorld();
  const { oracle, seen, agrees } = await judgedByOracle(theWorld(), 'random', 20_261_122);
  const faults: readonly (() => void | Promise<void>)[] = [
    () => proxy.cutWatches(),
    () => proxy.cutInNextLine(),
    () => proxy.answerNext(1, /configmaps.*watch=true/, { status: 410, body: expired }),
    () => proxy.answerNext(2, /configmaps/, { status: 429, body: '' }),
    () => proxy.answerNext(2, /configmaps/, { status: 500, body: 'broken' }),
    () => proxy.answerNext(1, /configmaps.*limit=500/, { status: 200, body: '{"items":[]' }),
    async () => {
      proxy.refuse(true);
      for (let count = 0; count < 5; count += 1) await oracle.write();
      proxy.refuse(false);
    },
  ];
  let injected = 0;
  for (let round = 0; round < 80; round += 1) {
    for (let count = 0; count < 4; count += 1) await oracle.write();
    if (oracle.chance() < 0.35) {
      injected += 1;
      await faults[Math.floor(oracle.chance() * faults.length)]?.();
    }
    // The store's process dies in the middle of it, twice.
    if (round === 25 || round === 55) {
      const { runtime } = shared;
      await runtime.end('SIGKILL');
      for (let count = 0; count < 10; count += 1) await oracle.write();
      shared.runtime = await runtime.restart();
    }
    if (round % 16 === 15) await agrees();
  }
  const calls = [...(await seen.calls()).values()].flat();
  t.diagnostic(`${oracle.writes} writes of ${oracle.objects} objects, ${injected} faults, ${calls.length} calls`);
  assert.ok(oracle.writes > 300 && injected > 15 && calls.some(({ name }) => name === 'deleted'));
});

test('after a restore of etcd, the states that are true now are told', { skip }, async () => {
  assert.ok(cluster);
  const { client } = theWorld();
  const { plane } = cluster;
  const labels = { test: 'restored' };
  const seen = await record(theWorld(), 'restored', selected(labels));
  await seen.ready();
  await writeConfigMap(client, 'kept', { labels, data: { is: 'old' } });
  await seen.sees('kept', ['added']);
  const snapshot = join(plane.folder, 'events-snapshot');
  await plane.whileStopped((data) => cpSync(data, snapshot, { recursive: true }));
  await writeConfigMap(client, 'kept', { labels, data: { is: 'new' } });
  for (let count = 0; count < 10; count += 1) await writeConfigMap(client, `undone-${count}`, { labels });
  await seen.sees('kept', ['added', 'modified']);
  await seen.sees('undone-9', ['added']);
  await plane.whileStopped((data) => {
    rmSync(data, { recursive: true });
    cpSync(snapshot, data, { recursive: true });
  });
  const [, , back] = await seen.sees('kept', ['added', 'modified', 'modified']);
  assert.deepEqual(back?.object['data'], { is: 'old' });
  for (let count = 0; count < 10; count += 1) await seen.sees(`undone-${count}`, ['added', 'deleted']);
  await writeConfigMap(client, 'kept', { labels, data: { is: 'newer' } });
  const calls = await seen.sees('kept', ['added', 'modified', 'modified', 'modified']);
  assert.deepEqual(calls.at(-1)?.object['data'], { is: 'newer' });
});

test('a store that is lost begins anew, and says so', { skip }, async () => {
  const { client, replica, shared } = theWorld();
  const labels = { test: 'lost' };
  const seen = await record(theWorld(), 'lost', selected(labels));
  await seen.ready();
  await writeConfigMap(client, 'known', { labels });
  await seen.sees('known', ['added']);
  await shared.runtime.close();
  shared.runtime = await startRuntime(client, [replica.port], 'runtime-1');
  // Nothing told the trigger; the next change finds that its place is gone.
  await writeConfigMap(client, 'known', { labels, data: { a: '1' } });
  await eventually('an Event says so', async () => {
    const path = '/apis/events.k8s.io/v1/namespaces/team-a/events';
    const { items } = bodyOf(await client.request<EventList>({ path }));
    return items.some(({ reason, regarding }) => reason === 'CheckpointLost' && regarding.name === 'lost');
  });
  await seen.ready();
  await writeConfigMap(client, 'known', { labels, data: { a: '2' } });
  await eventually('changes are told again', async () => {
    const last = (await seen.calls()).get('known')?.at(-1);
    return (last?.object['data'] as { readonly a?: string } | undefined)?.a === '2';
  });
});

interface EventList {
  readonly items: readonly { readonly reason: string; readonly regarding: { readonly name: string } }[];
}
