/** Processor time of the threads of a process, where the system says it: unlike requests a second, what else runs does not change it much. */
import { readdir, readFile } from 'node:fs/promises';

/** Nanoseconds of each thread; empty where there is no /proc. */
export async function threadTimes(pid: number | undefined): Promise<ReadonlyMap<string, number>> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const times = new Map<string, number>();
  for (const thread of threads) {
    // A thread may end between the two readings.
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => undefined);
    if (text !== undefined) times.set(thread, Number(text.split(' ', 1)[0]));
  }
  return times;
}

/** Nanoseconds of the thread that used most in between; undefined: nobody knows. */
export function busiest(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number | undefined {
  if (before.size === 0) return undefined;
  return Math.max(...[...after].map(([thread, time]) => time - (before.get(thread) ?? 0)));
}
