/**
 * A worker's call records on their way to the main thread: added with one array write, sent in batches off the answer's
 * path. Of quiet calls only the newest per function are worth sending; of the rest all, up to a bound that is counted.
 */
import { isQuiet, type CallRecord } from './call-record.ts';
import { CallTrace } from './record-of-call.ts';

/** What is ready to be sent. */
export interface RecordBatch {
  readonly records: readonly CallRecord[];
  readonly dropped: number;
}

/** A record, or what one is made of when it is sent. */
type Noted = CallRecord | CallTrace;

/** Newest first out: a ring of one function's quiet records. */
class QuietRing {
  readonly #slots: (Noted | undefined)[];
  #next = 0;
  #held = 0;

  constructor(size: number) {
    this.#slots = Array.from<Noted | undefined>({ length: size });
  }

  get held(): number {
    return this.#held;
  }

  /** Answers whether one was overwritten. */
  push(record: Noted): boolean {
    const full = this.#held === this.#slots.length;
    this.#slots[this.#next] = record;
    this.#next = this.#next + 1 === this.#slots.length ? 0 : this.#next + 1;
    if (!full) this.#held += 1;
    return full;
  }

  drainInto(records: Noted[]): void {
    const size = this.#slots.length;
    for (let index = 0; index < this.#held; index += 1) {
      const at = (this.#next - this.#held + index + size) % size;
      records.push(this.#slots[at] as Noted);
      this.#slots[at] = undefined;
    }
    this.#held = 0;
  }
}

export class RecordBuffer {
  #urgent: Noted[] = [];
  readonly #quiet = new Map<string, QuietRing>();
  readonly #perFunction: number;
  readonly #maxUrgent: number;
  readonly #maxQuiet: number;
  #quietHeld = 0;
  #dropped = 0;
  /** Set while somebody follows: every record is sent. */
  followed = false;

  constructor(options: { readonly perFunction: number; readonly maxUrgent: number; readonly maxQuiet: number }) {
    this.#perFunction = options.perFunction;
    this.#maxUrgent = options.maxUrgent;
    this.#maxQuiet = options.maxQuiet;
  }

  add(record: Noted): void {
    const quiet = isQuiet(record.outcome) && record.log === undefined && !this.followed;
    if (!quiet || record.functionUid === undefined) {
      if (this.#urgent.length >= this.#maxUrgent) this.#dropped += 1;
      else this.#urgent.push(record);
      return;
    }
    let ring = this.#quiet.get(record.functionUid);
    if (ring === undefined) {
      ring = new QuietRing(this.#perFunction);
      this.#quiet.set(record.functionUid, ring);
    }
    if (!ring.push(record)) this.#quietHeld += 1;
  }

  get hasUrgent(): boolean {
    return this.#urgent.length > 0 || this.#quietHeld > this.#maxQuiet;
  }

  /** `everything`: quiet records too, as a query wants them; else only when too many wait. */
  take(everything: boolean): RecordBatch {
    const records = this.#urgent;
    const dropped = this.#dropped;
    this.#urgent = [];
    this.#dropped = 0;
    if (everything || this.#quietHeld > this.#maxQuiet) {
      for (const ring of this.#quiet.values()) ring.drainInto(records);
      this.#quiet.clear();
      this.#quietHeld = 0;
    }
    return { records: records.map((record) => (record instanceof CallTrace ? record.toRecord() : record)), dropped };
  }
}
