/** Webhooks accepted over HTTP: signature checked, delivery id looked up among many, synced, on one core; load on another. */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendWebhooks, wrk, type Accepted } from './accept-load.ts';
import type { AcceptOrder } from './accept-server.ts';
import type { Measure, Suite } from './measure.ts';
import { quantile } from './measure.ts';
import { loadCore, pinToCore, serverCore } from './one-core.ts';
import { productFlags } from './product-flags.ts';
import type { ScheduledAnswers, ScheduledOrder } from './scheduled-load.ts';
import { databaseOfKeys } from './store-databases.ts';

const secret = 'a secret that is long enough';
const knownKeys = 20_000_000;
const rounds = 3;
const seconds = 4;
/** Of the steady part: offered whatever the answers do. */
const steady = { perSecond: 4000, connections: 256, seconds: 4 } as const;

export const suite: Suite = {
  name: 'Accepting: GitHub webhooks of 1 KiB over HTTP, SQLite in a file, the program on one core',
  async run(progress) {
    const name = 'webhooks accepted';
    if (!existsSync(wrk)) return [{ name, reason: 'wrk is not installed (Debian package wrk)' }];
    if (availableParallelism() < 2) return [{ name, reason: 'one core only: the load needs another' }];
    const folder = mkdtempSync(join(tmpdir(), 'bench-accept-'));
    try {
      const known = join(folder, 'known.db');
      copyFileSync(await databaseOfKeys(knownKeys, progress), known, constants.COPYFILE_FICLONE);
      // A gigabyte on its way to the disk slows every sync that is measured.
      spawnSync('sync');
      return [
        ...(await measure(join(folder, 'empty.db'), 'nothing known', 14_000, progress)),
        ...(await measure(known, `${knownKeys / 1e6} million ids known`, 10_000, progress)),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(
  path: string,
  what: string,
  goal: number,
  progress: (line: string) => void,
): Promise<readonly Measure[]> {
  const order = JSON.stringify({ path, secret } satisfies AcceptOrder);
  const server = fork(join(import.meta.dirname, 'accept-server.ts'), [order], { execArgv: [...productFlags()] });
  try {
    const { url } = await answerOf<{ readonly url: string }>(server);
    pinToCore(server.pid, serverCore);
    const send = (forSeconds: number, connections: number): Promise<Accepted> =>
      sendWebhooks({ url, secret, connections, seconds: forSeconds, core: loadCore });
    await send(2, 64);
    const fast: Accepted[] = [];
    const paced: ScheduledAnswers[] = [];
    for (let round = 0; round < rounds; round += 1) {
      fast.push(await send(seconds, 128));
      paced.push(await sendOnSchedule({ url, secret, ...steady }));
      progress(`${what}: ${Math.round(fast.at(-1)?.perSecond ?? 0)}/s`);
    }
    const median = <Each>(of: readonly Each[], pick: (each: Each) => number): number => quantile(of.map(pick), 0.5);
    const pacedAt = (fraction: number): number => median(paced, ({ took }) => quantile(took, fraction));
    const latest = median(paced, ({ latestMs }) => latestMs);
    return [
      {
        name: `accepted, ${what}`,
        value: median(fast, (each) => each.perSecond),
        unit: '/s',
        goal: { compare: '>=', value: goal },
        note: `128 connections, p99 ${median(fast, (each) => each.p99).toFixed(1)} ms; median of ${rounds} runs of ${seconds} s`,
      },
      {
        name: `p99 at ${steady.perSecond.toLocaleString('en-US')}/s offered, ${what}`,
        value: pacedAt(0.99),
        unit: 'ms',
        goal: { compare: '<=', value: 15 },
        note: `p50 ${pacedAt(0.5).toFixed(1)} ms, from the moment each was due; the sender was ${latest.toFixed(1)} ms late at most`,
      },
      {
        name: `failed requests, ${what}`,
        value: [...fast, ...paced].reduce((sum, { failed }) => sum + failed, 0),
        unit: '',
        goal: { compare: '<=', value: 0 },
      },
    ];
  } finally {
    if (server.connected) server.disconnect();
    if (server.exitCode === null) await once(server, 'exit');
  }
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
