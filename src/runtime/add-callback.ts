/** The callback of an asynchronous call: an ordinary outgoing delivery, written together with the end of the call. */
import { createHash } from 'node:crypto';
import { formatOutgoing } from '../delivery/outgoing-destination.ts';
import { parseDestination } from '../delivery/destination.ts';
import type { Attempt } from '../delivery/run-attempts.ts';
import { toHttpResponse } from '../function/result.ts';
import type { CallResult } from '../lua/types.ts';
import type { AppendItem, Lease } from '../store/store.ts';
import { rootBudget, shareBudget } from '../triggers/event-budget.ts';
import { encodeResult } from './encode-result.ts';
import { readAttributes, type EventAttributes } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export const callbackType = 'dev.moonhook.callback';

/** How a call ended, for whoever asked to be called back. */
export interface CallOutcome {
  readonly callId: string;
  /** As a synchronous call would have been answered. */
  readonly status: number;
  readonly durationMs: number;
  /** Attempts after the first, and how many there could have been. */
  readonly retries: number;
  readonly mostRetries: number;
  readonly trigger?: string;
}

/** An attempt with what its call returned. */
export interface RanAttempt extends Attempt {
  readonly result?: CallResult;
  readonly durationMs?: number;
  /** Of its event, where they have been read already. */
  readonly attributes?: EventAttributes;
}

interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: Uint8Array;
}

/** Adds the callback where one was asked for and the call has ended, done or dead. */
export function withCallback(attempt: RanAttempt, lease: Lease, parts: WorkerParts): Attempt {
  const { ending, effects, result, durationMs = 0 } = attempt;
  if (ending.kind !== 'done' && ending.kind !== 'dead') return attempt;
  const {
    callback,
    callId,
    hops = 0,
    traceparent,
    budget = rootBudget,
  } = attempt.attributes ?? readAttributes(lease.event);
  const from = parseDestination(lease.destination);
  // The event may be on the bus as well: only the call itself has an answer.
  if (callback?.destination !== lease.destination || from === undefined) return attempt;
  const fn = parts.table.inScope(from.namespaceUid, from.functionName);
  if (fn === undefined) return attempt;
  const trigger = 'trigger' in from.target ? from.target.trigger : undefined;
  const schedule = fn.entry.triggers.find(({ name }) => name === trigger)?.retryScheduleMs ?? fn.entry.retryScheduleMs;
  const answer = ending.kind === 'dead' ? failureOf(ending.reason) : answerOf(result);
  const outcome: CallOutcome = {
    callId: callId ?? lease.event.id,
    status: answer.status,
    durationMs,
    retries: lease.attempt - 1,
    mostRetries: schedule.length,
    ...(trigger === undefined ? {} : { trigger }),
  };
  const { namespaceUid, namespace, name } = fn.entry;
  const attributes: EventAttributes = {
    name: 'callback',
    hops: hops + 1,
    // It may go to a function that sets off more: one of the children of this call.
    budget: shareBudget(budget, (effects?.append?.length ?? 0) + 1),
    callback,
    outcome,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(answer.contentType === undefined ? {} : { contentType: answer.contentType }),
  };
  const item: AppendItem = {
    event: {
      id: callbackId({ eventId: lease.event.id, destination: lease.destination, generation: lease.generation }),
      namespaceUid,
      type: callbackType,
      source: `/${namespace}/${name}`,
      time: parts.clock.wall(),
      attributes: JSON.stringify(attributes),
      body: answer.body,
    },
    deliveries: [{ destination: formatOutgoing({ namespaceUid, kind: 'callback', name }) }],
    owed: true,
  };
  return { ending, effects: { ...effects, append: [...(effects?.append ?? []), item] } };
}

/** The event of the callback of a delivery: known from it, so that both are told together. */
export function callbackId({
  eventId,
  destination,
  generation,
}: {
  readonly eventId: string;
  readonly destination: string;
  readonly generation: number;
}): string {
  return createHash('sha256')
    .update(JSON.stringify([eventId, destination, generation, 'callback']))
    .digest('hex')
    .slice(0, 32);
}

const empty = new Uint8Array(0);
const longestBody = 1024 * 1024;

/** What `exit` or the return values stand for; a value that is no response was still a success. */
function answerOf(result: CallResult | undefined): Answer {
  if (result?.kind !== 'ok' && result?.kind !== 'exit') return { status: 204, body: empty };
  const read = toHttpResponse(result.values, longestBody, { encodeJson: encodeResult, ownsHost: false });
  if (!read.ok) return { status: 204, body: empty };
  const { status, headers, body } = read.response;
  const contentType = headers.find(([name]) => name === 'content-type')?.[1];
  return {
    status,
    ...(contentType === undefined ? {} : { contentType }),
    body: body === undefined ? empty : typeof body === 'string' ? Buffer.from(body) : body,
  };
}

/** The reason, and nothing of the error: whoever receives this need not be whoever may see the code. */
function failureOf(reason: string): Answer {
  const body = JSON.stringify({ title: 'The call ended without success', status: 500, code: reason });
  return { status: 500, contentType: 'application/problem+json', body: Buffer.from(body) };
}
