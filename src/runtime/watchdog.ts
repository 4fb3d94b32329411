/** Judges which worker threads have been silent for longer than any slice can explain. Pure, but for what it remembers. */

export interface WatchdogSettings {
  readonly silenceMs: number;
}

interface Watched {
  beats: number;
  /** When the heartbeat last changed, in the watcher's clock. */
  changedAt: number;
}

export class Watchdog {
  readonly #silenceMs: number;
  readonly #watched = new Map<number, Watched>();
  #lastLook: number | undefined = undefined;

  constructor({ silenceMs }: WatchdogSettings) {
    this.#silenceMs = silenceMs;
  }

  watch(worker: number, beats: number, now: number): void {
    this.#watched.set(worker, { beats, changedAt: now });
  }

  unwatch(worker: number): void {
    this.#watched.delete(worker);
  }

  /**
   * Workers whose heartbeat has stood still. When the watcher itself was late (the machine slept, the process was stopped)
   * nobody is judged: everyone gets the whole time again.
   */
  look(beatsOf: (worker: number) => number, now: number): readonly number[] {
    const late = this.#lastLook !== undefined && now - this.#lastLook > this.#silenceMs / 2;
    this.#lastLook = now;
    const silent: number[] = [];
    for (const [worker, watched] of this.#watched) {
      const beats = beatsOf(worker);
      if (late || beats !== watched.beats) {
        watched.beats = beats;
        watched.changedAt = now;
      } else if (now - watched.changedAt > this.#silenceMs) silent.push(worker);
    }
    return silent;
  }
}
