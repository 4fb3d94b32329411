/**
 * A worker's call records on their way to the main thread: added with one array write, sent in batches off the answer's
 * path. Quiet ones stay until they are asked for, the newest of each function; the rest go soon, up to a bound that is counted.
 */
import { isQuiet, type CallRecord } from './call-record.ts';
import type { Ending, HttpCall } from './http-call.ts';
import { QuietRecords } from './quiet-records.ts';
import { CallTrace, CommonTexts } from './record-of-call.ts';
import { heavyBytes, lightRecord, RecordRoom } from './record-room.ts';

/** Of what a worker holds. Log lines of so many bytes are some 40 ms of the thread that writes them. */
export const recordBounds = { maxUrgent: 10_000, maxUrgentBytes: 4 * 1024 * 1024, maxQuiet: 10_000 };

/** What is ready to be sent. */
export interface RecordBatch {
  readonly records: readonly CallRecord[];
  readonly dropped: number;
}

/** A record, or what one is made of when it is sent. */
export type Noted = CallRecord | CallTrace;

export class RecordBuffer {
  #urgent: Noted[] = [];
  readonly #quiet: QuietRecords<Noted>;
  readonly #maxUrgent: number;
  readonly #room: RecordRoom;
  readonly #texts = new CommonTexts();
  #dropped = 0;
  /** Set while somebody follows: every record is sent. */
  followed = false;

  constructor(options: {
    readonly perFunction: number;
    readonly maxUrgent: number;
    /** Of their logs, bodies, errors and host calls. */
    readonly maxUrgentBytes: number;
    readonly maxQuiet: number;
  }) {
    this.#quiet = new QuietRecords(options.perFunction, options.maxQuiet);
    this.#maxUrgent = options.maxUrgent;
    this.#room = new RecordRoom(options.maxUrgentBytes);
  }

  add(record: Noted): void {
    const light = record.log === undefined && !isHeavy(record.hostCalls);
    const quiet = isQuiet(record.outcome) && light && !this.followed;
    if (!quiet || record.functionUid === undefined) {
      if (this.#urgent.length >= this.#maxUrgent) this.#dropped += 1;
      else this.#urgent.push(this.#fitted(record));
      return;
    }
    this.#quiet.add(record.functionUid, () => record);
  }

  /** The record of an HTTP call that has ended. */
  addCall(call: HttpCall, status: number, ending: Ending, now: number): void {
    const { fn, usage } = call;
    const heavy = usage !== undefined && (usage.log.length > 0 || isHeavy(usage.hostCalls));
    if (fn === undefined || heavy || this.followed || !isQuiet(ending.outcome)) {
      this.add(new CallTrace(call, status, ending, now, this.#texts));
      return;
    }
    const make = (replaced: Noted | undefined): Noted => {
      if (!(replaced instanceof CallTrace)) return new CallTrace(call, status, ending, now, this.#texts);
      replaced.take(call, status, ending, now, this.#texts);
      return replaced;
    };
    this.#quiet.add(fn.uid, make, fn);
  }

  get hasUrgent(): boolean {
    return this.#urgent.length > 0;
  }

  /** Without the quiet ones. */
  take(): RecordBatch {
    const [records, dropped] = this.#empty();
    return { records: records.map(made), dropped };
  }

  /**
   * Everything there is now, of quiet ones `quiet` or a few more, made into records a batch at a time: thousands take longer than a
   * request should wait.
   */
  *takeAll(atOnce: number, quiet?: number): Generator<RecordBatch, void> {
    let [records, dropped] = this.#empty();
    records = [...records, ...this.#quiet.drain(quiet)];
    for (; records.length > 0 || dropped > 0; dropped = 0) {
      yield { records: records.slice(0, atOnce).map(made), dropped };
      records = records.slice(atOnce);
    }
  }

  #fitted(record: Noted): Noted {
    if (this.#room.take(record.namespaceUid ?? '', heavyBytes(record))) return record;
    if (!(record instanceof CallTrace)) return lightRecord(record);
    record.lighten();
    return record;
  }

  #empty(): [records: readonly Noted[], dropped: number] {
    const emptied: [readonly Noted[], number] = [this.#urgent, this.#dropped];
    this.#urgent = [];
    this.#room.giveBackAll();
    this.#dropped = 0;
    return emptied;
  }
}

/** Quiet records stay by the thousand: one that tells of many host calls is counted, and goes. */
const isHeavy = (hostCalls: CallRecord['hostCalls']): boolean => hostCalls !== undefined && hostCalls.length > 16;

function made(noted: Noted): CallRecord {
  return noted instanceof CallTrace ? noted.toRecord() : noted;
}
