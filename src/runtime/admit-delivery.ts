/** Whether a stored event is run now: its slot, its key, its filter and its repetitions decide. */
import { createHash } from 'node:crypto';
import { shownId } from '../delivery/chosen-id.ts';
import { endAttempt } from '../delivery/retry-schedule.ts';
import type { CallError } from '../lua/types.ts';
import type { Ending, Lease } from '../store/store.ts';
import { objectGlobals } from './cluster-events/cluster-event.ts';
import { unknownKey } from './debounce-event.ts';
import { evaluate, isTrue } from './evaluate.ts';
import { EventTable } from './event-table.ts';
import { turnedAway } from './filter-event.ts';
import type { Work } from './find-work.ts';
import { keyText } from './limit-calls.ts';
import type { Note } from './record-delivery.ts';
import { laterSlot } from './schedule-policy.ts';
import type { StoredEventSource } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface Admission {
  readonly lease: Lease;
  readonly work: Work;
  readonly source: StoredEventSource;
  readonly callId: string;
  readonly note: Note;
}

/** Set: how it ends without being run. */
export async function admitDelivery(admission: Admission, parts: WorkerParts): Promise<Ending | undefined> {
  return (
    passSlot(admission, parts) ??
    (await checkKey(admission, parts)) ??
    (await filterDelivery(admission, parts)) ??
    (await claimEvent(admission, parts))
  );
}

/** A schedule that runs one slot at a time does not run those that were passed meanwhile. */
function passSlot({ lease, work, source, note }: Admission, parts: WorkerParts): Ending | undefined {
  const passed = laterSlot(work.trigger?.entry, source.attributes.scheduledTime, lease.attempt, parts.clock.wall());
  if (passed === undefined) return undefined;
  const ending: Ending = { kind: 'superseded' };
  const detail = `the slot of ${new Date(passed).toISOString()} has come since`;
  note('superseded', ending, { steps: [{ step: 'schedule', ok: false, detail }] });
  return ending;
}

/** The key of `debounce` could not be told when the event was stored: that is an error of the trigger, never a drop. */
async function checkKey(admission: Admission, parts: WorkerParts): Promise<Ending | undefined> {
  const { lease, work } = admission;
  const expression = work.trigger?.expressions.debounceKey;
  if (lease.orderKey !== unknownKey || expression === undefined) return undefined;
  const value = await evaluateOn(admission, expression, parts);
  return value.ok ? undefined : expressionFailed(admission, value.error);
}

async function filterDelivery(admission: Admission, parts: WorkerParts): Promise<Ending | undefined> {
  // Of a cluster event: they said yes when it was stored. One that failed then is asked again now.
  if (admission.source.attributes.judged === true) return undefined;
  const changed = admission.work.trigger?.expressions.changed;
  if (changed !== undefined) {
    const value = await evaluateOn(admission, changed, parts);
    if (!value.ok) return expressionFailed(admission, value.error);
  }
  const filter = admission.work.trigger?.expressions.filter;
  if (filter === undefined) return undefined;
  const value = await evaluateOn(admission, filter, parts);
  if (!value.ok) return expressionFailed(admission, value.error);
  if (isTrue(value.value)) return undefined;
  const ending: Ending = { kind: 'filtered' };
  admission.note('filtered', ending, { steps: [{ step: 'filter', ok: false, detail: turnedAway }] });
  return ending;
}

/**
 * `dedup` of an event trigger: the first event of a key claims it for the window, its retries own it, and when it dies the
 * next one runs. HTTP triggers recognise repetitions when they accept.
 */
async function claimEvent(admission: Admission, parts: WorkerParts): Promise<Ending | undefined> {
  const { lease, work, note } = admission;
  const entry = work.trigger?.entry;
  if (entry?.kind !== 'event' || entry.dedup === undefined) return undefined;
  const expression = work.trigger?.expressions.dedupKey;
  const value =
    expression === undefined
      ? { ok: true as const, value: lease.event.id }
      : await evaluateOn(admission, expression, parts);
  if (!value.ok) return expressionFailed(admission, value.error);
  const key = keyText(value.value);
  if (key === undefined) return undefined;
  const scope = { namespaceUid: lease.event.namespaceUid, space: '.dedup' };
  const name = createHash('sha256')
    .update(JSON.stringify([lease.destination, lease.generation, key]))
    .digest('base64url');
  const claimed = await parts.store.claim({
    scope,
    key: name,
    value: Buffer.from(lease.event.id),
    owner: lease.receipt.delivery,
    ttlMs: entry.dedup.windowMs,
  });
  if (claimed) return undefined;
  const first = await parts.store.get(scope, name);
  const ending: Ending = { kind: 'filtered' };
  const detail = 'another event had the same dedup key';
  note('duplicate', ending, {
    steps: [{ step: 'dedup', ok: false, detail }],
    ...(first === undefined ? {} : { duplicateOf: shownId(Buffer.from(first.value).toString()) }),
  });
  return ending;
}

function evaluateOn({ work, callId, source }: Admission, expression: string, parts: WorkerParts) {
  const globals = work.trigger?.entry.kind === 'kubernetes' ? objectGlobals(source) : {};
  return evaluate(work.fn, parts, callId, expression, new EventTable(source), globals);
}

/** An error of an expression is never a drop: a failed attempt, dead with `FilterError` in the end. */
export function expressionFailed(
  { lease, work, note }: Pick<Admission, 'lease' | 'work' | 'note'>,
  error: CallError,
): Ending {
  const schedule = work.trigger?.entry.retryScheduleMs ?? [];
  const ending = endAttempt({ kind: 'again', error: error.message }, lease.attempt, schedule, Math.random);
  const final: Ending = ending.kind === 'dead' ? { ...ending, reason: 'FilterError' } : ending;
  note(final.kind === 'dead' ? 'dead' : 'error', final, { code: 'FilterError', error });
  return final;
}
