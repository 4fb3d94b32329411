/** The CPU time of one stretch of Lua on this thread: wall time between looks that are near each other, checked where they are not. */

/** Looks are some 0.05 ms apart: within a longer gap something else may have had the core. */
const nearMs = 1;
/** Counted of a longer gap while the thread's own CPU time is not yet known. */
const unknownMs = 5;

/**
 * Counts wall time from look to look, because the CPU time of a thread advances in steps of some milliseconds. A longer
 * gap counts only as far as the thread's CPU time says it was used: a busy machine is not the script's fault.
 */
export class SliceClock {
  running = false;
  readonly #threadCpu: () => number;
  #start = 0;
  #last = 0;
  #total = 0;
  /** The thread's CPU time, and the slice's at that moment; −1: not asked yet. */
  #thread = -1;
  #totalThen = 0;

  constructor(threadCpu: () => number) {
    this.#threadCpu = threadCpu;
  }

  /** `known`: long gaps are judged from the start on, at the price of one more look. */
  start(now: number, known: boolean): void {
    this.running = true;
    this.#start = now;
    this.#last = now;
    this.#total = 0;
    this.#totalThen = 0;
    this.#thread = known ? this.#threadCpu() : -1;
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
    const gap = now - this.#last;
    this.#last = now;
    if (gap <= nearMs) this.#total += gap;
    else if (this.#thread < 0) this.#total += Math.min(gap, unknownMs);
    else {
      const used = this.#totalThen + this.#threadCpu() - this.#thread;
      this.#total = Math.min(Math.max(used, this.#total), this.#total + gap);
    }
    if (this.#thread < 0 && this.#total >= nearMs) {
      this.#thread = this.#threadCpu();
      this.#totalThen = this.#total;
    }
    return this.#total;
  }
}
