/** Asks the threads why what is due does not start. */
import type { Resting } from './why-resting.ts';
import type { WorkerThread } from './worker-thread.ts';

/** A thread that does not come back to its loop must not hold up who reads a list. */
const longestMs = 500;

/** Limits and breakers are known to all threads: the first that answers says why; each has its own leases. */
export async function askResting(
  threads: readonly Pick<WorkerThread, 'resting'>[],
  destinations: readonly string[],
  after: (milliseconds: number, callback: () => void) => () => void,
): Promise<Resting> {
  const late = Promise.withResolvers<undefined>();
  const stop = after(longestMs, () => late.resolve(undefined));
  const answers = await Promise.all(
    threads.map((thread) => Promise.race([thread.resting(destinations).catch(() => undefined), late.promise])),
  );
  stop();
  const told = answers.filter((each) => each !== undefined);
  return { reasons: told[0]?.reasons ?? {}, turns: told.flatMap(({ turns }) => turns) };
}
