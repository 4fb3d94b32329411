/** How long synchronous calls take while a million stored events wait, and while they drain: in turns, in processes of their own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { BacklogAnswer, BacklogOrder } from './backlog-server.ts';
import { type Measure, quantile } from './measure.ts';
import type { PacedOrder } from './paced-load.ts';
import { productFlags } from './product-flags.ts';

const waiting = 1_000_000;
const rounds = 4;
const count = 400;

export async function measureBesideBacklog(progress: (line: string) => void): Promise<Measure[]> {
  const server = fork(join(import.meta.dirname, 'backlog-server.ts'), { execArgv: [...productFlags()] });
  try {
    const { url } = (await answerOf(server)) as { readonly url: string };
    const ask = async (order: BacklogOrder): Promise<number> => {
      server.send(order);
      return ((await answerOf(server)) as { readonly done: number }).done;
    };
    await ask({ fill: waiting });
    progress(`${waiting.toLocaleString('en-US')} events wait`);
    const idle: number[] = [];
    const busy: number[] = [];
    let drained = 0;
    let took = 0;
    for (let round = 0; round < rounds; round += 1) {
      idle.push(...(await paced(url)));
      const before = await ask({ drains: true });
      const began = performance.now();
      busy.push(...(await paced(url)));
      const done = (await ask({ drains: false })) - before;
      took += performance.now() - began;
      drained += done;
      progress(`round ${round + 1}: ${done} events ran`);
    }
    const [idle99, busy99] = [quantile(idle, 0.99), quantile(busy, 0.99)];
    return [
      {
        name: 'synchronous p99 while a million events drain, against idle',
        value: busy99 / idle99,
        unit: '×',
        goal: { compare: '<=', value: 2 },
        note: `${idle99.toFixed(2)} ms idle, ${busy99.toFixed(2)} ms busy (p50 ${quantile(idle, 0.5).toFixed(2)}, ${quantile(busy, 0.5).toFixed(2)}); 100 requests a second from another process`,
      },
      {
        name: 'events that drain meanwhile',
        value: (drained / took) * 1000,
        unit: '/s',
        note: 'without synchronous calls they take all there is',
      },
    ];
  } finally {
    if (server.connected) server.send({ close: true } satisfies BacklogOrder);
    if (server.exitCode === null) await once(server, 'exit');
  }
}

async function paced(url: string): Promise<readonly number[]> {
  const order: PacedOrder = { url, count, everyMs: 10 };
  return (await answerOf(fork(join(import.meta.dirname, 'paced-load.ts'), [JSON.stringify(order)]))) as number[];
}

/** Rejects when the process ends without one. */
async function answerOf(child: ChildProcess): Promise<BacklogAnswer | readonly number[]> {
  const ended = new AbortController();
  const gone = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`the process ended with ${String(code)}`);
  });
  try {
    const [answer] = (await Promise.race([once(child, 'message', { signal: ended.signal }), gone])) as [never];
    return answer;
  } finally {
    ended.abort();
    gone.catch(() => undefined);
  }
}
