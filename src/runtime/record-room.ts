/**
 * Room for what makes records heavy: logs, refused requests in full, errors and host calls. All of it can be sent faster than
 * it can be written; above the room a record stays and goes without them, first of all for the namespace that takes most.
 */
import { logBytes, valueBytes } from '../lua/call-log.ts';
import type { CallError, HostCallRecord, LogLine } from '../lua/types.ts';
import type { CallRecord, CapturedRequest } from './call-record.ts';

/** The parts of a record that have a size of their own. */
export interface HeavyParts {
  readonly log?: readonly LogLine[] | undefined;
  readonly captured?: CapturedRequest | undefined;
  readonly error?: CallError | undefined;
  readonly hostCalls?: readonly HostCallRecord[] | undefined;
}

/** What stands in place of a log that is given up. */
export const logGivenUp: readonly LogLine[] = [
  { level: 'warn', at: 0, message: '[log given up: more is logged than can be written]' },
];

/** An error and host calls of so many bytes are what the number of records bounds. */
const lightBytes = 2 * 1024;
/** What each host call costs beside its summary. */
const hostCallBytes = 64;
const lightMessage = 500;

export function heavyBytes({ log, captured, error, hostCalls }: HeavyParts): number {
  const own = (log === undefined ? 0 : logBytes(log)) + (captured === undefined ? 0 : capturedBytes(captured));
  if (error === undefined && hostCalls === undefined) return own;
  const told = (error === undefined ? 0 : errorBytes(error)) + (hostCalls === undefined ? 0 : callBytes(hostCalls));
  return told <= lightBytes ? own : own + told;
}

function capturedBytes({ headers, bodyBase64 }: CapturedRequest): number {
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length, bodyBase64.length);
}

function errorBytes({ message, traceback = '', value }: CallError): number {
  // Its message stands in the detail, too.
  return 2 * message.length + traceback.length + (value === undefined ? 0 : valueBytes(value));
}

function callBytes(hostCalls: readonly HostCallRecord[]): number {
  return hostCalls.reduce((sum, { summary = '' }) => sum + hostCallBytes + summary.length, 0);
}

/** A text of a record that has to be light. */
export function lightText(text: string): string {
  return text.length <= lightMessage ? text : `${text.slice(0, lightMessage)}… [cut: more is told than can be written]`;
}

export function lightError({ message, file, line }: CallError): CallError {
  return {
    message: lightText(message),
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
  };
}

/** The record without them. */
export function lightRecord(record: CallRecord): CallRecord {
  const light: { -readonly [Key in keyof CallRecord]: CallRecord[Key] } = { ...record };
  delete light.captured;
  delete light.hostCalls;
  if (light.error !== undefined) light.error = lightError(light.error);
  if (light.detail !== undefined) light.detail = lightText(light.detail);
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
