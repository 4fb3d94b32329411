/** A worker thread kept started and empty, so that replacing one takes the table's time and not a start's. */
import type { WorkerThread } from './worker-thread.ts';

export interface StandbySettings {
  start(slot: number, gone: (reason: string) => void): Promise<WorkerThread>;
  onError(message: string, error: unknown): void;
}

export class StandbyThread {
  readonly #settings: StandbySettings;
  #starting: Promise<WorkerThread | undefined> | undefined = undefined;
  #closed = false;

  constructor(settings: StandbySettings) {
    this.#settings = settings;
  }

  /** Starts one in a slot of the shared arrays that nobody uses. */
  prepare(slot: number): void {
    if (this.#closed) return;
    this.#starting = this.#settings
      .start(slot, () => {
        this.#starting = undefined;
      })
      .catch((error: unknown) => {
        if (!this.#closed) this.#settings.onError('the standby worker could not be started', error);
        this.#starting = undefined;
        return undefined;
      });
  }

  /** The thread, which is the caller's from now on; undefined: there is none. */
  async take(): Promise<WorkerThread | undefined> {
    const starting = this.#starting;
    this.#starting = undefined;
    return starting;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const thread = await this.take();
    await thread?.terminate();
  }
}
