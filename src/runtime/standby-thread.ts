/** A worker thread kept started and empty, so that replacing one takes the table's time and not a start's. */
import type { WorkerThread } from './worker-thread.ts';

export interface StandbySettings {
  start(slot: number, gone: (reason: string) => void): Promise<WorkerThread>;
  onError(message: string, error: unknown): void;
}

export class StandbyThread {
  readonly #settings: StandbySettings;
  #starting: Promise<WorkerThread | undefined> | undefined = undefined;
  /** Of the shared arrays; undefined: the standby is being taken over, and nobody knows yet which is left. */
  #slot: number | undefined;
  #closed = false;

  constructor(slot: number, settings: StandbySettings) {
    this.#slot = slot;
    this.#settings = settings;
  }

  /** Starts one, unless there is one. */
  prepare(): void {
    if (this.#closed || this.#starting !== undefined || this.#slot === undefined) return;
    const forget = (): void => {
      if (this.#starting === starting) this.#starting = undefined;
    };
    const starting = this.#settings.start(this.#slot, forget).catch((error: unknown) => {
      if (!this.#closed) this.#settings.onError('the standby worker could not be started', error);
      forget();
      return undefined;
    });
    this.#starting = starting;
  }

  /** The thread, which is the caller's from now on, for that of slot `ended`, which is left; undefined: there is none. */
  async take(ended: number): Promise<WorkerThread | undefined> {
    const slot = this.#slot;
    // Of two threads that end at once the second finds no standby, and the first prepares the next one.
    if (slot === undefined) return undefined;
    const starting = this.#starting;
    this.#starting = undefined;
    this.#slot = undefined;
    const thread = await starting;
    this.#slot = thread === undefined ? slot : ended;
    return thread;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const thread = await this.#starting;
    await thread?.terminate();
  }
}
