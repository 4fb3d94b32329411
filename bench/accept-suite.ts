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
import { databaseOfKeys } from './store-databases.ts';

const secret = 'a secret that is long enough';
const knownKeys = 20_000_000;
const rounds = 3;
const seconds = 4;

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
    const url = await addressOf(server);
    pinToCore(server.pid, serverCore);
    const send = (connections: number, pauseMs: number, forSeconds = seconds): Promise<Accepted> =>
      sendWebhooks({ url, secret, connections, pauseMs, seconds: forSeconds, core: loadCore });
    await send(64, 0, 2);
    const fast: Accepted[] = [];
    const paced: Accepted[] = [];
    for (let round = 0; round < rounds; round += 1) {
      fast.push(await send(128, 0));
      // 32 connections that each wait 7 ms and about one for the answer.
      paced.push(await send(32, 7));
      progress(`${what}: ${Math.round(fast.at(-1)?.perSecond ?? 0)}/s`);
    }
    const median = (of: readonly Accepted[], pick: (each: Accepted) => number): number => quantile(of.map(pick), 0.5);
    const rate = Math.round(median(paced, (each) => each.perSecond));
    return [
      {
        name: `accepted, ${what}`,
        value: median(fast, (each) => each.perSecond),
        unit: '/s',
        goal: { compare: '>=', value: goal },
        note: `128 connections, p99 ${median(fast, (each) => each.p99).toFixed(1)} ms; median of ${rounds} runs of ${seconds} s`,
      },
      {
        name: `p99 at a steady rate, ${what}`,
        value: median(paced, (each) => each.p99),
        unit: 'ms',
        goal: { compare: '<=', value: 15 },
        note: `${rate}/s from 32 connections`,
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

async function addressOf(server: ChildProcess): Promise<string> {
  const gone = once(server, 'exit').then(([code]) => {
    throw new Error(`the server ended with ${String(code)}`);
  });
  const [answer] = (await Promise.race([once(server, 'message'), gone])) as [{ readonly url: string }];
  gone.catch(() => undefined);
  return answer.url;
}
