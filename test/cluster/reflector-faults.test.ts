import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chanceFrom } from '../kube/object-oracle.ts';
import { createClock } from '../../src/controller/clock.ts';
import type { KubeClient } from '../../src/controller/kube-client.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { listPages } from '../../src/controller/list-pages.ts';
import { reflectorTiming, startReflector, type Reflector } from '../../src/controller/reflector.ts';
import { eventually } from '../builders/eventually.ts';
import { startFaultProxy } from '../kube/fault-proxy.ts';
import { bodyOf, clientOf, useCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster({ crds: false });
const path = '/api/v1/namespaces/default/configmaps';
const timing = {
  ...reflectorTiming,
  backOff: { leastMs: 10, mostMs: 50 },
  stallMs: { least: 2_000, most: 2_500 },
  watchMs: { least: 2_000, most: 4_000 },
};

interface Recorder {
  readonly reflector: Reflector<KubeObject>;
  /** What was told, applied one after the other. */
  readonly told: Map<string, KubeObject>;
  /** Versions told of each object, in order. */
  readonly history: Map<string, string[]>;
  readonly restarts: Record<string, number>;
  readonly wrong: string[];
  drift: number;
  changes: number;
}

function record(client: KubeClient, relistMs: number): Recorder {
  const told = new Map<string, KubeObject>();
  const history = new Map<string, string[]>();
  const wrong: string[] = [];
  const restarts: Record<string, number> = {};
  const counts = { drift: 0, changes: 0 };
  const reflector = startReflector<KubeObject>({
    client,
    collection: { path },
    keep: (object) => object,
    clock: createClock(),
    timing: { ...timing, relistMs },
    listener: {
      onChanges: (changes) => {
        for (const { kind, object } of changes) {
          const { uid, resourceVersion } = object.metadata;
          counts.changes += 1;
          if (kind === 'delete' && !told.delete(uid)) wrong.push(`delete of ${uid}, which was never told`);
          if (kind === 'set') told.set(uid, object);
          history.set(uid, [...(history.get(uid) ?? []), resourceVersion]);
        }
      },
      onSynced: () => undefined,
      onRestart: (reason) => void (restarts[reason] = (restarts[reason] ?? 0) + 1),
      onDrift: (objects) => void (counts.drift += objects),
      onFault: (error) => void wrong.push(String(error)),
    },
  });
  after(() => reflector.stop());
  return Object.assign(counts, { reflector, told, history, restarts, wrong });
}

const shown = (objects: ReadonlyMap<string, KubeObject>): string =>
  [...objects]
    .map(([uid, { metadata }]) => `${uid} ${metadata.resourceVersion}`)
    .sort()
    .join('\n');

async function agrees(recorder: Recorder): Promise<void> {
  assert.ok(cluster);
  const listed = await listPages<KubeObject>(cluster.client, { path }, { keep: (object) => object });
  assert.ok(listed.ok);
  await eventually(
    'what was told is what the API server has',
    () => shown(recorder.told) === shown(listed.objects) && shown(recorder.reflector.objects) === shown(listed.objects),
    () => recorder.restarts,
  );
  assert.deepEqual(recorder.wrong, []);
}

async function write(name: string, value: string | undefined): Promise<boolean> {
  assert.ok(cluster);
  const own = `${path}/${name}`;
  if (value === undefined) return (await cluster.client.request({ method: 'DELETE', path: own })).ok;
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } };
  const query = { fieldManager: 'test', force: true };
  const contentType = 'application/apply-patch+yaml';
  return (await cluster.client.request({ method: 'PATCH', path: own, query, body, contentType })).ok;
}

test(
  'objects written at random while everything fails are known in the end, deletions included, in order',
  { skip },
  async (t) => {
    assert.ok(cluster);
    const proxy = await startFaultProxy(cluster.plane);
    const through = clientOf(proxy.kubeconfig);
    after(async () => {
      await through.close();
      await proxy.stop();
    });
    const recorder = record(through, 1_500);
    const random = chanceFrom(20_260_101);
    const gone = { kind: 'Status', reason: 'Expired', code: 410, message: 'too old' };
    const faults: readonly (() => void | Promise<void>)[] = [
      () => proxy.cutWatches(),
      () => proxy.cutInNextLine(),
      () => proxy.answerNext(1, /watch=true/, { status: 410, body: JSON.stringify(gone) }),
      () => proxy.answerNext(1, /configmaps/, { status: 429, body: '' }),
      () => proxy.answerNext(1, /configmaps/, { status: 500, body: 'broken' }),
      () => proxy.answerNext(1, /limit=500/, { status: 200, body: '{"items":[]' }),
      async () => {
        proxy.silence(true);
        await sleep(100);
        proxy.silence(false);
        // What passed meanwhile is lost on those watches for good.
        proxy.cutWatches();
      },
      async () => {
        proxy.refuse(true);
        await sleep(50);
        proxy.refuse(false);
      },
    ];
    let writes = 0;
    let injected = 0;
    for (let round = 0; round < 120; round += 1) {
      for (let index = 0; index < 5; index += 1) {
        const name = `m${Math.floor(random() * 20)}`;
        if (await write(name, random() < 0.3 ? undefined : String(random()))) writes += 1;
      }
      if (random() < 0.4) {
        injected += 1;
        await faults[Math.floor(random() * faults.length)]?.();
      }
    }
    await agrees(recorder);
    // Versions of one object never go back.
    for (const [uid, versions] of recorder.history) {
      for (let index = 1; index < versions.length; index += 1) {
        assert.ok(BigInt(versions[index] ?? 0) >= BigInt(versions[index - 1] ?? 0), uid);
      }
    }
    assert.equal(recorder.drift, 0);
    assert.ok(recorder.changes > 100 && injected > 20);
    t.diagnostic(
      `${writes} writes, ${injected} faults, ${recorder.changes} changes told, restarts ${JSON.stringify(recorder.restarts)}`,
    );
    await recorder.reflector.stop();
  },
);

test('a killed API server, and one that hangs, cost nothing but time', { skip }, async () => {
  assert.ok(cluster);
  const recorder = record(cluster.client, 3_600_000);
  await write('killed', '1');
  await agrees(recorder);
  await cluster.plane.apiServer.restart('SIGKILL');
  await write('killed', '2');
  await agrees(recorder);
  cluster.plane.apiServer.signal('SIGSTOP');
  await eventually('the silence is noticed', () => (recorder.restarts['stalled'] ?? 0) > 0);
  cluster.plane.apiServer.signal('SIGCONT');
  await write('killed', undefined);
  await agrees(recorder);
  await recorder.reflector.stop();
});

test('history that was rewound by a restore of etcd is noticed, and the older state taken', { skip }, async () => {
  assert.ok(cluster);
  const recorder = record(cluster.client, 3_600_000);
  const { plane } = cluster;
  const snapshot = join(plane.folder, 'snapshot');
  await write('kept', 'before the snapshot');
  await plane.whileStopped((data) => cpSync(data, snapshot, { recursive: true }));
  await write('kept', 'after the snapshot');
  for (let count = 0; count < 20; count += 1) await write(`lost-${count}`, 'x');
  await agrees(recorder);
  const newest = [...recorder.told.values()].reduce(
    (most, { metadata }) => Math.max(most, Number(metadata.resourceVersion)),
    0,
  );
  await plane.whileStopped((data) => {
    rmSync(data, { recursive: true });
    cpSync(snapshot, data, { recursive: true });
  });
  const now: { readonly metadata: { readonly resourceVersion: string } } = bodyOf(
    await cluster.client.request<KubeObject>({ path: `${path}?limit=1` }),
  );
  assert.ok(Number(now.metadata.resourceVersion) < newest, 'the control: history is older than what was told');
  await agrees(recorder);
  assert.ok((recorder.restarts['rewound'] ?? 0) > 0, JSON.stringify(recorder.restarts));
  assert.equal([...recorder.told.values()].filter(({ metadata }) => metadata.name.startsWith('lost-')).length, 0);
  await write('kept', 'after the restore');
  await agrees(recorder);
});
