/** Puts errors of calls where the user wrote the code: lines of a function's chunks become lines of its files. */
import type { CallError } from '../lua/types.ts';
import type { CodeOrigin, FunctionEntry, RouteTable } from '../routing/types.ts';
import type { CallRecord } from './call-record.ts';
import type { LiveFunction } from './live-function.ts';

/** The record with its error placed; as it is where its revision is not the one the table holds, whose lines are others. */
export function placeRecord(record: CallRecord, table: RouteTable): CallRecord {
  const { error, functionUid, revision } = record;
  if (error === undefined || functionUid === undefined) return record;
  const entry = table.functions.get(functionUid);
  return entry === undefined || entry.revision !== revision ? record : { ...record, error: placeError(error, entry) };
}

/** Where the call ran, so that a later edit does not take its lines away; older code that still serves has others. */
export function placeRunError(error: CallError, fn: Pick<LiveFunction, 'entry' | 'program'>): CallError {
  return fn.program?.revision === fn.entry.revision ? placeError(error, fn.entry) : error;
}

/** File, line, and the places that message and traceback mention. */
export function placeError(error: CallError, entry: FunctionEntry): CallError {
  const originOf = (chunk: string): CodeOrigin | undefined => {
    if (chunk === entry.name) return entry.code.origin;
    const { moduleOrigins = {} } = entry.code;
    return Object.hasOwn(moduleOrigins, chunk) ? moduleOrigins[chunk] : undefined;
  };
  const inText = (text: string, pattern: RegExp): string =>
    text.replace(pattern, (whole: string, before: string, chunk: string, line: string) => {
      const origin = originOf(chunk);
      return origin === undefined ? whole : `${before}${origin.file}:${Number(line) + origin.lineOffset}`;
    });
  const origin = error.file === undefined ? undefined : originOf(error.file);
  return {
    ...error,
    message: inText(error.message, /^()([^\s:]+):(\d+)(?=:)/),
    ...(origin === undefined ? {} : { file: origin.file }),
    ...(origin === undefined || error.line === undefined ? {} : { line: error.line + origin.lineOffset }),
    ...(error.traceback === undefined
      ? {}
      : { traceback: inText(error.traceback, /(^|[\s<])([^\s:<]+):(\d+)(?=[:>])/gm) }),
  };
}
