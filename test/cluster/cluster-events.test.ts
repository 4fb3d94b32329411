/** Kubernetes triggers against a real API server: from a change in the cluster to the function that saw it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { readFencedBlocks } from '../builders/read-markdown.ts';
import { eventually } from '../builders/eventually.ts';
import { deleteObject, record, startEventWorld, writeConfigMap } from '../kube/event-cluster.ts';
import { apply, conditionStands, functionPath, webhookFunction } from '../kube/run-controller.ts';
import { bodyOf, useCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();

const world = cluster === undefined ? undefined : await startEventWorld(cluster);

const configMap = (name: string, namespace = 'team-a'): string => `/api/v1/namespaces/${namespace}/configmaps/${name}`;

test('a function sees an object appear, change and go', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  await writeConfigMap(client, 'there-before');
  const seen = await record(world, 'first', { apiVersion: 'v1', kind: 'ConfigMap' });
  await seen.ready();
  await writeConfigMap(client, 'settings', { data: { greeting: 'hello' } });
  await seen.sees('settings', ['added']);
  await writeConfigMap(client, 'settings', { data: { greeting: 'bye' } });
  await seen.sees('settings', ['added', 'modified']);
  await deleteObject(client, configMap('settings'));
  const [added, modified, deleted] = await seen.sees('settings', ['added', 'modified', 'deleted']);
  assert.equal(added?.object.kind, 'ConfigMap');
  assert.equal(added?.object.apiVersion, 'v1');
  assert.deepEqual(added?.object['data'], { greeting: 'hello' });
  assert.equal('managedFields' in (added?.object.metadata ?? {}), false);
  assert.deepEqual(modified?.object['data'], { greeting: 'bye' });
  assert.deepEqual(deleted?.object['data'], { greeting: 'bye' }, 'with its last state');
  assert.equal(deleted?.synthetic, false);
  assert.equal((await seen.calls()).has('there-before'), false, 'what was there at the start is skipped');
  await writeConfigMap(client, 'there-before', { data: { a: '1' } });
  await seen.sees('there-before', ['modified']);
});

test('only the events that are wanted are told', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  const seen = await record(world, 'some', { apiVersion: 'v1', kind: 'ConfigMap', events: ['Deleted'] });
  await seen.ready();
  await writeConfigMap(client, 'short-lived');
  await writeConfigMap(client, 'short-lived', { data: { a: '1' } });
  await deleteObject(client, configMap('short-lived'));
  await writeConfigMap(client, 'next');
  await deleteObject(client, configMap('next'));
  await seen.sees('next', ['deleted']);
  await seen.sees('short-lived', ['deleted']);
});

test('under a selector, leaving and going are told apart', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  const seen = await record(world, 'selected', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    labelSelector: { matchLabels: { app: 'web' } },
    events: ['Added', 'Modified', 'Deleted', 'Left'],
  });
  await seen.ready();
  const labels = { app: 'web' };
  await writeConfigMap(client, 'foreign');
  await writeConfigMap(client, 'leaver', { labels });
  await seen.sees('leaver', ['added']);
  await writeConfigMap(client, 'leaver', { labels: { app: 'other' } });
  const [, left] = await seen.sees('leaver', ['added', 'left']);
  assert.deepEqual(left?.object.metadata.labels, { app: 'other' }, 'as it is now');
  await writeConfigMap(client, 'leaver', { labels });
  await seen.sees('leaver', ['added', 'left', 'added']);
  await deleteObject(client, configMap('leaver'));
  await seen.sees('leaver', ['added', 'left', 'added', 'deleted']);
  assert.deepEqual([...(await seen.calls()).keys()], ['leaver']);
});

test('a field selector is evaluated by the API server', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  const seen = await record(world, 'fields', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    fieldSelector: 'metadata.name=the-one',
  });
  await seen.ready();
  await writeConfigMap(client, 'another-one');
  await writeConfigMap(client, 'the-one');
  await seen.sees('the-one', ['added']);
  assert.equal((await seen.calls()).size, 1);
  const refused = await record(world, 'no-field', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    fieldSelector: 'data.a=1',
  });
  assert.match(await refused.troubled('Invalid'), /selectors.*data\.a/);
});

test('changed decides whether a modification is one, and previous holds its last value', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  const seen = await record(world, 'changing', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    fieldSelector: 'metadata.name=counted',
    changed: 'return { count = object.data and object.data.count }',
  });
  await seen.ready();
  await writeConfigMap(client, 'counted', { data: { count: '1' } });
  await seen.sees('counted', ['added']);
  await writeConfigMap(client, 'counted', { data: { count: '1', noise: 'x' } });
  await writeConfigMap(client, 'counted', { data: { count: '1', noise: 'y' } });
  await writeConfigMap(client, 'counted', { data: { count: '2', noise: 'y' } });
  const [, modified] = await seen.sees('counted', ['added', 'modified']);
  assert.deepEqual(modified?.previous, { count: '1' });
  assert.deepEqual(modified?.object['data'], { count: '2', noise: 'y' });
  await deleteObject(client, configMap('counted'));
  const [, , deleted] = await seen.sees('counted', ['added', 'modified', 'deleted']);
  assert.deepEqual(deleted?.previous, { count: '2' });
});

test('a filter turns states away, and a deletion is told if the last state had passed', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  const seen = await record(
    world,
    'filtered',
    { apiVersion: 'v1', kind: 'ConfigMap', labelSelector: { matchLabels: { test: 'filter' } } },
    { trigger: { filter: 'object.data and object.data.wanted == "yes"' } },
  );
  await seen.ready();
  const labels = { test: 'filter' };
  for (const name of ['kept', 'turned', 'never']) {
    await writeConfigMap(client, name, { labels, data: { wanted: name === 'never' ? 'no' : 'yes' } });
  }
  await seen.sees('kept', ['added']);
  await seen.sees('turned', ['added']);
  await writeConfigMap(client, 'turned', { labels, data: { wanted: 'no' } });
  for (const name of ['never', 'turned', 'kept']) await deleteObject(client, configMap(name));
  await seen.sees('kept', ['added', 'deleted']);
  await seen.sees('turned', ['added']);
  assert.equal((await seen.calls()).has('never'), false);
});

test('with initial Each, what is there at the start is added', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  const labels = { test: 'initial' };
  for (const name of ['one', 'two']) await writeConfigMap(client, name, { labels });
  const seen = await record(world, 'each', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    labelSelector: { matchLabels: labels },
    initial: 'Each',
  });
  await seen.sees('one', ['added']);
  await seen.sees('two', ['added']);
  await seen.ready();
});

test('debounce waits for quiet, and brings the last state once', { skip }, async () => {
  assert.ok(world);
  const { client } = world;
  const labels = { test: 'debounce' };
  const seen = await record(world, 'debounced', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    labelSelector: { matchLabels: labels },
    debounce: { wait: '2s', maxWait: '60s' },
  });
  await seen.ready();
  for (let count = 1; count <= 5; count += 1) {
    await writeConfigMap(client, 'busy', { labels, data: { count: String(count) } });
  }
  const calls = await eventually('the last state came', async () => {
    const all = (await seen.calls()).get('busy');
    return (all?.at(-1)?.object['data'] as { readonly count?: string } | undefined)?.count === '5' ? all : undefined;
  });
  assert.ok(calls.length < 5, 'states in between gave up their places');
  assert.equal(calls[0]?.name, 'added', 'it was never seen before');
});

test(
  'an object as large as the API server takes arrives whole, in its change and in its deletion',
  { skip },
  async () => {
    assert.ok(world);
    const { client, runtime } = world;
    const code = `return {
    web = function() return kv.get("sizes") or {} end,
    watched = function(event)
      local sizes = kv.get("sizes") or {}
      sizes[event.name] = #event.data.object.data.text
      kv.set("sizes", sizes)
    end,
  }`;
    const labelSelector = { matchLabels: { size: 'largest' } };
    const path = functionPath('team-a', 'largest');
    await apply(
      client,
      path,
      webhookFunction('largest', {
        code,
        serviceAccountName: 'hooks',
        triggers: [
          { name: 'web', http: { path: 'largest', receiver: { open: {} } } },
          {
            name: 'watched',
            kubernetes: {
              apiVersion: 'v1',
              kind: 'ConfigMap',
              labelSelector,
              events: ['Added', 'Modified', 'Deleted'],
            },
          },
        ],
      }),
    );
    await conditionStands(client, path, 'Ready=True/Ready');
    const sizes = (wanted: unknown): Promise<unknown> =>
      eventually(`the sizes are ${JSON.stringify(wanted)}`, async () => {
        const response = await fetch(`${runtime().publicUrl}/team-a/largest`);
        return isDeepStrictEqual(await response.json(), wanted);
      });
    const labels = { size: 'largest' };
    // A ConfigMap holds 1 MiB of data.
    const most = 1_048_576 - 'text'.length;
    await writeConfigMap(client, 'large', { labels, data: { text: 'x'.repeat(most - 1) } });
    await sizes({ added: most - 1 });
    await writeConfigMap(client, 'large', { labels, data: { text: 'y'.repeat(most) } });
    await sizes({ added: most - 1, modified: most });
    await deleteObject(client, configMap('large'));
    await sizes({ added: most - 1, modified: most, deleted: most });
  },
);

test('the example of the guide keeps its notes', { skip }, async () => {
  assert.ok(world && cluster);
  const { client } = world;
  const { kubectl } = cluster;
  const guide = readFencedBlocks(join(import.meta.dirname, '..', '..', 'docs', 'guide', 'cluster.md'));
  const rights = guide.find(({ text }) => text.includes('create role note-deployments'))?.text ?? '';
  for (const line of rights.trim().split('\n')) {
    const ran = await kubectl(line.split(' ').slice(1));
    assert.equal(ran.code, 0, ran.stderr);
  }
  const example = guide.find(({ text }) => text.includes('name: notes,'))?.text ?? '';
  const applied = await kubectl(['apply', '-f', '-'], example);
  assert.equal(applied.code, 0, applied.stderr);
  const path = '/apis/apps/v1/namespaces/team-a/deployments/shop';
  const deploy = (image: string, notes: string): Promise<KubeObject> => {
    const labels = { app: 'shop' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'shop', image }] } };
    return apply(client, path, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'shop', labels: { notes } },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    });
  };
  const noted = (text: string): Promise<unknown> =>
    eventually(
      `the note says ${text}`,
      async () => {
        type Noted = KubeObject & { readonly data?: Readonly<Record<string, string>> };
        const notes = bodyOf(await client.request<Noted>({ path: configMap('deployment-notes') }));
        return notes.data?.['shop'] === text;
      },
      () => world.runtime().log().slice(-2000),
    );
  await deploy('shop:1', 'true');
  await noted('shop:1');
  await deploy('shop:2', 'true');
  await noted('shop:2');
  await deploy('shop:2', 'false');
  await noted('gone');
  await deploy('shop:3', 'true');
  await noted('shop:3');
  await deleteObject(client, path);
  await noted('gone');
});
