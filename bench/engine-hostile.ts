/** The engine's benchmark: scripts that run away beside short calls, and right answers right after hostile ones. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { hostileBodies, readingAnswer, type MeasuredEngine } from './engine-programs.ts';
import { quantile, type Measure } from './measure.ts';

const hostileMs = 8000;
const besideMs = 3000;

const atMost = (value: number) => ({ compare: '<=' as const, value });

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** How far past its limit a script gets, and what short calls beside such scripts feel. Needs `reading` loaded. */
export async function runaways({ load, call }: MeasuredEngine): Promise<Measure[]> {
  const over: number[] = [];
  for (const [index, body] of hostileBodies.slice(0, 2).entries()) {
    await load(`runaway-${index}`, `return function() ${body} end`, { cpuMs: 200 });
    for (let round = 0; round < 5; round += 1) {
      const before = threadCpuMs();
      await call(`runaway-${index}`);
      // The first call is run twice: in one piece, then in slices.
      if (round > 0) over.push(threadCpuMs() - before - 200);
    }
  }
  const late = async (): Promise<number[]> => {
    const samples: number[] = [];
    const end = performance.now() + besideMs;
    while (performance.now() < end) {
      const due = performance.now() + 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
      await call('reading');
      samples.push(performance.now() - due);
    }
    return samples;
  };
  const alone = await late();
  const stop = new AbortController();
  const endless = Array.from({ length: 4 }, async () => {
    while (!stop.signal.aborted) await call('runaway-0', { signal: stop.signal });
  });
  const beside = await late();
  stop.abort();
  await Promise.all(endless);
  const p99 = (samples: readonly number[]): number => quantile(samples, 0.99);
  return [
    {
      name: 'runaway script: CPU beyond its limit of 200 ms, worst',
      value: Math.max(...over),
      unit: 'ms',
      goal: atMost(20),
      note: `n = ${over.length}; CPU time of the thread, which moves in steps of 4 ms`,
    },
    {
      name: 'a short call each millisecond beside 4 endless ones: rise of p99',
      value: p99(beside) - p99(alone),
      unit: 'ms',
      goal: atMost(5),
      note: `p99 alone ${p99(alone).toFixed(2)}, beside ${p99(beside).toFixed(2)} ms, n = ${beside.length}`,
    },
  ];
}

/**
 * Resident MiB without V8's young generation, which grows in steps of 8 to 24 MiB as it likes (`new_space`), whatever is
 * held: over 14 rounds of hostile calls heap in use, memory outside it and machines stood still while one such step came.
 */
function residentMegabytes(): number {
  const young = getHeapSpaceStatistics().filter(({ space_name: name }) => name.startsWith('new_'));
  const youngBytes = young.reduce((sum, space) => sum + space.physical_space_size, 0);
  return (process.memoryUsage.rss() - youngBytes) / 1024 / 1024;
}

/** A good call after each hostile one, for some seconds. */
export async function hostilePairs({ load, call }: MeasuredEngine): Promise<Measure[]> {
  for (const [index, body] of hostileBodies.entries())
    await load(`hostile-${index}`, `return function() ${body} end`, { cpuMs: 5, memoryBytes: 1024 * 1024 });
  const pair = async (index: number): Promise<boolean> => {
    await call(`hostile-${index % hostileBodies.length}`);
    const good = await call('reading');
    return good.kind === 'ok' && good.values[0] === readingAnswer;
  };
  let [wrong, count] = [0, 0];
  const attackFor = async (ms: number): Promise<number> => {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      if (!(await pair(count))) wrong += 1;
      count += 1;
    }
    collectGarbage();
    return residentMegabytes();
  };
  const before = await attackFor(hostileMs / 2);
  const grown = (await attackFor(hostileMs / 2)) - before;
  return [
    { name: 'wrong answers right after hostile calls', value: wrong, unit: '', goal: atMost(0), note: `n = ${count}` },
    {
      name: 'growth of the process in their second half',
      value: grown,
      unit: 'MiB',
      goal: atMost(8),
      note: 'resident memory without the young generation of V8, which sizes itself',
    },
  ];
}
