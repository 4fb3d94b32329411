/**
 * Rate and concurrency by key, shared by all threads of a runtime: an open-addressed table in shared memory. A key is 62
 * bits of a hash; a full neighbourhood evicts the entry that would be free soonest, which can only let a call pass early.
 */
import { createHash } from 'node:crypto';

const slots = 1 << 14;
const probes = 16;

/** Bytes of the table for so many workers. */
export function sharedKeyBytes(workers: number): number {
  return slots * (8 + 8 + 4 * workers);
}

export type RateVerdict = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

export class SharedKeys {
  readonly #tags: BigInt64Array;
  /** Theoretical arrival time of each rate key, microseconds of the shared clock. */
  readonly #arrival: BigInt64Array;
  readonly #held: Int32Array;
  readonly #workers: number;
  readonly #worker: number;

  constructor(buffer: SharedArrayBuffer, workers: number, worker: number) {
    this.#tags = new BigInt64Array(buffer, 0, slots);
    this.#arrival = new BigInt64Array(buffer, slots * 8, slots);
    this.#held = new Int32Array(buffer, slots * 16, slots * workers);
    this.#workers = workers;
    this.#worker = worker;
  }

  /**
   * The generic cell rate algorithm: `requests` per `perMs`, all of them at once if none came before. `nowMs` is the wall
   * clock, the only one that all threads share.
   */
  takeRate(key: string, requests: number, perMs: number, nowMs: number): RateVerdict {
    const slot = this.#slotOf(`r${key}`, nowMs);
    const now = BigInt(Math.round(nowMs * 1000));
    const step = BigInt(Math.max(1, Math.round((perMs * 1000) / requests)));
    const window = BigInt(Math.round(perMs * 1000));
    for (;;) {
      const before = Atomics.load(this.#arrival, slot);
      const start = before > now ? before : now;
      const next = start + step;
      if (next - now > window) return { ok: false, retryAfterMs: Math.ceil(Number(next - now - window) / 1000) };
      if (Atomics.compareExchange(this.#arrival, slot, before, next) === before) return { ok: true };
    }
  }

  /** How many requests of a key would pass now. */
  rateAllowance(key: string, requests: number, perMs: number, nowMs: number): number {
    const slot = this.#slotOf(`r${key}`, nowMs);
    const now = Math.round(nowMs * 1000);
    const start = Math.max(now, Number(Atomics.load(this.#arrival, slot)));
    const step = Math.max(1, Math.round((perMs * 1000) / requests));
    return Math.max(0, Math.floor((now + Math.round(perMs * 1000) - start) / step));
  }

  placesTaken(key: string, nowMs: number): number {
    return this.#places(this.#slotOf(`c${key}`, nowMs));
  }

  /** Takes one of `limit` places of a key; answers its slot for `releasePlace`, or undefined when all are taken. */
  takePlace(key: string, limit: number, nowMs: number): number | undefined {
    const slot = this.#slotOf(`c${key}`, nowMs);
    const cell = slot * this.#workers + this.#worker;
    Atomics.add(this.#held, cell, 1);
    if (this.#places(slot) <= limit) return slot;
    Atomics.sub(this.#held, cell, 1);
    return undefined;
  }

  releasePlace(slot: number): void {
    Atomics.sub(this.#held, slot * this.#workers + this.#worker, 1);
  }

  /** Gives back what a thread held that ended. */
  clearWorker(worker: number): void {
    for (let cell = worker; cell < this.#held.length; cell += this.#workers) Atomics.store(this.#held, cell, 0);
  }

  #places(slot: number): number {
    let sum = 0;
    for (let worker = 0; worker < this.#workers; worker += 1) {
      sum += Atomics.load(this.#held, slot * this.#workers + worker);
    }
    return sum;
  }

  #slotOf(key: string, nowMs: number): number {
    const digest = createHash('sha256').update(key).digest();
    const tag = digest.readBigInt64LE(0) | 1n;
    const start = digest.readUInt32LE(8) % slots;
    const now = BigInt(Math.round(nowMs * 1000));
    let victim = start;
    let victimArrival: bigint | undefined;
    for (let probe = 0; probe < probes; probe += 1) {
      const slot = (start + probe) % slots;
      const found = Atomics.load(this.#tags, slot);
      if (found === tag) return slot;
      const arrival = Atomics.load(this.#arrival, slot);
      const free = found === 0n || (arrival <= now && this.#places(slot) === 0);
      if (free && this.#claim(slot, found, tag)) return slot;
      if (this.#places(slot) === 0 && (victimArrival === undefined || arrival < victimArrival)) {
        victim = slot;
        victimArrival = arrival;
      }
    }
    this.#claim(victim, Atomics.load(this.#tags, victim), tag);
    return victim;
  }

  #claim(slot: number, from: bigint, tag: bigint): boolean {
    const was = Atomics.compareExchange(this.#tags, slot, from, tag);
    if (was === tag) return true;
    if (was !== from) return false;
    Atomics.store(this.#arrival, slot, 0n);
    return true;
  }
}
