/** What a destination runs here now, and how many of it at once. */
import { parseDestination } from '../delivery/destination.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { sharedLimit, throttledSlots } from './throttle-delivery.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface Work {
  readonly fn: LiveFunction;
  readonly trigger: LiveTrigger | undefined;
  readonly handler: string;
}

/** Undefined: nothing, the delivery waits (unknown, suspended, not resolved, no handler). */
export function findWork(destination: string, parts: WorkerParts): Work | undefined {
  const parsed = parseDestination(destination);
  if (parsed === undefined) return undefined;
  const fn = parts.table.inScope(parsed.namespaceUid, parsed.functionName);
  if (fn?.program === undefined || fn.entry.suspended || fn.entry.unresolved !== undefined) return undefined;
  if ((parts.quarantine.get(fn.entry.uid) ?? 0) > parts.clock.wall()) return undefined;
  if ('handler' in parsed.target) {
    const { handler } = parsed.target;
    return fn.program.handlers.has(handler) ? { fn, trigger: undefined, handler } : undefined;
  }
  const trigger = fn.trigger(parsed.target.trigger);
  if (trigger?.handler === undefined || trigger.unavailable !== undefined) return undefined;
  return { fn, trigger, handler: trigger.handler };
}

/** Deliveries that may start now for a destination. */
export function freeSlots(destination: string, parts: WorkerParts): number {
  const work = findWork(destination, parts);
  if (work === undefined) return 0;
  const { fn } = work;
  const own = fn.entry.limits.concurrency - parts.inflight.total(fn.index);
  const throttled = work.trigger === undefined ? own : throttledSlots(fn, work.trigger, parts);
  return Math.max(0, Math.min(own, throttled));
}

/** Calls of an asynchronous trigger at once, over all runtimes: its `concurrency`, where it is not by key. */
export function callLimit(destination: string, parts: WorkerParts): number | undefined {
  const trigger = findWork(destination, parts)?.trigger;
  return trigger === undefined ? undefined : sharedLimit(trigger);
}
