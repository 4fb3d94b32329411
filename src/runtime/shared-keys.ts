/**
 * Rate and concurrency by key, shared by all threads of a runtime: an open-addressed table in shared memory. A key is 62
 * bits of a hash under a secret of this start, so that nobody can choose keys that lie beside another's. A full
 * neighbourhood evicts an entry of the namespace that has most of them there: floods evict themselves.
 */
import { hash } from 'node:crypto';
import { KeyWaits } from './key-waits.ts';

const slots = 1 << 15;
const probes = 16;
const secretBytes = 32;
const cells = (workers: number): number => slots * (8 + 8 + 8 + 4 * workers);

/** What is limited: a key of a trigger or destination (its scope) of a namespace. */
export interface LimitedKey {
  readonly namespaceUid: string;
  readonly scope: string;
  /** May be chosen by a sender; absent: the scope has one key. */
  readonly key?: string;
}

/** The table for so many workers; `secret` is random and has 32 bytes. */
export function createSharedKeys(workers: number, secret: Uint8Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(cells(workers) + secretBytes);
  new Uint8Array(buffer, cells(workers), secretBytes).set(secret);
  return buffer;
}

export type RateVerdict = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

export class SharedKeys {
  /** In this thread. */
  readonly waits = new KeyWaits();
  readonly #tags: BigInt64Array;
  /** Hashes of the namespace (low half) and the scope of each entry. */
  readonly #owners: BigInt64Array;
  /** Theoretical arrival time of each rate key, microseconds of the shared clock. */
  readonly #arrival: BigInt64Array;
  readonly #held: Int32Array;
  readonly #workers: number;
  readonly #worker: number;
  readonly #secret: string;

  constructor(buffer: SharedArrayBuffer, workers: number, worker: number) {
    this.#tags = new BigInt64Array(buffer, 0, slots);
    this.#arrival = new BigInt64Array(buffer, slots * 8, slots);
    this.#owners = new BigInt64Array(buffer, slots * 16, slots);
    this.#held = new Int32Array(buffer, slots * 24, slots * workers);
    this.#secret = Buffer.from(buffer, cells(workers), secretBytes).toString('hex');
    this.#workers = workers;
    this.#worker = worker;
  }

  /**
   * The generic cell rate algorithm: `requests` per `perMs`, all of them at once if none came before. `nowMs` is the wall
   * clock, the only one that all threads share.
   */
  takeRate(key: LimitedKey, requests: number, perMs: number, nowMs: number): RateVerdict {
    const slot = this.#slotOf('rate', key, nowMs);
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
  rateAllowance(key: LimitedKey, requests: number, perMs: number, nowMs: number): number {
    const slot = this.#slotOf('rate', key, nowMs);
    const now = Math.round(nowMs * 1000);
    const start = Math.max(now, Number(Atomics.load(this.#arrival, slot)));
    const step = Math.max(1, Math.round((perMs * 1000) / requests));
    return Math.max(0, Math.floor((now + Math.round(perMs * 1000) - start) / step));
  }

  /**
   * `debounce`: how long an event of a key waits for quiet, and less once its burst has gone on for long. `maxWaitMs` counts
   * from the first event of the burst, whichever thread took it.
   */
  quietDelay(key: LimitedKey, waitMs: number, maxWaitMs: number | undefined, nowMs: number): number {
    if (maxWaitMs === undefined) return waitMs;
    const due = this.#slotOf('quiet', key, nowMs);
    const last = this.#slotOf('longest', key, nowMs);
    const now = BigInt(Math.round(nowMs * 1000));
    if (this.#arrivalOf(due) <= now) Atomics.store(this.#arrival, last, now + BigInt(Math.round(maxWaitMs * 1000)));
    const left = Number(this.#arrivalOf(last) - now) / 1000;
    const delayMs = Math.max(0, Math.min(waitMs, Math.ceil(left)));
    Atomics.store(this.#arrival, due, now + BigInt(Math.round(delayMs * 1000)));
    return delayMs;
  }

  placesTaken(key: LimitedKey, nowMs: number): number {
    return this.#places(this.#slotOf('places', key, nowMs));
  }

  /** Takes one of `limit` places of a key; answers its slot for `releasePlace`, or undefined when all are taken. */
  takePlace(key: LimitedKey, limit: number, nowMs: number): number | undefined {
    const slot = this.#slotOf('places', key, nowMs);
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

  #hash(...parts: readonly string[]): Buffer {
    return hash('sha256', JSON.stringify([this.#secret, ...parts]), 'buffer');
  }

  #slotOf(use: 'rate' | 'places' | 'quiet' | 'longest', limited: LimitedKey, nowMs: number): number {
    const { namespaceUid, scope, key = '' } = limited;
    const digest = this.#hash(use, namespaceUid, scope, key);
    const tag = digest.readBigInt64LE(0) | 1n;
    const start = digest.readUInt32LE(8) % slots;
    const now = BigInt(Math.round(nowMs * 1000));
    let free: number | undefined;
    for (let probe = 0; probe < probes; probe += 1) {
      const slot = (start + probe) % slots;
      const found = Atomics.load(this.#tags, slot);
      if (found === tag) return slot;
      if (free === undefined && (found === 0n || (this.#arrivalOf(slot) <= now && this.#places(slot) === 0))) {
        free = slot;
      }
    }
    const slot = free ?? this.#victim(start);
    const owner = this.#ownerOf(namespaceUid, scope);
    if (this.#claim(slot, Atomics.load(this.#tags, slot), tag, owner)) return slot;
    // Another thread was quicker: with its entry in place there is one candidate less.
    return this.#slotOf(use, limited, nowMs);
  }

  #arrivalOf(slot: number): bigint {
    return Atomics.load(this.#arrival, slot);
  }

  #ownerOf(namespaceUid: string, scope: string): bigint {
    const namespace = this.#hash('namespace', namespaceUid).readUInt32LE(0);
    return BigInt.asIntN(64, (BigInt(this.#hash('scope', scope).readUInt32LE(0)) << 32n) | BigInt(namespace));
  }

  /**
   * The entry of a full neighbourhood that goes: of the namespace with most entries there, of its scope with most, the one
   * that would be free soonest; one whose places are taken only where all are.
   */
  #victim(start: number): number {
    const all = Array.from({ length: probes }, (_, probe) => {
      const slot = (start + probe) % slots;
      const owner = Atomics.load(this.#owners, slot);
      return { slot, owner, namespace: BigInt.asUintN(32, owner), arrival: this.#arrivalOf(slot) };
    });
    const idle = all.filter(({ slot }) => this.#places(slot) === 0);
    const candidates = idle.length > 0 ? idle : all;
    const ofNamespace = mostOf(candidates, ({ namespace }) => namespace);
    const ofScope = mostOf(ofNamespace, ({ owner }) => owner);
    return ofScope.reduce((least, entry) => (entry.arrival < least.arrival ? entry : least)).slot;
  }

  #claim(slot: number, from: bigint, tag: bigint, owner: bigint): boolean {
    const was = Atomics.compareExchange(this.#tags, slot, from, tag);
    if (was === tag) return true;
    if (was !== from) return false;
    Atomics.store(this.#owners, slot, owner);
    Atomics.store(this.#arrival, slot, 0n);
    return true;
  }
}

/** The entries of the owner that has most of them. */
function mostOf<Entry>(entries: readonly Entry[], ownerOf: (entry: Entry) => bigint): [Entry, ...Entry[]] {
  const groups = Map.groupBy(entries, ownerOf) as Map<bigint, [Entry, ...Entry[]]>;
  return [...groups.values()].reduce((most, group) => (group.length > most.length ? group : most));
}
