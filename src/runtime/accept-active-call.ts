/** Stores an asynchronous active call, or what is sent to a namespace's bus, then answers 202. */
import { formatDestination } from '../delivery/destination.ts';
import { findHandler } from '../routing/find-handler.ts';
import type { Appended } from '../store/store.ts';
import { appendEager } from './append-eager.ts';
import { acceptBusEvents } from './accept-bus-events.ts';
import { answerAccepted, keyWindowMs } from './answer-accepted.ts';
import { wantedHandlers } from './choose-handler.ts';
import { chooseCallback } from './choose-callback.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveFunction } from './live-function.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import { attributesOf } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export function acceptActiveCall(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  if (call.bus !== undefined) return acceptBusEvents(call, parts, call.bus.namespace);
  if (call.asynchronous && call.fn !== undefined) return storeCall(call, parts, call.fn);
  return undefined;
}

const plainCall = { name: 'call', type: 'dev.moonhook.call', idSigned: false };

async function storeCall(call: HttpCall, parts: WorkerParts, fn: LiveFunction): Promise<void> {
  const { namespaceUid, name } = fn.entry;
  const wanted = wantedHandlers(call, parts, fn);
  if (wanted === undefined) return;
  const handler = findHandler(wanted, fn.program?.handlers ?? new Set()) ?? wanted.at(-1) ?? 'default';
  const destination = formatDestination({ namespaceUid, functionName: name, target: { handler } });
  if (chooseCallback(call, parts, fn.entry.callback, destination) === 'refused') return undefined;
  const key = call.header('idempotency-key');
  // By it the caller finds its call again, as a sender does by its delivery id.
  if (key !== undefined) call.identified = { ...(call.identified ?? plainCall), deliveryId: key };
  const event = new RequestEvent(call);
  const item = {
    event: {
      id: call.id,
      namespaceUid,
      type: event.eventType,
      source: event.eventSource,
      time: call.time,
      attributes: JSON.stringify(attributesOf(call)),
      body: call.body,
    },
    deliveries: [{ destination }],
    ...(key === undefined
      ? {}
      : { duplicate: { endpoint: keysOf(destination, call), key, windowMs: keyWindowMs, oneBody: true } }),
  };
  const [appended] = await new Promise<readonly Appended[]>((resolve, reject) =>
    appendEager([item], parts, resolve, reject),
  );
  if (appended === undefined) {
    return refuse(call, parts, 'Internal', { outcome: 'error', detail: 'the store answered nothing' });
  }
  call.eventId = appended.id;
  if (appended.duplicateOf === undefined) {
    call.note('store', true, `stored for handler ${handler}${call.callback === undefined ? '' : ', with a callback'}`);
    return answerAccepted(call, parts, 'accepted', { id: appended.id });
  }
  const again = `the Idempotency-Key was used before, by ${appended.duplicateOf}`;
  if (appended.generation !== undefined) {
    call.note(
      'store',
      true,
      `${again}, which had died or was cancelled: it runs again as replay ${appended.generation}`,
    );
    return answerAccepted(call, parts, 'accepted', { id: appended.duplicateOf }, appended.duplicateOf);
  }
  call.note('duplicate', false, again);
  call.duplicateOf = appended.duplicateOf;
  // As the HTTP API working group's draft has it: taken for a repetition, another call would never run.
  if (appended.otherBody === true) {
    const publicDetail = `the call ${appended.duplicateOf} had this key and another body: take a new key`;
    return refuse(call, parts, 'IdempotencyKeyReused', { outcome: 'duplicate', publicDetail });
  }
  return answerAccepted(call, parts, 'duplicate', { id: appended.duplicateOf }, appended.duplicateOf);
}

/** Each caller has keys of its own: who guesses another's would otherwise have that call taken for a repetition. */
function keysOf(destination: string, { principal }: HttpCall): string {
  return principal === undefined ? `${destination} idempotency` : `${destination} idempotency of ${principal}`;
}
