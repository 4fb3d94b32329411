/** The limits of a function as the engine knows them. */
import type { CallLimits } from '../lua/types.ts';
import type { ResolvedLimits } from '../routing/types.ts';

export function callLimitsOf(limits: ResolvedLimits): CallLimits {
  const { timeoutMs, cpuMs, memoryBytes, logBytes, logLines, hostCalls, parallelHostCalls, responseBodyBytes } = limits;
  return {
    timeoutMs,
    cpuMs,
    memoryBytes,
    logBytes,
    logLines,
    hostCalls,
    parallelHostCalls,
    resultBytes: responseBodyBytes,
  };
}

/** The same limits give the same object: thousands of functions have the installation's. */
export function createSharedLimits(): (limits: ResolvedLimits) => CallLimits {
  const known = new WeakMap<ResolvedLimits, CallLimits>();
  return (limits) => {
    const made = known.get(limits) ?? callLimitsOf(limits);
    known.set(limits, made);
    return made;
  };
}
