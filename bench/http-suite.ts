/** Requests a second through one worker, against a bare Fastify route with the same answer, and against peers that are here. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { quantile, type Measure, type Suite, type Unmeasured } from './measure.ts';
import { loadCore, pinToCore, serverCore } from './one-core.ts';
import { startPeers } from './http-peers.ts';
import { productFlags } from './product-flags.ts';

const rounds = 5;
const seconds = 2;

interface Load {
  readonly perSecond: number;
  readonly p99: number;
  readonly failed: number;
}

interface Target {
  readonly name: string;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly body?: string;
}

async function load(target: Target, forSeconds = seconds): Promise<Load> {
  const child = fork(join(import.meta.dirname, 'http-load.ts'), [JSON.stringify({ ...target, seconds: forSeconds })]);
  pinToCore(child.pid, loadCore);
  const [result] = (await once(child, 'message')) as [Load];
  if (child.exitCode === null) await once(child, 'exit');
  return result;
}

async function startServer(workers: number): Promise<{ child: ChildProcess; bare: string; ours: string }> {
  // As bin/moonhook starts it; both sides run in this process.
  const execArgv = [...process.execArgv, ...productFlags()];
  const child = fork(join(import.meta.dirname, 'http-server.ts'), [String(workers)], { execArgv });
  const [addresses] = (await once(child, 'message')) as [{ bare: string; ours: string }];
  pinToCore(child.pid, serverCore);
  return { child, ...addresses };
}

/** All targets once per round, so that a slow moment of the machine hits all of them. */
async function interleave(
  targets: readonly Target[],
  progress: (line: string) => void,
): Promise<ReadonlyMap<string, readonly Load[]>> {
  const results = new Map<string, Load[]>(targets.map(({ name }) => [name, []]));
  for (const target of targets) await load(target, 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const target of targets) {
      const result = await load(target);
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
      const targets: Target[] = [
        { name: 'bare Fastify', url: `${bare}/default/hello`, method: 'GET' },
        { name: 'moonhook', url: `${ours}/default/hello`, method: 'GET' },
        { name: 'bare Fastify, JSON body', url: `${bare}/default/echo`, method: 'POST', body },
        { name: 'moonhook, JSON body', url: `${ours}/default/echo`, method: 'POST', body },
        ...peers.running.map(({ name, url }): Target => ({ name, url, method: 'GET' })),
      ];
      const results = await interleave(targets, progress);
      return [...measures(results), ...peerMeasures(results, peers.running), ...peers.missing];
    } finally {
      child.disconnect();
      await Promise.all(peers.running.map((peer) => peer.stop()));
    }
  },
};

function measures(results: ReadonlyMap<string, readonly Load[]>): Measure[] {
  const rate = (name: string): number => median(results.get(name), (each) => each.perSecond);
  const failed = [...results.values()].flat().reduce((sum, each) => sum + each.failed, 0);
  const bare = rate('bare Fastify');
  const ours = rate('moonhook');
  const ratios = pairwise(results.get('moonhook'), results.get('bare Fastify'));
  const bodies = pairwise(results.get('moonhook, JSON body'), results.get('bare Fastify, JSON body'));
  return [
    { name: 'bare Fastify route', value: bare, unit: '/s', note: `median of ${rounds} runs of ${seconds} s` },
    { name: 'moonhook, sync call', value: ours, unit: '/s', note: 'path and one of ten headers read in Lua' },
    {
      name: 'moonhook against bare Fastify',
      value: quantile(ratios, 0.5),
      unit: '×',
      goal: { compare: '>=', value: 0.8 },
      note: `runs ${ratios.map((each) => each.toFixed(2)).join(' ')}; accepted 0.75`,
    },
    {
      name: 'the same with a JSON body',
      value: quantile(bodies, 0.5),
      unit: '×',
      note: `runs ${bodies.map((each) => each.toFixed(2)).join(' ')}; Fastify parses without a schema`,
    },
    {
      name: 'moonhook, p99 of a request',
      value: median(results.get('moonhook'), (each) => each.p99),
      unit: 'ms',
      note: `bare Fastify ${median(results.get('bare Fastify'), (each) => each.p99)} ms`,
    },
    { name: 'failed requests', value: failed, unit: '', goal: { compare: '<=', value: 0 } },
  ];
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
