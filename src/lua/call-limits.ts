/** The limits of one call: its program's, with what the embedder asks for it. */
import type { CallLimits, CallRequest } from './types.ts';

const expressionCpuMs = 10;

/** Expressions get little CPU unless the embedder says otherwise. */
export function callLimits<Context>(limits: CallLimits, request: CallRequest<Context>): CallLimits {
  if ('handler' in request.target) return request.limits === undefined ? limits : { ...limits, ...request.limits };
  return { ...limits, cpuMs: Math.min(limits.cpuMs, expressionCpuMs), ...request.limits };
}
