/** Machines of one kind: which one takes the next call, which waiting call is parked for it. */
import type { BaseImage } from './base-image.ts';
import type { Call } from './call.ts';
import type { Machine } from './machine.ts';

/** A machine whose memory has grown beyond this is dropped when its call has ended: memory never shrinks. */
const retireBytes = 24 * 1024 * 1024;

/** What the pool asks of the engine. */
export interface PoolHost {
  create(): Machine;
  /** Takes a waiting call out of its machine; false: it is too large to be moved. */
  park(call: Call): boolean;
}

/** Holds up to `limit` machines; more only while every one holds a call too large to be moved. */
export class MachinePool {
  readonly #limit: number;
  readonly #hardLimit: number;
  readonly #keep: number;
  readonly #host: PoolHost;
  #machines: Machine[] = [];
  #waiters: ((machine: Machine) => void)[] = [];
  #turn = 0;

  /** `keep`: idle machines beyond so many are dropped; making one again takes half a millisecond. */
  constructor(limit: number, hardLimit: number, keep: number, host: PoolHost) {
    this.#limit = limit;
    this.#keep = keep;
    this.#hardLimit = hardLimit;
    this.#host = host;
  }

  get size(): number {
    return this.#machines.length;
  }

  get bytes(): number {
    return this.#machines.reduce((sum, machine) => sum + machine.memoryBytes, 0);
  }

  /** A machine without a call; undefined when all are running or suspended. */
  take(): Machine | undefined {
    this.#turn += 1;
    let free: Machine | undefined;
    for (const machine of this.#machines) {
      // The one used last is the warmest.
      if (machine.call === undefined && !machine.reserved && (free === undefined || machine.usedAt > free.usedAt))
        free = machine;
    }
    free ??= this.#machines.length < this.#limit ? this.#add() : this.#evict();
    if (free === undefined && this.#machines.length < this.#hardLimit) free = this.#add();
    if (free !== undefined) {
      free.usedAt = this.#turn;
      free.reserved = true;
    }
    return free;
  }

  /** Waits for a machine if none is free. */
  wait(then: (machine: Machine) => void): () => void {
    this.#waiters.push(then);
    return () => {
      this.#waiters = this.#waiters.filter((waiter) => waiter !== then);
    };
  }

  /** The machine's call has left it. */
  release(machine: Machine): void {
    machine.call = undefined;
    machine.reserved = false;
    this.offer();
    if (machine.call !== undefined || machine.reserved) return;
    const idle = this.#machines.filter((each) => each.call === undefined && !each.reserved).length;
    if (idle > this.#keep || machine.memoryBytes > retireBytes) this.drop(machine);
  }

  /** Gives machines that are free, or hold waiting calls, to those who wait for one. */
  offer(): void {
    while (this.#waiters.length > 0) {
      const machine = this.take();
      if (machine === undefined) return;
      this.#waiters.shift()?.(machine);
    }
  }

  drop(machine: Machine): void {
    machine.call = undefined;
    this.#machines = this.#machines.filter((each) => each !== machine);
  }

  /** Overwrites what idle machines still hold of a namespace. */
  wipe(tenant: string, base: BaseImage): void {
    for (const machine of this.#machines) {
      if (machine.call === undefined && !machine.reserved && machine.tenant === tenant)
        machine.restore(base, undefined, '');
    }
  }

  #add(): Machine {
    const machine = this.#host.create();
    this.#machines.push(machine);
    return machine;
  }

  /** Parks the call that has waited longest in its machine. */
  #evict(): Machine | undefined {
    const waiting = this.#machines.filter((machine) => machine.call?.waitingFor !== undefined);
    waiting.sort((a, b) => a.usedAt - b.usedAt);
    for (const machine of waiting) {
      const { call } = machine;
      if (call !== undefined && this.#host.park(call)) return machine;
    }
    return undefined;
  }
}
