/**
 * Room for what makes records heavy: logs, and the bodies of refused requests. Both can be sent faster than they can be
 * written; above the room a record stays and goes without them, first of all for the namespace that takes most.
 */
import { logBytes } from '../lua/call-log.ts';
import type { LogLine } from '../lua/types.ts';
import type { CallRecord, CapturedRequest } from './call-record.ts';

/** The parts of a record that have a size of their own. */
export interface HeavyParts {
  readonly log?: readonly LogLine[] | undefined;
  readonly captured?: CapturedRequest | undefined;
}

/** What stands in place of a log that is given up. */
export const logGivenUp: readonly LogLine[] = [
  { level: 'warn', at: 0, message: '[log given up: more is logged than can be written]' },
];

export function heavyBytes({ log, captured }: HeavyParts): number {
  return (log === undefined ? 0 : logBytes(log)) + (captured === undefined ? 0 : captured.bodyBase64.length);
}

/** The record without them. */
export function lightRecord(record: CallRecord): CallRecord {
  const light: { -readonly [Key in keyof CallRecord]: CallRecord[Key] } = { ...record };
  delete light.captured;
  if (light.log !== undefined) [light.log, light.logTruncated] = [logGivenUp, true];
  return light;
}

export class RecordRoom {
  readonly #max: number;
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  /** False: there is no room, for this namespace. Each may take half of what the others leave. */
  take(namespaceUid: string, bytes: number): boolean {
    if (bytes === 0) return true;
    const own = this.#taken.get(namespaceUid) ?? 0;
    if (own + bytes > (this.#max - (this.#total - own)) / 2) return false;
    this.#taken.set(namespaceUid, own + bytes);
    this.#total += bytes;
    return true;
  }

  giveBack(namespaceUid: string, bytes: number): void {
    if (bytes === 0) return;
    const left = (this.#taken.get(namespaceUid) ?? 0) - bytes;
    if (left > 0) this.#taken.set(namespaceUid, left);
    else this.#taken.delete(namespaceUid);
    this.#total -= bytes;
  }

  giveBackAll(): void {
    this.#taken.clear();
    this.#total = 0;
  }
}
