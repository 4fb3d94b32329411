/** The result of a call with what it used. */
import type { Call } from './call.ts';
import type { CallError, CallResult, CallUsage, LuaValue } from './types.ts';

/** How a call ended, before its usage is added. */
export type CallEnd =
  | { readonly kind: 'ok' | 'exit'; readonly values: readonly LuaValue[] }
  | { readonly kind: 'error' | 'timeout' | 'cpu' | 'memory' | 'cancelled'; readonly error: CallError };

/** Ends the call and describes it. */
export function finishedCall(call: Call, end: CallEnd): CallResult {
  call.finish();
  const { usedMs: cpuMs, memoryPeak: memoryPeakBytes, hostCalls, lines } = call;
  const { lines: log, truncated: logTruncated } = lines;
  const usage: CallUsage =
    call.request.record === true
      ? { cpuMs, memoryPeakBytes, hostCalls, log, logTruncated, journal: call.record() }
      : { cpuMs, memoryPeakBytes, hostCalls, log, logTruncated };
  return 'values' in end ? { kind: end.kind, values: end.values, usage } : { kind: end.kind, error: end.error, usage };
}

/** The embedder asked for what is not there: no script has run. */
export function refused(message: string): CallResult {
  return {
    kind: 'error',
    error: { message },
    usage: { cpuMs: 0, memoryPeakBytes: 0, hostCalls: [], log: [], logTruncated: false },
  };
}
