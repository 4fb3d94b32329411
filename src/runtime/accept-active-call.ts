/** Stores an asynchronous active call, or an event sent to a namespace's bus, then answers 202. */
import { chosenId, shownId } from '../delivery/chosen-id.ts';
import { formatDestination } from '../delivery/destination.ts';
import { findHandler } from '../routing/find-handler.ts';
import { appendEager } from './append-eager.ts';
import { answerCall } from './answer-call.ts';
import { wantedHandlers } from './choose-handler.ts';
import type { StoredEvent } from '../store/store.ts';
import { shareBudget } from '../triggers/event-budget.ts';
import { chooseCallback } from './choose-callback.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveFunction } from './live-function.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { readCloudEvent } from './read-cloud-event.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import { attributesOf, withBudget } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

/** How long an `Idempotency-Key` is remembered. */
const idempotencyMs = 72 * 3_600_000;

export function acceptActiveCall(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  if (call.publishTo !== undefined) return publishEvent(call, parts, call.publishTo);
  if (call.asynchronous && call.fn !== undefined) return storeCall(call, parts, call.fn);
  return undefined;
}

async function storeCall(call: HttpCall, parts: WorkerParts, fn: LiveFunction): Promise<void> {
  const { namespaceUid, name } = fn.entry;
  const wanted = wantedHandlers(call, parts, fn);
  if (wanted === undefined) return;
  const handler = findHandler(wanted, fn.program?.handlers ?? new Set()) ?? wanted.at(-1) ?? 'default';
  const destination = formatDestination({ namespaceUid, functionName: name, target: { handler } });
  if (chooseCallback(call, parts, fn.entry.callback, destination) === 'refused') return undefined;
  const key = call.header('idempotency-key');
  const event = new RequestEvent(call);
  const [appended] = await appendEager(
    [
      {
        event: {
          id: call.id,
          namespaceUid,
          type: event.eventType,
          source: event.eventSource,
          time: call.time,
          attributes: JSON.stringify(attributesOf(call)),
          body: new Uint8Array(call.body),
        },
        deliveries: [{ destination }],
        ...(key === undefined
          ? {}
          : { duplicate: { endpoint: `${destination} idempotency`, key, windowMs: idempotencyMs } }),
      },
    ],
    parts,
  );
  if (appended === undefined) {
    return refuse(call, parts, 'Internal', { outcome: 'error', detail: 'the store answered nothing' });
  }
  call.eventId = appended.id;
  if (appended.duplicateOf === undefined) return accepted(call, parts, 'accepted', { id: appended.id });
  call.duplicateOf = appended.duplicateOf;
  return accepted(call, parts, 'duplicate', { id: appended.duplicateOf }, appended.duplicateOf);
}

async function publishEvent(call: HttpCall, parts: WorkerParts, namespace: string): Promise<void> {
  const namespaceUid = parts.table.namespaceUid(namespace) ?? parts.subscriptions.namespaceUid(namespace);
  if (namespaceUid === undefined) {
    return refuse(call, parts, 'FunctionNotFound', {
      outcome: 'unmatched',
      publicDetail: `namespace "${namespace}" has no functions and no subscriptions`,
    });
  }
  const read = readCloudEvent(call, namespace);
  if (!read.ok) {
    const code = read.unsupported ? 'UnsupportedMediaType' : 'RequestInvalid';
    return refuse(call, parts, code, { outcome: 'unmatched', publicDetail: read.message });
  }
  const { event } = read;
  const stored: StoredEvent = {
    id: event.id === undefined ? call.id : chosenId(event.source, event.id),
    namespaceUid,
    type: event.type,
    source: event.source,
    time: call.time,
    attributes: JSON.stringify({ name: event.type, ...event.attributes, callId: call.id, hops: call.hops }),
    body: event.body,
  };
  const { deliveries, count } = await publishedDeliveries(parts, stored);
  const [appended] = await parts.store.append([
    {
      event: withBudget(stored, shareBudget(call.budget, count)),
      deliveries,
      // The same source and id are the same event (CloudEvents 1.0 §3.1).
      ...(event.id === undefined
        ? {}
        : {
            duplicate: { endpoint: `${namespaceUid} bus`, key: `${event.source} ${event.id}`, windowMs: idempotencyMs },
          }),
    },
  ]);
  if (appended === undefined) {
    return refuse(call, parts, 'Internal', { outcome: 'error', detail: 'the store answered nothing' });
  }
  const id = shownId(appended.id);
  call.eventId = id;
  if (count === 0)
    call.note('publish', false, `no event trigger and no subscription of ${namespace} matches ${event.type}`);
  const duplicateOf = appended.duplicateOf === undefined ? undefined : shownId(appended.duplicateOf);
  if (duplicateOf !== undefined) call.duplicateOf = duplicateOf;
  return accepted(
    call,
    parts,
    duplicateOf === undefined ? (count === 0 ? 'unmatched' : 'accepted') : 'duplicate',
    { id, deliveries: duplicateOf === undefined ? count : 0 },
    duplicateOf,
  );
}

/** An id that a caller chose, as a header may carry it. */
const headerText = (id: string): string => (/^[\x21-\x7e]*$/.test(id) ? id : encodeURIComponent(id));

function accepted(
  call: HttpCall,
  parts: WorkerParts,
  outcome: 'accepted' | 'duplicate' | 'unmatched',
  body: Readonly<Record<string, unknown>>,
  duplicateOf?: string,
): void {
  answerCall(
    call,
    parts,
    {
      status: 202,
      headers: [
        ['content-type', 'application/json'],
        ...(duplicateOf === undefined ? [] : [['x-moonhook-duplicate-of', headerText(duplicateOf)] as const]),
      ],
      body: `${JSON.stringify({ ...body, durable: parts.store.durable })}\n`,
    },
    { outcome },
  );
}
