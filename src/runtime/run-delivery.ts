/** One attempt of a stored event: its filter, then its handler; effects land with the settle. */
import { shownId } from '../delivery/chosen-id.ts';
import { createAttemptEffects } from '../delivery/attempt-effects.ts';
import { parseDestination } from '../delivery/destination.ts';
import { laterTarget } from '../delivery/later.ts';
import { endAttempt } from '../delivery/retry-schedule.ts';
import type { CallError, CallResult, CallUsage } from '../lua/types.ts';
import type { Ending, Lease } from '../store/store.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import type { RanAttempt } from './add-callback.ts';
import { endingOfRun } from './attempt-ending.ts';
import type { CallRecord } from './call-record.ts';
import { evaluate, isTrue } from './evaluate.ts';
import { turnedAway } from './filter-event.ts';
import { EventTable } from './event-table.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { placeRunError } from './place-error.ts';
import { runProgram } from './run-program.ts';
import { StoredEventSource } from './stored-event.ts';
import { awaitTurn, throttledSlots } from './throttle-delivery.ts';
import type { WorkerParts } from './worker-parts.ts';

interface Work {
  readonly fn: LiveFunction;
  readonly trigger: LiveTrigger | undefined;
  readonly handler: string;
}

/** What a destination runs here now; undefined: nothing, the delivery waits. */
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
export function freeSlots(destination: string, running: number, parts: WorkerParts): number {
  const work = findWork(destination, parts);
  if (work === undefined) return 0;
  const { fn } = work;
  const own = fn.entry.limits.concurrency - parts.inflight.total(fn.index);
  const throttled = work.trigger === undefined ? own : throttledSlots(fn, work.trigger, parts);
  return Math.max(0, Math.min(own, throttled, parts.settings.asynchronous.running - running));
}

export async function runDelivery(lease: Lease, signal: AbortSignal, parts: WorkerParts): Promise<RanAttempt> {
  const work = findWork(lease.destination, parts);
  // The table changed between lease and start.
  if (work === undefined) return { ending: { kind: 'retry', delayMs: 1000, error: 'not served here any more' } };
  const { fn, trigger } = work;
  const callId = parts.newCallId();
  const source = new StoredEventSource(lease.event, trigger?.entry.name, lease.attempt);
  // The wait for a turn is not part of the run.
  const run = { began: parts.clock.monotonic() };
  const note = (outcome: Outcome, ending: Ending, more: Partial<CallRecord>): void =>
    record(parts, { lease, work, callId, source, began: run.began, outcome, ending }, more);
  if (trigger === undefined) return runWork(lease, signal, parts, work, source, callId, note);

  const refused = await filterDelivery(lease, parts, work, source, callId, note);
  if (refused !== undefined) return { ending: refused };
  const turn = await awaitTurn(fn, trigger, source, callId, parts, signal);
  if (!turn.ok) return { ending: expressionFailed(lease, work, turn.error, note) };
  run.began = parts.clock.monotonic();
  try {
    return await runWork(lease, signal, parts, work, source, callId, note);
  } finally {
    turn.release();
  }
}

type Note = (outcome: Outcome, ending: Ending, more: Partial<CallRecord>) => void;

/** Set: the filter turned the event away, or failed. */
async function filterDelivery(
  lease: Lease,
  parts: WorkerParts,
  work: Work,
  source: StoredEventSource,
  callId: string,
  note: Note,
): Promise<Ending | undefined> {
  const filter = work.trigger?.expressions.filter;
  if (filter === undefined) return undefined;
  const value = await evaluate(work.fn, parts, callId, filter, new EventTable(source));
  if (!value.ok) return expressionFailed(lease, work, value.error, note);
  if (isTrue(value.value)) return undefined;
  const ending: Ending = { kind: 'filtered' };
  note('filtered', ending, { steps: [{ step: 'filter', ok: false, detail: turnedAway }] });
  return ending;
}

/** An error of an expression is never a drop: a failed attempt, dead with `FilterError` in the end. */
function expressionFailed(lease: Lease, work: Work, error: CallError, note: Note): Ending {
  const schedule = work.trigger?.entry.retryScheduleMs ?? [];
  const ending = endAttempt({ kind: 'again', error: error.message }, lease.attempt, schedule, Math.random);
  const final: Ending = ending.kind === 'dead' ? { ...ending, reason: 'FilterError' } : ending;
  note(final.kind === 'dead' ? 'dead' : 'error', final, { code: 'FilterError', error });
  return final;
}

async function runWork(
  lease: Lease,
  signal: AbortSignal,
  parts: WorkerParts,
  work: Work,
  source: StoredEventSource,
  callId: string,
  note: Note,
): Promise<RanAttempt> {
  const { fn, trigger, handler } = work;
  const schedule = trigger?.entry.retryScheduleMs ?? fn.entry.retryScheduleMs;
  const began = parts.clock.monotonic();
  const effects = createAttemptEffects({
    store: parts.store,
    lease,
    match: (event) => publishedDeliveries(parts, event),
    target: laterTarget,
  });
  const { hops = 0, traceparent } = source.attributes;
  parts.inflight.enter(fn.index);
  let result: CallResult;
  try {
    result = await runProgram(fn, parts, {
      callId,
      target: { handler },
      arguments: [new EventTable(source)],
      limits: trigger?.limits ?? {},
      signal,
      context: {
        ...fn.context,
        keyValue: effects.keyValue,
        later: effects.later,
        events: effects.events,
        hops,
        ...(traceparent === undefined ? {} : { traceparent }),
      },
    });
  } finally {
    parts.inflight.leave(fn.index);
  }
  const ending = endingOfRun(result, lease.attempt, schedule);
  note(outcomeOf(result, ending), ending, {
    ...usageFields(result.usage),
    ...(result.kind === 'ok' || result.kind === 'exit' ? {} : { error: result.error }),
  });
  countRun(parts, work, outcomeOf(result, ending), parts.clock.monotonic() - began, result.usage);
  // A failed attempt leaves nothing behind.
  const ran = { ending, result, durationMs: parts.clock.monotonic() - began };
  return ending.kind === 'done' ? { ...ran, effects: effects.collect() } : ran;
}

/** The attempt ran, but what it published or kept goes beyond a quota: tried again by its schedule, then dead. */
export function endOverQuota(lease: Lease, message: string, parts: WorkerParts): Ending {
  const work = findWork(lease.destination, parts);
  const schedule = work?.trigger?.entry.retryScheduleMs ?? work?.fn.entry.retryScheduleMs ?? [];
  const ended = endAttempt({ kind: 'again', error: message }, lease.attempt, schedule, Math.random);
  const ending: Ending = ended.kind === 'dead' ? { ...ended, reason: 'QuotaExceeded' } : ended;
  if (work === undefined) return ending;
  const source = new StoredEventSource(lease.event, work.trigger?.entry.name, lease.attempt);
  const noted = { lease, work, callId: parts.newCallId(), source, began: parts.clock.monotonic(), ending };
  record(
    parts,
    { ...noted, outcome: ending.kind === 'dead' ? 'dead' : 'error' },
    { code: 'QuotaExceeded', detail: message },
  );
  return ending;
}

function outcomeOf(result: CallResult, ending: Ending): Outcome {
  if (ending.kind === 'dead') return 'dead';
  if (result.kind === 'ok' || result.kind === 'exit') return ending.kind === 'retry' ? 'error' : 'ok';
  return result.kind;
}

function countRun(parts: WorkerParts, work: Work, outcome: Outcome, ms: number, usage: CallUsage): void {
  parts.counters.countRun(work.trigger?.row ?? work.fn.callRow, outcome, ms, usage.cpuMs, usage.memoryPeakBytes);
}

function usageFields(usage: CallUsage): Partial<CallRecord> {
  return {
    cpuMs: usage.cpuMs,
    memoryPeakBytes: usage.memoryPeakBytes,
    ...(usage.log.length === 0 ? {} : { log: usage.log, logTruncated: usage.logTruncated }),
    ...(usage.hostCalls.length === 0 ? {} : { hostCalls: usage.hostCalls }),
  };
}

interface Noted {
  readonly lease: Lease;
  readonly work: Work;
  readonly callId: string;
  readonly source: StoredEventSource;
  readonly began: number;
  readonly outcome: Outcome;
  readonly ending: Ending;
}

function record(parts: WorkerParts, noted: Noted, more: Partial<CallRecord>): void {
  const { lease, work, callId, source, began, outcome, ending } = noted;
  const { entry, program } = work.fn;
  const { attributes } = source;
  const now = parts.clock.wall();
  const durationMs = parts.clock.monotonic() - began;
  if (more.cpuMs === undefined) parts.counters.count(work.trigger?.row ?? work.fn.callRow, outcome);
  parts.rare.attempt(ending.kind);
  parts.records.add({
    callId,
    time: now - durationMs,
    kind: attributes.scheduledTime !== undefined ? 'schedule' : work.trigger === undefined ? 'later' : 'event',
    namespaceUid: entry.namespaceUid,
    namespace: entry.namespace,
    functionUid: entry.uid,
    functionName: entry.name,
    revision: program?.revision ?? entry.revision,
    ...(source.triggerName === undefined ? {} : { trigger: source.triggerName }),
    handler: work.handler,
    outcome,
    durationMs,
    worker: parts.index,
    eventId: shownId(lease.event.id),
    eventName: source.eventName,
    attempt: lease.attempt,
    ...(attributes.deliveryId === undefined ? {} : { deliveryId: attributes.deliveryId }),
    ...(attributes.traceparent === undefined ? {} : { traceparent: attributes.traceparent }),
    ...(ending.kind === 'retry' ? { nextAttempt: now + ending.delayMs } : {}),
    ...(ending.kind === 'dead' ? { detail: `${ending.reason}: ${ending.error}` } : {}),
    ...more,
    ...(more.error === undefined ? {} : { error: placeRunError(more.error, work.fn) }),
  });
}
