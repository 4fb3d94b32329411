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
  const usage: CallUsage = {
    cpuMs: call.cpuMs,
    memoryPeakBytes: call.memoryPeak,
    hostCalls: call.hostCalls,
    log: call.lines.lines,
    logTruncated: call.lines.truncated,
    ...(call.request.record === true ? { journal: call.record() } : {}),
  };
  return { ...end, usage };
}
