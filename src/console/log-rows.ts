/** What calls wrote to their log, as lines in time: newest first, the error that ended a call among them. Pure. */
import type { PlainObject } from './watch-source.ts';

export interface LogRow {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly level: string;
  readonly text: string;
  readonly callId: string;
}

export function toLogRows(records: readonly PlainObject[]): readonly LogRow[] {
  return records.flatMap(rowsOf).sort((one, other) => other.at - one.at);
}

function rowsOf({ callId, time, durationMs, log, error }: PlainObject): readonly LogRow[] {
  const start = Number(time);
  const id = String(callId);
  const lines = (log ?? []) as readonly {
    readonly at: number;
    readonly level: string;
    readonly message: string;
    readonly fields?: unknown;
  }[];
  const rows = lines.map(({ at, level, message, fields }) => ({
    at: start + at,
    level,
    text: fields === undefined ? message : `${message} ${JSON.stringify(fields)}`,
    callId: id,
  }));
  const { message } = (error ?? {}) as { readonly message?: string };
  if (message === undefined) return rows;
  return [...rows, { at: start + Number(durationMs), level: 'error', text: message, callId: id }];
}
