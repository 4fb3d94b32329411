/** One attempt of a stored event: whether it is run, then its handler; effects land with the settle. */
import { AttemptEffects } from '../delivery/attempt-effects.ts';
import type { GivenBack } from '../delivery/run-attempts.ts';
import { laterTarget } from '../delivery/later.ts';
import { endAttempt } from '../delivery/retry-schedule.ts';
import type { OnRoll } from '../lua/roll.ts';
import type { CallResult, CallUsage } from '../lua/types.ts';
import { aloneFrom } from '../store/crash-watch.ts';
import type { Ending, Lease } from '../store/store.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import { rootBudget } from '../triggers/event-budget.ts';
import type { RanAttempt } from './add-callback.ts';
import { admitDelivery, expressionFailed } from './admit-delivery.ts';
import { callAt } from './call-at.ts';
import { endingOfRun } from './attempt-ending.ts';
import type { CallRecord } from './call-record.ts';
import { EventTable } from './event-table.ts';
import { findWork, type Work } from './find-work.ts';
import type { LiveTrigger } from './live-function.ts';
import { copyContext, splitBudget } from './host-context.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { recordDelivery, type Note } from './record-delivery.ts';
import { runProgram } from './run-program.ts';
import { replacedAt, retryBefore } from './schedule-policy.ts';
import { StoredEventSource } from './stored-event.ts';
import { awaitTurn, enterFunction } from './throttle-delivery.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Not served here now: looked at again after so long. */
const absentMs = 1000;

export async function runDelivery(
  lease: Lease,
  signal: AbortSignal,
  parts: WorkerParts,
): Promise<RanAttempt | GivenBack> {
  const work = findWork(lease.destination, parts);
  // The table changed between lease and start.
  if (work === undefined) return { giveBackMs: absentMs };
  const { trigger } = work;
  const callId = parts.newCallId();
  const source = new StoredEventSource(lease.event, trigger?.entry.name, lease.attempt);
  // The wait for a turn is not part of the run.
  const run = { began: parts.clock.monotonic() };
  const note: Note = (outcome, ending, more) =>
    recordDelivery(parts, { lease, work, callId, source, began: run.began, outcome, ending }, more);
  const attempt: Started = { lease, work, source, callId, note, place: -1 };
  parts.turns.add(attempt);
  try {
    if (trigger === undefined) return await enterAndRun(attempt, signal, parts, run, runWork);
    return await takeTurn(attempt, trigger, signal, parts, run);
  } finally {
    parts.turns.delete(attempt);
  }
}

/** The limits of a trigger come after what decides whether it runs at all. */
async function takeTurn(
  attempt: Started,
  trigger: LiveTrigger,
  signal: AbortSignal,
  parts: WorkerParts,
  run: { began: number },
): Promise<RanAttempt | GivenBack> {
  const { source, callId } = attempt;
  const { fn } = attempt.work;
  const refused = await admitDelivery(attempt, parts);
  if (refused !== undefined) return { ending: refused };
  const { destination } = attempt.lease;
  const turn = await awaitTurn(fn, trigger, source, { callId, destination }, parts, signal);
  if (signal.aborted) {
    if (turn.ok) turn.release();
    return { giveBackMs: 0 };
  }
  if (!turn.ok) return 'giveBackMs' in turn ? turn : { ending: expressionFailed(attempt, turn.error) };
  try {
    return await enterAndRun(attempt, signal, parts, run, runUntilReplaced);
  } finally {
    turn.release();
  }
}

/** Within the limits of function and trigger. */
async function enterAndRun(
  attempt: Started,
  signal: AbortSignal,
  parts: WorkerParts,
  run: { began: number },
  start: typeof runWork,
): Promise<RanAttempt | GivenBack> {
  const leave = await enterFunction(attempt.work.fn, attempt.work.trigger, parts, signal);
  if (leave === undefined) return { giveBackMs: 0 };
  parts.turns.delete(attempt);
  run.began = parts.clock.monotonic();
  try {
    return await start(attempt, signal, parts);
  } finally {
    leave();
  }
}

interface Started extends OnRoll {
  readonly lease: Lease;
  readonly work: Work;
  readonly source: StoredEventSource;
  readonly callId: string;
  readonly note: Note;
}

/** A schedule with `Replace` ends its run when the next slot comes. */
async function runUntilReplaced(started: Started, signal: AbortSignal, parts: WorkerParts): Promise<RanAttempt> {
  const next = replacedAt(started.work.trigger?.entry, started.source.attributes.scheduledTime);
  if (next === undefined) return await runWork(started, signal, parts);
  const replace = new AbortController();
  const note: Note = (outcome, ending, more) =>
    replace.signal.aborted
      ? started.note('superseded', { kind: 'superseded' }, more)
      : started.note(outcome, ending, more);
  const stop = callAt(
    next,
    parts.clock,
    (milliseconds, callback) => parts.after(milliseconds, callback),
    () => replace.abort(new Error('the next slot has come')),
  );
  try {
    const ran = await runWork({ ...started, note }, AbortSignal.any([signal, replace.signal]), parts);
    if (replace.signal.aborted && ran.ending.kind !== 'done') return { ending: { kind: 'superseded' } };
    return { ...ran, ending: retryBefore(ran.ending, next, parts.clock.wall()) };
  } finally {
    stop();
  }
}

async function runWork(
  { lease, work, source, callId, note }: Started,
  signal: AbortSignal,
  parts: WorkerParts,
): Promise<RanAttempt> {
  const { fn, trigger, handler } = work;
  const schedule = trigger?.entry.retryScheduleMs ?? fn.entry.retryScheduleMs;
  const began = parts.clock.monotonic();
  const { hops = 0, traceparent, budget = rootBudget } = source.attributes;
  const effects = new AttemptEffects({
    store: parts.store,
    lease,
    match: (event, room) => publishedDeliveries(parts, event, room),
    target: laterTarget,
    budget,
  });
  const children = splitBudget(budget, effects);
  const result: CallResult = await runProgram(fn, parts, {
    callId,
    target: { handler },
    arguments: [new EventTable(source)],
    limits: trigger?.limits ?? {},
    signal,
    ...(lease.crashes >= aloneFrom && parts.loneMark !== undefined ? { onSlice: parts.loneMark } : {}),
    context: {
      ...copyContext(fn.context),
      keyValue: effects.keyValue,
      later: effects,
      events: effects,
      collects: effects.keyValue,
      hops,
      budgetOf: () => children,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  });
  const ending = endingOfRun(result, lease.attempt, schedule, fn);
  note(outcomeOf(result, ending), ending, {
    ...usageFields(result.usage),
    ...(result.kind === 'ok' || result.kind === 'exit' ? {} : { error: result.error }),
  });
  countRun(parts, work, outcomeOf(result, ending), parts.clock.monotonic() - began, result.usage);
  // A failed attempt leaves nothing behind.
  const { attributes } = source;
  const ran = { ending, result, durationMs: parts.clock.monotonic() - began, attributes };
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
  recordDelivery(
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
