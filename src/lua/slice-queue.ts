/** Continued slices of suspended calls: one per turn of the event loop, so that new calls and resumptions go first. */
import type { MachineEnd } from './ends.ts';
import { quantum, type Machine } from './machine.ts';

interface Suspended {
  readonly machine: Machine;
  readonly resolve: (fuel: number) => void;
  readonly reject: (end: MachineEnd) => void;
}

/** First in, first out: endless calls share the turns evenly. */
export class SliceQueue {
  #waiting: Suspended[] = [];
  #scheduled = false;

  get length(): number {
    return this.#waiting.length;
  }

  suspend(machine: Machine): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ machine, resolve, reject });
      this.#schedule();
    });
  }

  /** Ends a suspended call: its promise is always settled, because an abandoned suspension is never collected. */
  end(machine: Machine, end: MachineEnd): boolean {
    const index = this.#waiting.findIndex((entry) => entry.machine === machine);
    const [entry] = index < 0 ? [] : this.#waiting.splice(index, 1);
    entry?.reject(end);
    return entry !== undefined;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const next = this.#waiting.shift();
      if (this.#waiting.length > 0) this.#schedule();
      next?.resolve(quantum);
    });
  }
}
