/** The CPU time of one stretch of Lua on this thread. */

/** How often a long slice asks for the thread's CPU time. */
const measureMs = 1;

/**
 * A short slice is taken for CPU by the wall clock; beyond a millisecond the thread's own CPU time counts, so that a busy
 * machine is not the script's fault.
 */
export class SliceClock {
  running = false;
  readonly #threadCpu: () => number;
  #start = 0;
  /** CPU of the slice when it was `#measuredAt` old, and the thread's CPU time then; −1: not asked yet. */
  #measured = 0;
  #measuredAt = 0;
  #thread = -1;

  constructor(threadCpu: () => number) {
    this.#threadCpu = threadCpu;
  }

  /** False: it was running. */
  start(now: number): boolean {
    if (this.running) return false;
    this.running = true;
    this.#start = now;
    this.#measured = 0;
    this.#measuredAt = 0;
    this.#thread = -1;
    return true;
  }

  /** Gives the slice's CPU. */
  stop(now: number): number {
    const cpu = this.cpu(now);
    this.running = false;
    return cpu;
  }

  wall(now: number): number {
    return now - this.#start;
  }

  cpu(now: number): number {
    if (!this.running) return 0;
    const wall = now - this.#start;
    const since = wall - this.#measuredAt;
    if (since < measureMs) return this.#measured + since;
    const thread = this.#threadCpu();
    this.#measured += this.#thread < 0 ? since : Math.min(since, thread - this.#thread);
    this.#thread = thread;
    this.#measuredAt = wall;
    return this.#measured;
  }
}
