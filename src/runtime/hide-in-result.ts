/** Masks a function's secrets in what a call of it says besides its answer: its error, its log, the lines of its host calls. */
import type { CallError, CallResult, HostCallRecord, LogLine, LuaKey, LuaValue } from '../lua/types.ts';
import type { Hide } from './hide-secrets.ts';
import type { LiveFunction } from './live-function.ts';
import type { Clock } from './worker-parts.ts';

/**
 * What the function answers stays as it is, and so does a call that said nothing. The time it takes is the function's: it
 * has ended, so no limit ends it, but its usage says what it cost.
 */
export function hideInResult(
  result: CallResult,
  fn: Pick<LiveFunction, 'hide'>,
  clock: Pick<Clock, 'monotonic'>,
): CallResult {
  const { usage } = result;
  const answered = result.kind === 'ok' || result.kind === 'exit';
  if (answered && usage.log.length === 0) return result;
  const { hide } = fn;
  if (hide === undefined) return result;
  const began = clock.monotonic();
  const log = usage.log.map((line) => hideInLine(line, hide));
  const charge = (): CallResult['usage'] => ({ ...usage, log, cpuMs: usage.cpuMs + clock.monotonic() - began });
  if (answered) return { ...result, usage: charge() };
  const error = hideInError(result.error, hide);
  return { ...result, usage: charge(), error };
}

/** For records: a call that nobody asks for does not pay for it. */
export function hideInHostCalls(calls: readonly HostCallRecord[], fn: LiveFunction): readonly HostCallRecord[] {
  if (!calls.some(({ summary }) => summary !== undefined)) return calls;
  const { hide } = fn;
  if (hide === undefined) return calls;
  return calls.map((call) => (call.summary === undefined ? call : { ...call, summary: hide(call.summary) }));
}

function hideInError(error: CallError, hide: Hide): CallError {
  const { message, traceback, value } = error;
  return {
    ...error,
    message: hide(message),
    ...(traceback === undefined ? {} : { traceback: hide(traceback) }),
    ...(value === undefined ? {} : { value: hideInValue(value, hide) }),
  };
}

function hideInLine(line: LogLine, hide: Hide): LogLine {
  const message = hide(line.message);
  return line.fields === undefined ? { ...line, message } : { ...line, message, fields: hideInMap(line.fields, hide) };
}

function hideInMap(map: ReadonlyMap<LuaKey, LuaValue>, hide: Hide): Map<LuaKey, LuaValue> {
  return new Map([...map].map(([key, value]) => [typeof key === 'string' ? hide(key) : key, hideInValue(value, hide)]));
}

function hideInValue(value: LuaValue, hide: Hide): LuaValue {
  if (typeof value === 'string') return hide(value);
  if (Array.isArray(value)) return value.map((item) => hideInValue(item, hide));
  if (value instanceof Map) return hideInMap(value, hide);
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value).toString('latin1');
    const hidden = hide(text);
    return hidden === text ? value : new Uint8Array(Buffer.from(hidden, 'latin1'));
  }
  return value;
}
