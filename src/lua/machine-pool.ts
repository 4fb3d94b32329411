/** Machines of one kind: which one takes the next call, which waiting call is parked for it. */
import type { BaseImage } from './base-image.ts';
import type { Call } from './call.ts';
import { FairQueue, type Owner } from './fair-queue.ts';
import type { Machine } from './machine.ts';

/** A machine whose memory has grown beyond this is dropped when its call has ended: memory never shrinks. */
const retireBytes = 24 * 1024 * 1024;

/** What the pool asks of the engine. */
export interface PoolHost {
  create(): Machine;
  /** Takes a waiting call out of its machine; false: it is too large to be moved. */
  park(call: Call): boolean;
}

/** How many machines of a pool may run calls of one owner: those who come later find one. */
export interface PoolShares {
  readonly perNamespace: number;
  readonly perFunction: number;
}

/** Holds up to `limit` machines; more only while every one holds a call too large to be moved. */
export class MachinePool {
  readonly #limit: number;
  readonly #hardLimit: number;
  readonly #keep: number;
  readonly #host: PoolHost;
  readonly #shares: PoolShares | undefined;
  readonly #waiters = new FairQueue<(machine: Machine) => void>();
  #machines: Machine[] = [];
  #turn = 0;
  /** Most machines in use at once since idle ones were dropped last. */
  #needed = 0;
  #offering = false;

  /** `keep`: so many idle machines stay when no more are needed; making one takes half a millisecond and two MiB. */
  constructor(limit: number, hardLimit: number, keep: number, host: PoolHost, shares?: PoolShares) {
    this.#shares = shares;
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

  /** A machine without a call; undefined when all are running or suspended, or the owner runs in enough of them. */
  take(owner: Owner): Machine | undefined {
    return this.#shares === undefined || this.#mayTake(owner, this.#shares) ? this.#give(owner) : undefined;
  }

  #give(owner: Owner): Machine | undefined {
    this.#turn += 1;
    let free: Machine | undefined;
    let used = 1;
    for (const machine of this.#machines) {
      if (machine.call !== undefined || machine.reserved) used += 1;
      // The one used last is the warmest.
      else if (free === undefined || machine.usedAt > free.usedAt) free = machine;
    }
    if (used > this.#needed) this.#needed = used;
    free ??= this.#machines.length < this.#limit ? this.#add() : this.#evict();
    if (free === undefined && this.#machines.length < this.#hardLimit) free = this.#add();
    if (free !== undefined) {
      free.usedAt = this.#turn;
      free.reserved = true;
      free.owner = owner;
    }
    return free;
  }

  /** Waiting calls do not count: they give their machine up when it is needed. */
  #mayTake({ namespaceUid, revision }: Owner, shares: PoolShares): boolean {
    let ofNamespace = 0;
    let ofFunction = 0;
    for (const { reserved, owner, call } of this.#machines) {
      if (!reserved || owner?.namespaceUid !== namespaceUid || call?.waitingFor !== undefined) continue;
      ofNamespace += 1;
      if (owner.revision === revision) ofFunction += 1;
    }
    return ofNamespace < shares.perNamespace && ofFunction < shares.perFunction;
  }

  /** Waits for a machine if none is free. The answer leaves the queue. */
  wait(owner: Owner, begin: (machine: Machine) => void): () => void {
    this.#waiters.push(owner, begin);
    return () => void this.#waiters.remove(owner, (each) => each === begin);
  }

  /** The machine's call has left it. */
  release(machine: Machine): void {
    machine.call = undefined;
    machine.reserved = false;
    this.offer();
    if (machine.call !== undefined || machine.reserved) return;
    if (machine.memoryBytes > retireBytes) this.drop(machine);
  }

  /**
   * Drops idle machines that were not needed since it was asked last. At once they would be made again for the next
   * burst, a thousand times in a backlog, and each is memory that hurries the collector.
   */
  trim(): void {
    const stay = Math.max(this.#keep, this.#needed);
    const idle = this.#machines.filter(({ call, reserved }) => call === undefined && !reserved);
    for (const machine of idle.slice(0, Math.max(0, this.#machines.length - stay))) this.drop(machine);
    this.#needed = this.#machines.length - idle.length;
  }

  /** There are machines that will be dropped when they are not needed any more. */
  get hasSpare(): boolean {
    return this.#machines.length > this.#keep;
  }

  /** Gives machines that are free, or hold waiting calls, to those who wait for one. */
  offer(): void {
    // A call that runs and ends while it is given a machine comes here again: the loop around it goes on.
    if (this.#offering || this.#waiters.length === 0) return;
    this.#offering = true;
    try {
      for (;;) {
        const owner = this.#waiters.next((each) => this.#shares === undefined || this.#mayTake(each, this.#shares));
        const machine = owner === undefined ? undefined : this.#give(owner);
        if (owner === undefined || machine === undefined) return;
        this.#waiters.take(owner)?.(machine);
      }
    } finally {
      this.#offering = false;
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
