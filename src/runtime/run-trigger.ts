/** Runs the handler of a synchronous trigger and answers with its result. */
import type { FailureCode } from '../failures/catalogue.ts';
import { toHttpResponse } from '../function/result.ts';
import type { CallLimits, CallResult, CallUsage, LuaInput } from '../lua/types.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import { acknowledgeLate } from './acknowledge-late.ts';
import { answerCall, endCall } from './answer-call.ts';
import { contextOf } from './host-context.ts';
import { encodeResult } from './encode-result.ts';
import { EventTable } from './event-table.ts';
import type { Answer, Ending, HttpCall } from './http-call.ts';
import type { LiveFunction } from './live-function.ts';
import { placeRunError } from './place-error.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import { runProgram, type ProgramRequest } from './run-program.ts';
import type { WorkerParts } from './worker-parts.ts';

export function runTrigger(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const { fn, trigger } = call;
  if (fn === undefined || trigger?.handler === undefined) {
    return refuse(call, parts, 'HandlerMissing', { outcome: 'unresolved' });
  }
  return runHandler(call, parts, fn, trigger.handler, new EventTable(new RequestEvent(call)), trigger.limits);
}

/** Answers at once when the handler does not wait. */
export function runHandler(
  call: HttpCall,
  parts: WorkerParts,
  fn: LiveFunction,
  handler: string,
  event: LuaInput,
  limits: CallLimits | undefined,
): void | Promise<void> {
  call.handler = handler;
  parts.lastSyncAt = call.startedAt;
  parts.inflight.enter(fn.index);
  const began = parts.clock.monotonic();
  let result: CallResult | Promise<CallResult>;
  try {
    const request: ProgramRequest = {
      callId: call.id,
      target: { handler },
      arguments: [event],
      context: contextOf(fn, call.hops, call.head.traceparent, call.budget),
    };
    const own = afterDecoding(fn, limits, call.decodeMs);
    result = runProgram(fn, parts, own === undefined ? request : { ...request, limits: own });
  } catch (error) {
    parts.inflight.leave(fn.index);
    throw error;
  }
  if (!(result instanceof Promise)) return finish(call, parts, fn, result, began);
  const late = acknowledgeLate(call, parts);
  return result.then(
    (settled) => {
      late?.end(settled);
      finish(call, parts, fn, settled, began);
    },
    (error: unknown) => {
      parts.inflight.leave(fn.index);
      late?.fail(error as Error);
      throw error;
    },
  );
}

function finish(call: HttpCall, parts: WorkerParts, fn: LiveFunction, result: CallResult, began: number): void {
  parts.inflight.leave(fn.index);
  call.endedAt = parts.clock.monotonic();
  call.ranMs = call.endedAt - began;
  call.usage = withDecoding(result.usage, call.decodeMs);
  if (call.continues) return endCall(call, parts, call.response.statusCode, endingOf(result));
  if (result.kind !== 'ok' && result.kind !== 'exit') return answerFailure(call, parts, result);
  const response = toHttpResponse(result.values, fn.limits.responseBodyBytes, {
    ownsHost: call.ownsHost,
    encodeJson: encodeResult,
  });
  if (!response.ok) {
    call.error = { message: fn.hide?.(response.message) ?? response.message };
    return refuse(call, parts, 'ResponseInvalid', { outcome: 'error', detail: response.message });
  }
  const answer: Answer = response.response;
  return answerCall(call, parts, answer, okEnding);
}

/** Below this, decoding is lost in what any call costs. */
const leastDecodeMs = 1;

/** A body that is costly to decode is paid for by the function that is sent it. */
function afterDecoding(
  { entry }: LiveFunction,
  limits: CallLimits | undefined,
  decodeMs: number,
): Partial<CallLimits> | undefined {
  if (decodeMs < leastDecodeMs) return limits;
  const { cpuMs } = limits ?? entry.limits;
  return { ...limits, cpuMs: Math.max(1, Math.floor(cpuMs - decodeMs)) };
}

function withDecoding(usage: CallUsage, decodeMs: number): CallUsage {
  return decodeMs < leastDecodeMs ? usage : { ...usage, cpuMs: usage.cpuMs + decodeMs };
}

const okEnding: Ending = { outcome: 'ok' };

const failures: Readonly<Record<Exclude<CallResult['kind'], 'ok' | 'exit'>, readonly [FailureCode, Outcome]>> = {
  error: ['FunctionError', 'error'],
  timeout: ['CallTimeout', 'timeout'],
  cpu: ['CpuExceeded', 'cpu'],
  memory: ['MemoryExceeded', 'memory'],
  cancelled: ['Internal', 'cancelled'],
  overloaded: ['Overloaded', 'overloaded'],
};

function endingOf(result: CallResult): Ending {
  if (result.kind === 'ok' || result.kind === 'exit') return okEnding;
  const [code, outcome] = failures[result.kind];
  return { outcome, code, detail: result.error.message };
}

function answerFailure(
  call: HttpCall,
  parts: WorkerParts,
  result: CallResult & { readonly kind: Exclude<CallResult['kind'], 'ok' | 'exit'> },
): void {
  const [code, outcome] = failures[result.kind];
  call.error = result.error;
  return refuse(call, parts, code, {
    outcome,
    detail: (call.fn === undefined ? result.error : placeRunError(result.error, call.fn)).message,
    ...(result.kind === 'overloaded' ? { retryAfterMs: result.retryAfterMs } : {}),
  });
}
