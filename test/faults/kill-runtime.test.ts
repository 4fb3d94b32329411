/** kill -9 of a whole runtime under load, at random times and at named points: the promise as seen from outside. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import { checkInvariants, drained } from './check-invariants.ts';
import { randomFrom, seed, times } from './extent.ts';
import { startRecorder, type Recorder } from './recorder.ts';
import { straceIsHere } from './recording.ts';
import { type CrashPoint, ended, type FaultyRuntime, startRuntime } from './start-runtime.ts';

const senders = 6;

/** Runs until everything has ended, then compares; the store has one owner at a time. */
async function finish(t: TestContext, settings: FaultyRuntime, recorder: Recorder, told: string): Promise<void> {
  assert.ok('path' in settings.store);
  recorder.misbehave(0);
  const runtime = await startRuntime(settings);
  t.after(() => runtime.kill());
  await recorder.sendRest(runtime.url);
  const until = performance.now() + 120_000;
  while (performance.now() < until && !(await isIdle(runtime.admin))) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await runtime.kill();
  const opened = await openStore({ path: settings.store.path, onLost: (error) => assert.fail(error) });
  try {
    const store = opened.connect();
    await drained(store, 1000);
    t.diagnostic(`${told}: ${await checkInvariants(store, recorder)}`);
  } finally {
    await opened.close();
  }
}

async function isIdle(admin: string): Promise<boolean> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const values = text.split('\n').filter((line) => /^moonhook_deliveries\{.*state="(waiting|held|leased)"/.test(line));
  return values.length > 0 && values.every((line) => line.endsWith(' 0'));
}

/** Kills after so many more answers: whatever the machine is busy with, there was load. */
async function killUnderLoad(recorder: Recorder, settings: FaultyRuntime, answers: number, delayMs: number) {
  const runtime = await startRuntime(settings);
  const stop = new AbortController();
  const answered = (): number => recorder.counts.accepted + recorder.counts.duplicates;
  const enough = answered() + answers;
  const looking = setInterval(() => {
    if (answered() < enough) return;
    clearInterval(looking);
    setTimeout(() => runtime.child.kill('SIGKILL'), delayMs);
  }, 5);
  const sending = Array.from({ length: senders }, () => recorder.send(runtime.url, stop.signal));
  await ended(runtime.child);
  clearInterval(looking);
  stop.abort();
  await Promise.all(sending);
}

async function endByItself(recorder: Recorder, settings: FaultyRuntime, wrapper: readonly string[] = []) {
  const runtime = await startRuntime(settings, wrapper);
  const stop = new AbortController();
  const sending = Array.from({ length: senders }, () => recorder.send(runtime.url, stop.signal));
  await ended(runtime.child);
  stop.abort();
  await Promise.all(sending);
}

const points: readonly CrashPoint[] = [
  'after sync before 202',
  'after lease',
  'after delivery before settle',
  'after settle',
];

test('kill -9 at random times and at every named point, with receivers that misbehave', async (t) => {
  const strace = straceIsHere();
  if (!strace && process.env['CI'] === 'true') assert.fail('strace is not installed (Debian: apt-get install strace)');
  const random = randomFrom(seed);
  const recorder = await startRecorder(random);
  t.after(() => recorder.close());
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-faults-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const settings = { store: { path: join(folder, 'store.db') }, recorder: recorder.url };
  const kills = new Map<string, number>();
  const rounds = times(1, 20);
  for (let round = 0; round < rounds; round++) {
    recorder.misbehave(0.25);
    for (let kill = 0; kill < times(1, 6); kill++) {
      const name = `random ${round}.${kill}`;
      await killUnderLoad(recorder, { ...settings, name }, 5 + Math.floor(random() * 40), random() * 50);
      kills.set('at random', (kills.get('at random') ?? 0) + 1);
    }
    for (const point of points) {
      const crash = { point, after: 5 + Math.floor(random() * 40) };
      await endByItself(recorder, { ...settings, name: `${point} ${round}`, crash });
      kills.set(point, (kills.get(point) ?? 0) + 1);
    }
    if (strace) {
      // The n-th sync of the thread that owns the store ends the process in its place.
      const inject = `inject=fsync,fdatasync:signal=KILL:when=${10 + Math.floor(random() * 40)}`;
      const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', inject];
      await endByItself(recorder, { ...settings, name: `sync ${round}` }, wrapper);
      kills.set('after write before sync', (kills.get('after write before sync') ?? 0) + 1);
    }
    if (round % 5 !== 4 && round !== rounds - 1) continue;
    const told = [...kills].map(([point, count]) => `${count} ${point}`).join(', ');
    await finish(t, { ...settings, name: `check ${round}` }, recorder, `seed ${seed}, kills ${told}`);
  }
  const total = [...kills.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(recorder.counts.accepted > 5 * total, 'the load was too small to show anything');
});

const poisons = times(0, 3);
test(
  'calls that kill their process again and again are given up, and take nobody with them',
  { skip: poisons === 0 && 'in the long run; its short form is poison.test.ts' },
  async (t) => {
    const random = randomFrom(seed);
    const recorder = await startRecorder(random, 0);
    t.after(() => recorder.close());
    const folder = await mkdtemp(join(tmpdir(), 'moonhook-poison-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'store.db');
    const settings = { store: { path }, recorder: recorder.url, poison: 'poison' };
    let deaths = 0;
    let sent = false;
    const began = performance.now();
    for (let idle = false; !idle && performance.now() - began < 600_000;) {
      const runtime = await startRuntime({ ...settings, name: `run ${deaths}` });
      const death = ended(runtime.child);
      const gone = (): boolean => runtime.child.signalCode !== null;
      if (!sent) {
        const stop = new AbortController();
        const innocents = Array.from({ length: senders }, () => recorder.send(runtime.url, stop.signal));
        while (recorder.counts.accepted < 30) await new Promise((resolve) => setTimeout(resolve, 10));
        for (let poison = 0; poison < poisons; poison++) await recorder.sendAs(runtime.url, `poison ${poison}`);
        sent = true;
        await death;
        stop.abort();
        await Promise.all(innocents);
      } else await recorder.sendRest(runtime.url);
      while (!gone() && !idle) {
        idle = await isIdle(runtime.admin).catch(() => false);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (gone()) deaths++;
      await runtime.kill();
    }
    const opened = await openStore({ path, onLost: (error) => assert.fail(error) });
    t.after(() => opened.close());
    const store = opened.connect();
    await drained(store, 1000);
    const dead = await store.read({ namespaceUid: 'ns-default', states: ['dead'] }, { limit: 1000 });
    assert.deepEqual(
      dead.map(({ reason }) => reason),
      Array.from({ length: poisons }, () => 'RuntimeLost'),
      'only what kills dies',
    );
    t.diagnostic(`${poisons} killers, ${deaths} deaths: ${await checkInvariants(store, recorder)}`);
  },
);
