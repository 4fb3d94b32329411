/**
 * What threads tell each other without messages: a heartbeat, which function runs, and how many calls of each function are
 * in flight on each worker. Survives a thread that is stuck.
 */

const beatAt = 0;
const markAt = 1;
const cells = 2;

/**
 * A worker's heartbeat, shared with its engine: [0] moves with each look at the clock and each turn of the event loop,
 * [1] is the mark of the revision whose Lua holds the thread, 0 for none.
 */
export class ThreadSignals {
  readonly cells: Int32Array;

  static create(): SharedArrayBuffer {
    return new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT);
  }

  constructor(buffer: SharedArrayBuffer) {
    this.cells = new Int32Array(buffer);
  }

  beat(): void {
    Atomics.add(this.cells, beatAt, 1);
  }

  get beats(): number {
    return Atomics.load(this.cells, beatAt);
  }

  /** For a fault injected outside the engine; the engine sets its own. */
  set mark(mark: number) {
    Atomics.store(this.cells, markAt, mark);
  }

  get mark(): number {
    return Atomics.load(this.cells, markAt);
  }
}

/** Calls in flight, by function and worker: a worker writes its own column, everyone may sum a row. */
export class Inflight {
  readonly #cells: Int32Array;
  readonly #workers: number;
  readonly #worker: number;

  static create(functions: number, workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(functions * workers * Int32Array.BYTES_PER_ELEMENT);
  }

  constructor(buffer: SharedArrayBuffer, workers: number, worker: number) {
    this.#cells = new Int32Array(buffer);
    this.#workers = workers;
    this.#worker = worker;
  }

  enter(functionIndex: number): void {
    const cell = functionIndex * this.#workers + this.#worker;
    this.#cells[cell] = (this.#cells[cell] as number) + 1;
  }

  leave(functionIndex: number): void {
    const cell = functionIndex * this.#workers + this.#worker;
    this.#cells[cell] = (this.#cells[cell] as number) - 1;
  }

  /** Over all workers. */
  total(functionIndex: number): number {
    const base = functionIndex * this.#workers;
    let sum = 0;
    for (let worker = 0; worker < this.#workers; worker += 1) sum += this.#cells[base + worker] as number;
    return sum;
  }

  /** Forgets the calls of a thread that ended. */
  clearWorker(worker: number): void {
    for (let cell = worker; cell < this.#cells.length; cell += this.#workers) this.#cells[cell] = 0;
  }

  clearFunction(functionIndex: number): void {
    this.#cells.fill(0, functionIndex * this.#workers, (functionIndex + 1) * this.#workers);
  }
}
