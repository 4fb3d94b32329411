/** Webhooks accepted over HTTP: signature checked, delivery id looked up, synced, on one core; load on another. */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendWebhooks, wrk, type Accepted } from './accept-load.ts';
import type { AcceptOrder } from './accept-server.ts';
import type { Measure, Unmeasured } from './measure.ts';
import { quantile } from './measure.ts';
import { loadCore, pinToCore, serverCore } from './one-core.ts';
import { productFlags } from './product-flags.ts';
import type { ScheduledAnswers, ScheduledOrder } from './scheduled-load.ts';
import { threadTimes } from './thread-time.ts';

export interface AcceptCase {
  /** `nothing known`. */
  readonly what: string;
  /** Accepted a second. */
  readonly goal: number;
  /** The database it begins with; a new one where there is none. */
  readonly database?: () => Promise<string>;
}

const secret = 'a secret that is long enough';
const rounds = 5;
const seconds = 4;
/** A sustained rate is meant: it takes V8 some ten seconds to compile what an accept uses. */
const warmUp = [
  { connections: 64, seconds: 3 },
  { connections: 128, seconds: 7 },
] as const;
/** Of the steady part: offered whatever the answers do. */
const steady = { perSecond: 4000, connections: 256, seconds: 3 } as const;
/** Of the bare server, in each round: it is there to tell swings of the machine from swings of the program. Short: the program does not rest meanwhile. */
const bareSeconds = 1;

interface Round {
  readonly fast: Accepted;
  /** Of all threads for one accept, in microseconds; undefined: the system does not say. */
  readonly cpuMicros: number | undefined;
  readonly paced: ScheduledAnswers;
  readonly bare: Accepted;
}

export async function measureAccepts(
  { what, goal, database }: AcceptCase,
  progress: (line: string) => void,
): Promise<readonly (Measure | Unmeasured)[]> {
  const name = `accepted, ${what}`;
  if (!existsSync(wrk)) return [{ name, reason: 'wrk is not installed (Debian package wrk)' }];
  if (availableParallelism() < 2) return [{ name, reason: 'one core only: the load needs another' }];
  const folder = mkdtempSync(join(tmpdir(), 'bench-accept-'));
  const children: ChildProcess[] = [];
  const start = async (script: string, order: unknown): Promise<Server> => {
    const child = fork(join(import.meta.dirname, script), [JSON.stringify(order)], { execArgv: [...productFlags()] });
    children.push(child);
    const { url } = await answerOf<{ readonly url: string }>(child);
    pinToCore(child.pid, serverCore);
    return { url, pid: child.pid };
  };
  try {
    const path = join(folder, 'store.db');
    if (database !== undefined) {
      copyFileSync(await database(), path, constants.COPYFILE_FICLONE);
      // A gigabyte on its way to the disk slows every sync that is measured.
      spawnSync('sync');
    }
    const ours = await start('accept-server.ts', { path, secret } satisfies AcceptOrder);
    const bare = await start('accept-bare-server.ts', {});
    return report(what, goal, await runRounds(ours, bare, (line) => progress(`${what}: ${line}`)));
  } finally {
    for (const child of children) {
      if (child.connected) child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Server {
  readonly url: string;
  readonly pid: number | undefined;
}

async function runRounds(ours: Server, bare: Server, progress: (line: string) => void): Promise<readonly Round[]> {
  const send = (url: string, forSeconds: number, connections = 128): Promise<Accepted> =>
    sendWebhooks({ url, secret, connections, seconds: forSeconds, core: loadCore });
  await send(bare.url, 3 * bareSeconds);
  for (const each of warmUp) await send(ours.url, each.seconds, each.connections);
  const done: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await threadTimes(ours.pid);
    const fast = await send(ours.url, seconds);
    const cpuMicros = spent(before, await threadTimes(ours.pid), fast.perSecond * seconds);
    const paced = await sendOnSchedule({ url: ours.url, secret, ...steady });
    const yardstick = await send(bare.url, bareSeconds);
    done.push({ fast, cpuMicros, paced, bare: yardstick });
    const cpu = cpuMicros === undefined ? '' : `, ${cpuMicros.toFixed(0)} µs of CPU each`;
    progress(`${Math.round(fast.perSecond)}/s${cpu}; bare ${Math.round(yardstick.perSecond)}/s`);
  }
  return done;
}

function report(what: string, goal: number, done: readonly Round[]): readonly Measure[] {
  const median = (pick: (round: Round) => number): number => quantile(done.map(pick), 0.5);
  const pacedAt = (fraction: number): number => median(({ paced }) => quantile(paced.took, fraction));
  const cpu = median(({ cpuMicros }) => cpuMicros ?? Number.NaN);
  return [
    {
      name: `accepted, ${what}`,
      value: median(({ fast }) => fast.perSecond),
      unit: '/s',
      goal: { compare: '>=', value: goal },
      note: `128 connections, p99 ${median(({ fast }) => fast.p99).toFixed(1)} ms${Number.isNaN(cpu) ? '' : `, ${cpu.toFixed(1)} µs of CPU each`}; median of ${rounds} runs of ${seconds} s`,
    },
    {
      name: `p99 at ${steady.perSecond.toLocaleString('en-US')}/s offered, ${what}`,
      value: pacedAt(0.99),
      unit: 'ms',
      goal: { compare: '<=', value: 15 },
      note: `p50 ${pacedAt(0.5).toFixed(1)} ms, from the moment each was due; the sender was ${median(({ paced }) => paced.latestMs).toFixed(1)} ms late at most`,
    },
    {
      name: 'the same webhooks at a bare server of Node',
      value: median(({ bare }) => bare.perSecond),
      unit: '/s',
      note: `answers 202 and does nothing else, same core, in the same rounds: ${done.map(({ bare }) => Math.round(bare.perSecond)).join(', ')}; what the machine gives just now`,
    },
    {
      name: `failed requests, ${what}`,
      value: done.reduce((sum, { fast, paced }) => sum + fast.failed + paced.failed, 0),
      unit: '',
      goal: { compare: '<=', value: 0 },
    },
  ];
}

function spent(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  requests: number,
): number | undefined {
  if (before.size === 0) return undefined;
  let nanos = 0;
  for (const [thread, time] of after) nanos += time - (before.get(thread) ?? 0);
  return nanos / 1000 / requests;
}

async function sendOnSchedule(order: ScheduledOrder): Promise<ScheduledAnswers> {
  const sender = fork(join(import.meta.dirname, 'scheduled-load.ts'), [JSON.stringify(order)]);
  pinToCore(sender.pid, loadCore);
  return await answerOf<ScheduledAnswers>(sender);
}

/** The first message; rejects when the process ends without one. */
async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the process ended with ${String(code)}`);
  });
  const [answer] = (await Promise.race([once(child, 'message'), gone])) as [Answer];
  gone.catch(() => undefined);
  return answer;
}
