/** What an engine tells other threads: that it is alive, what it runs, which functions take long. */
import type { LoadedProgram } from './loaded-program.ts';

/** Writes to memory shared with the watchdog and with the engines of other threads. */
export class ThreadSignals {
  readonly #heartbeat: Int32Array | undefined;
  readonly #longMarks: Int32Array | undefined;

  constructor(heartbeat: Int32Array | undefined, longMarks: Int32Array | undefined) {
    this.#heartbeat = heartbeat;
    this.#longMarks = longMarks;
  }

  /** Alive. */
  pulse(): void {
    const heartbeat = this.#heartbeat;
    if (heartbeat !== undefined) heartbeat[0] = ((heartbeat[0] ?? 0) + 1) | 0;
  }

  /** Runs this function now (0: none); gives what ran before. */
  beat(mark: number): number {
    const heartbeat = this.#heartbeat;
    if (heartbeat === undefined) return 0;
    const before = heartbeat[1] ?? 0;
    heartbeat[1] = mark;
    heartbeat[0] = ((heartbeat[0] ?? 0) + 1) | 0;
    return before;
  }

  /** A call outlived the plain entry. Two functions may share a mark: then both run in slices, which is harmless. */
  markLong(program: LoadedProgram): void {
    program.long = true;
    const marks = this.#longMarks;
    if (marks === undefined) return;
    const bit = (program.mark >>> 1) % (marks.length * 32);
    Atomics.or(marks, bit >>> 5, 1 << (bit & 31));
  }

  isMarkedLong(program: LoadedProgram): boolean {
    const marks = this.#longMarks;
    if (marks === undefined) return false;
    const bit = (program.mark >>> 1) % (marks.length * 32);
    return ((marks[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }
}
