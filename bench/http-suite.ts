/** Requests a second through one worker, against a bare Fastify route with the same answer, and against peers that are here. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { quantile, type Measure, type Suite, type Unmeasured } from './measure.ts';
import { loadCore, pinToCore, serverCore } from './one-core.ts';
import { startPeers } from './http-peers.ts';
import { productFlags } from './product-flags.ts';
import { busiest, threadTimes } from './thread-time.ts';

/** Many short ones: a moment in which the machine is slow spoils one pair and not a fifth of them. */
const rounds = 12;
const seconds = 1;
/** Peers are several times faster or slower: fewer pairs say it. */
const peerRounds = 4;

interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p99: number;
  readonly failed: number;
  /** Microseconds of the thread that served, a request; undefined: nobody knows, or it is another process. */
  readonly cpu?: number | undefined;
}

interface Target {
  readonly name: string;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly body?: string;
}

async function load(target: Target, server: number | undefined): Promise<Load> {
  const before = await threadTimes(server);
  const child = fork(join(import.meta.dirname, 'http-load.ts'), [JSON.stringify({ ...target, seconds })]);
  pinToCore(child.pid, loadCore);
  const [result] = (await once(child, 'message')) as [Load];
  const used = busiest(before, await threadTimes(server));
  if (child.exitCode === null) await once(child, 'exit');
  return { ...result, cpu: used === undefined ? undefined : used / 1000 / result.requests };
}

async function startServer(workers: number): Promise<{ child: ChildProcess; bare: string; ours: string }> {
  // As bin/moonhook starts it; both sides run in this process.
  const execArgv = [...process.execArgv, ...productFlags()];
  const child = fork(join(import.meta.dirname, 'http-server.ts'), [String(workers)], { execArgv });
  const [addresses] = (await once(child, 'message')) as [{ bare: string; ours: string }];
  pinToCore(child.pid, serverCore);
  return { child, ...addresses };
}

/** All targets once per round, so that a slow moment of the machine hits all of them; every other round begins at the other end. */
async function interleave(
  targets: readonly Target[],
  times: number,
  server: number | undefined,
  progress: (line: string) => void,
): Promise<ReadonlyMap<string, readonly Load[]>> {
  const results = new Map<string, Load[]>(targets.map(({ name }) => [name, []]));
  for (const target of targets) await load(target, server);
  for (let round = 0; round < times; round += 1) {
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
      const result = await load(target, server);
      results.get(target.name)?.push(result);
      progress(`${target.name}: ${Math.round(result.perSecond)} requests/s, ${result.failed} failed`);
    }
  }
  return results;
}

const median = (loads: readonly Load[] | undefined, pick: (load: Load) => number): number =>
  quantile((loads ?? []).map(pick), 0.5);

export const suite: Suite = {
  name: 'HTTP, one core each, one worker, 32 keep-alive connections',
  async run(progress) {
    const { child, bare, ours } = await startServer(1);
    const peers = await startPeers(progress);
    try {
      const body = JSON.stringify({ name: 'world', items: [1, 2, 3] });
      const hello: Target = { name: 'moonhook', url: `${ours}/default/hello`, method: 'GET' };
      const pairs: Target[] = [
        { name: 'bare Fastify', url: `${bare}/default/hello`, method: 'GET' },
        hello,
        { name: 'bare Fastify, JSON body', url: `${bare}/default/echo`, method: 'POST', body },
        { name: 'moonhook, JSON body', url: `${ours}/default/echo`, method: 'POST', body },
      ];
      const results = await interleave(pairs, rounds, child.pid, progress);
      const others = peers.running.map(({ name, url }): Target => ({ name, url, method: 'GET' }));
      const besides =
        others.length === 0 ? results : await interleave([hello, ...others], peerRounds, child.pid, progress);
      return [...measures(results), ...peerMeasures(besides, peers.running), ...peers.missing];
    } finally {
      child.disconnect();
      await Promise.all(peers.running.map((peer) => peer.stop()));
    }
  },
};

function measures(results: ReadonlyMap<string, readonly Load[]>): (Measure | Unmeasured)[] {
  const rate = (name: string): number => median(results.get(name), (each) => each.perSecond);
  const failed = [...results.values()].flat().reduce((sum, each) => sum + each.failed, 0);
  const bare = rate('bare Fastify');
  const ours = rate('moonhook');
  const ratios = pairwise(results.get('moonhook'), results.get('bare Fastify'));
  const bodies = pairwise(results.get('moonhook, JSON body'), results.get('bare Fastify, JSON body'));
  return [
    {
      name: 'bare Fastify route',
      value: bare,
      unit: '/s',
      note: `median of ${rounds} runs of ${seconds} s, all in turns`,
    },
    { name: 'moonhook, sync call', value: ours, unit: '/s', note: 'path and one of ten headers read in Lua' },
    {
      name: 'moonhook against bare Fastify',
      value: quantile(ratios, 0.5),
      unit: '×',
      goal: { compare: '>=', value: 0.8 },
      note: `median of the pairs, ${spread(ratios)}; accepted 0.75`,
    },
    byProcessorTime('moonhook against bare Fastify', results.get('moonhook'), results.get('bare Fastify')),
    {
      name: 'the same with a JSON body',
      value: quantile(bodies, 0.5),
      unit: '×',
      note: `median of the pairs, ${spread(bodies)}; Fastify parses without a schema`,
    },
    byProcessorTime(
      'the same with a JSON body',
      results.get('moonhook, JSON body'),
      results.get('bare Fastify, JSON body'),
    ),
    {
      name: 'moonhook, p99 of a request',
      value: median(results.get('moonhook'), (each) => each.p99),
      unit: 'ms',
      note: `bare Fastify ${median(results.get('bare Fastify'), (each) => each.p99)} ms`,
    },
    { name: 'failed requests', value: failed, unit: '', goal: { compare: '<=', value: 0 } },
  ];
}

const spread = (ratios: readonly number[]): string =>
  `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;

/** What the rate would be if nothing else ran: requests a second also say what else the core had to do. */
function byProcessorTime(name: string, ours: readonly Load[] = [], others: readonly Load[] = []): Measure | Unmeasured {
  const full = `${name}, by processor time of the thread`;
  const pairs = ours.flatMap(({ cpu }, index) => {
    const other = others[index]?.cpu;
    return cpu === undefined || other === undefined ? [] : [{ cpu, other }];
  });
  if (pairs.length === 0) return { name: full, reason: 'no /proc on this platform' };
  const ratios = pairs.map(({ cpu, other }) => other / cpu);
  const micros = (samples: readonly number[]): string => quantile(samples, 0.5).toFixed(1);
  return {
    name: full,
    value: quantile(ratios, 0.5),
    unit: '×',
    note: `${spread(ratios)}; a request ${micros(pairs.map(({ cpu }) => cpu))} µs, bare ${micros(pairs.map(({ other }) => other))} µs`,
  };
}

/** Ratios of runs that were neighbours in time. */
function pairwise(ours: readonly Load[] = [], others: readonly Load[] = []): number[] {
  return ours.map((each, index) => each.perSecond / (others[index]?.perSecond ?? Number.NaN));
}

function peerMeasures(
  results: ReadonlyMap<string, readonly Load[]>,
  peers: readonly { readonly name: string; readonly goal: number; readonly note: string }[],
): (Measure | Unmeasured)[] {
  return peers.map(({ name, goal, note }) => ({
    name: `moonhook against ${name}`,
    value: quantile(pairwise(results.get('moonhook'), results.get(name)), 0.5),
    unit: '×',
    goal: { compare: '>=', value: goal },
    note,
  }));
}
