/** How long something takes at least: other work on the machine makes a run slower, never quicker. */

const rounds = 20;

/** Milliseconds of the quickest of up to twenty runs; stops at the first that took no longer than `enoughMs`. */
export async function leastMs(enoughMs: number, run: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds && least > enoughMs; round += 1) {
    const started = performance.now();
    const running = run();
    if (running instanceof Promise) await running;
    least = Math.min(least, performance.now() - started);
  }
  return least;
}
