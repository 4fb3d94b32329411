/**
 * Call records of a runtime, in the main thread's memory: what did not end quietly for a day, the newest quiet ones of each
 * function, refused requests per trigger, requests that met no route; all under one cap of bytes, the oldest go first.
 */
import type { Outcome } from '../telemetry/call-outcomes.ts';
import { isQuiet, recordBytes, type CallRecord } from './call-record.ts';
import { claimsId } from './claims-id.ts';

export interface RecordLimits {
  readonly maxBytes: number;
  readonly keepMs: number;
  readonly okPerFunction: number;
  readonly refusedPerTrigger: number;
  readonly unrouted: number;
}

export interface RecordFilter {
  /** Records of other namespaces are not there. */
  readonly namespace?: string;
  readonly functionName?: string;
  /** What this subscription sent. */
  readonly subscription?: string;
  readonly trigger?: string;
  readonly outcomes?: readonly Outcome[];
  /** A call id, an event id or the sender's delivery id, of a refused request the one it claims. */
  readonly id?: string;
  /** Only calls that wrote to their log or ended with an error. */
  readonly logged?: boolean;
  /** Newest first, at most so many; default 100. */
  readonly limit?: number;
}

interface Kept {
  readonly record: CallRecord;
  readonly bytes: number;
  readonly shelf: string;
  gone: boolean;
}

/** Whether a record is what a filter asks for. */
export function matchesRecord(record: CallRecord, filter: RecordFilter): boolean {
  const { namespace, functionName, subscription, trigger, outcomes, logged, id } = filter;
  if (namespace !== undefined && record.namespace !== namespace) return false;
  if (functionName !== undefined && record.functionName !== functionName) return false;
  if (subscription !== undefined && record.subscription !== subscription) return false;
  if (trigger !== undefined && record.trigger !== trigger) return false;
  if (outcomes !== undefined && outcomes.length > 0 && !outcomes.includes(record.outcome)) return false;
  if (logged === true && record.error === undefined && (record.log ?? []).length === 0) return false;
  if (id === undefined || record.callId === id || record.eventId === id || record.deliveryId === id) return true;
  return claimsId(record.captured, id);
}

export class RecordBook {
  readonly #limits: RecordLimits;
  /** In order of arrival; entries that are gone stay until the front is swept. */
  #all: Kept[] = [];
  #first = 0;
  readonly #shelves = new Map<string, Kept[]>();
  #bytes = 0;
  #size = 0;

  constructor(limits: RecordLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(record: CallRecord, now: number): void {
    const shelf = shelfOf(record);
    const kept: Kept = { record, bytes: recordBytes(record), shelf, gone: false };
    this.#all.push(kept);
    this.#bytes += kept.bytes;
    this.#size += 1;
    const room = this.#roomOf(shelf);
    if (room !== undefined) {
      const held = this.#shelves.get(shelf);
      if (held === undefined) this.#shelves.set(shelf, [kept]);
      else {
        held.push(kept);
        // Workers send in turns: the oldest is not always the first that came.
        if (held.length > room) this.#remove(held.splice(indexOfOldest(held), 1)[0]);
      }
    }
    this.#sweep(now);
  }

  /** Newest first. The order of arrival is another one: quiet records arrive when somebody asks. */
  find(filter: RecordFilter, now: number): readonly CallRecord[] {
    this.#sweep(now);
    const limit = filter.limit ?? 100;
    let found: CallRecord[] = [];
    for (let index = this.#all.length - 1; index >= this.#first; index -= 1) {
      const { record, gone } = this.#all[index] as Kept;
      if (gone || !matchesRecord(record, filter)) continue;
      found.push(record);
      // Cut now and then: all that match may be many more than are asked for.
      if (found.length >= 2 * limit + 1000) found = newest(found, limit);
    }
    return newest(found, limit);
  }

  /** Records that are bounded by number; the others by age. */
  #roomOf(shelf: string): number | undefined {
    if (shelf.startsWith('ok ')) return this.#limits.okPerFunction;
    if (shelf.startsWith('refused ')) return this.#limits.refusedPerTrigger;
    return shelf === 'unrouted' ? this.#limits.unrouted : undefined;
  }

  #remove(kept: Kept | undefined): void {
    if (kept === undefined || kept.gone) return;
    kept.gone = true;
    this.#bytes -= kept.bytes;
    this.#size -= 1;
  }

  #sweep(now: number): void {
    const oldest = now - this.#limits.keepMs;
    while (this.#first < this.#all.length) {
      const kept = this.#all[this.#first] as Kept;
      if (!kept.gone && kept.record.time >= oldest && this.#bytes <= this.#limits.maxBytes) break;
      if (!kept.gone) {
        this.#remove(kept);
        this.#leaveShelf(kept);
      }
      this.#first += 1;
    }
    if (this.#first > 1024 && this.#first * 2 > this.#all.length) {
      this.#all = this.#all.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The front of all is the front of its shelf. */
  #leaveShelf(kept: Kept): void {
    const held = this.#shelves.get(kept.shelf);
    if (held === undefined) return;
    const at = held.indexOf(kept);
    if (at !== -1) held.splice(at, 1);
    if (held.length === 0) this.#shelves.delete(kept.shelf);
  }
}

function newest(records: CallRecord[], limit: number): CallRecord[] {
  return records.sort((one, other) => other.time - one.time).slice(0, limit);
}

function indexOfOldest(held: readonly Kept[]): number {
  let oldest = 0;
  for (let index = 1; index < held.length; index += 1) {
    if ((held[index] as Kept).record.time < (held[oldest] as Kept).record.time) oldest = index;
  }
  return oldest;
}

function shelfOf(record: CallRecord): string {
  if (record.functionUid === undefined) return 'unrouted';
  if (isQuiet(record.outcome)) return `ok ${record.functionUid}`;
  if (record.outcome === 'unverified') return `refused ${record.functionUid} ${record.trigger ?? ''}`;
  return 'notable';
}
