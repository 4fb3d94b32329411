/** The record of one attempt to send something outside. */
import { shownId } from '../delivery/chosen-id.ts';
import { messageId } from '../delivery/format-outgoing.ts';
import type { CallError, CallUsage } from '../lua/types.ts';
import type { Ending, Lease } from '../store/store.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import type { CallRecord } from './call-record.ts';
import type { LiveSubscription } from './live-subscriptions.ts';
import { readAttributes } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface WebhookFindings {
  /** What the receiver answered. */
  readonly status?: number;
  readonly error?: CallError;
  readonly usage?: CallUsage;
  /** What turned the event away. */
  readonly by?: 'filter' | 'transform';
  /** Why an attempt failed that is done nevertheless: a ping. */
  readonly failed?: string;
}

const outcomes: Readonly<Record<Ending['kind'], Outcome>> = {
  done: 'ok',
  filtered: 'filtered',
  cancelled: 'cancelled',
  superseded: 'superseded',
  retry: 'error',
  dead: 'dead',
};

export function recordWebhook(
  { entry }: LiveSubscription,
  lease: Lease,
  began: number,
  ending: Ending,
  findings: WebhookFindings,
  parts: WorkerParts,
): void {
  const { namespaceUid, namespace, uid, name, revision, urlSecret, url } = entry;
  record(
    lease,
    began,
    ending,
    findings,
    {
      kind: 'webhook',
      namespaceUid,
      namespace,
      functionUid: uid,
      subscription: name,
      revision,
      outgoing: outgoingOf(url, urlSecret, findings),
    },
    parts,
  );
}

/** What is shown of a target: a URL from a Secret is one. */
export function outgoingOf(
  url: string,
  secret: boolean,
  { status }: WebhookFindings,
): NonNullable<CallRecord['outgoing']> {
  const parsed = URL.parse(url);
  const target = parsed === null ? '' : secret ? `${parsed.origin}/***` : `${parsed.origin}${parsed.pathname}`;
  return { target, ...(status === undefined ? {} : { status }) };
}

function errorOf(ending: Ending): string | undefined {
  if (ending.kind === 'retry') return ending.error;
  return ending.kind === 'dead' ? `${ending.reason}: ${ending.error}` : undefined;
}

/** `who`: the members that name the sender and the target. */
export function record(
  lease: Lease,
  began: number,
  ending: Ending,
  { error, usage, by, failed }: WebhookFindings,
  {
    outgoing,
    ...who
  }: Pick<CallRecord, 'kind' | 'namespaceUid' | 'namespace' | 'functionUid' | 'revision'> &
    Required<Pick<CallRecord, 'outgoing'>> &
    Partial<CallRecord>,
  parts: WorkerParts,
): void {
  const { name, extra, traceparent, deliveryId } = readAttributes(lease.event);
  const now = parts.clock.wall();
  const eventId = shownId(lease.event.id);
  const sentId = messageId(lease.event.id);
  const durationMs = parts.clock.monotonic() - began;
  const why = errorOf(ending) ?? (by === undefined ? failed : `the ${by} turned it away`);
  parts.rare.attempt(ending.kind);
  parts.records.add({
    callId: parts.newCallId(),
    time: now - durationMs,
    ...who,
    outgoing: sentId === eventId ? outgoing : { ...outgoing, id: sentId },
    outcome: failed === undefined ? outcomes[ending.kind] : 'error',
    durationMs,
    worker: parts.index,
    eventId,
    eventName: name ?? lease.event.type,
    attempt: lease.attempt,
    ...(extra === undefined ? {} : { eventAttributes: extra }),
    ...(deliveryId === undefined ? {} : { deliveryId }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(ending.kind === 'retry' ? { nextAttempt: now + ending.delayMs } : {}),
    ...(why === undefined ? {} : { detail: why }),
    ...(error === undefined ? {} : { error }),
    ...(usage === undefined || usage.log.length === 0 ? {} : { log: usage.log, logTruncated: usage.logTruncated }),
  });
}
