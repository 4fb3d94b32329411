/** The record of one attempt of a stored call. */
import { parseDestination } from '../delivery/destination.ts';
import { shownId } from '../delivery/chosen-id.ts';
import type { Ending, Lease } from '../store/store.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import type { CallRecord } from './call-record.ts';
import type { Work } from './find-work.ts';
import { hideInHostCalls } from './hide-in-result.ts';
import { placeRunError } from './place-error.ts';
import { StoredEventSource } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface Noted {
  readonly lease: Lease;
  readonly work: Work;
  readonly callId: string;
  readonly source: StoredEventSource;
  /** Monotonic milliseconds. */
  readonly began: number;
  readonly outcome: Outcome;
  readonly ending: Ending;
}

/** Records an attempt under way: how it ended, and more of it. */
export type Note = (outcome: Outcome, ending: Ending, more: Partial<CallRecord>) => void;

function kindOf({ source, work }: Noted): CallRecord['kind'] {
  if (source.attributes.scheduledTime !== undefined) return 'schedule';
  return work.trigger === undefined ? 'later' : 'event';
}

export function recordDelivery(parts: WorkerParts, noted: Noted, more: Partial<CallRecord>): void {
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
    kind: kindOf(noted),
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
    ...(attributes.extra === undefined ? {} : { eventAttributes: attributes.extra }),
    ...(attributes.deliveryId === undefined ? {} : { deliveryId: attributes.deliveryId }),
    ...(attributes.traceparent === undefined ? {} : { traceparent: attributes.traceparent }),
    ...(ending.kind === 'retry' ? { nextAttempt: now + ending.delayMs } : {}),
    ...(ending.kind === 'dead' ? { detail: `${ending.reason}: ${ending.error}` } : {}),
    ...more,
    ...(more.hostCalls === undefined ? {} : { hostCalls: hideInHostCalls(more.hostCalls, work.fn) }),
    ...(more.error === undefined ? {} : { error: placeRunError(more.error, work.fn) }),
  });
}

/** The record of a delivery that ends without being run; its function may be gone. */
export function recordUnrun(lease: Lease, ending: Ending, parts: WorkerParts): void {
  const [namespaceUid = ''] = lease.destination.split('/');
  const parsed = parseDestination(lease.destination);
  const fn = parsed && parts.table.inScope(namespaceUid, parsed.functionName);
  const source = new StoredEventSource(lease.event, undefined, lease.attempt);
  const { deliveryId, traceparent } = source.attributes;
  const namespace = parts.table.namespaceOf(namespaceUid) ?? parts.subscriptions.namespaceOf(namespaceUid) ?? '';
  parts.rare.attempt(ending.kind);
  parts.records.add({
    callId: parts.newCallId(),
    time: parts.clock.wall(),
    kind: parsed === undefined ? 'webhook' : 'event',
    namespaceUid,
    namespace,
    functionUid: fn?.entry.uid ?? '',
    ...(parsed === undefined ? {} : { functionName: parsed.functionName }),
    revision: fn?.entry.revision ?? '',
    ...(parsed !== undefined && 'trigger' in parsed.target ? { trigger: parsed.target.trigger } : {}),
    outcome: 'dead',
    durationMs: 0,
    worker: parts.index,
    eventId: source.eventId,
    eventName: source.eventName,
    attempt: lease.attempt,
    ...(deliveryId === undefined ? {} : { deliveryId }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(ending.kind === 'dead' ? { detail: `${ending.reason}: ${ending.error}` } : {}),
  });
}
