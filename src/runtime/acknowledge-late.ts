/**
 * `ackAfter`: a handler that has not answered by then runs on, while the sender gets its acknowledgement. The event is
 * stored first, leased to this very call, so a runtime that ends meanwhile does not lose it.
 */
import { formatDestination } from '../delivery/destination.ts';
import type { CallResult } from '../lua/types.ts';
import type { AppendItem, Ending, Lease, NewDelivery } from '../store/store.ts';
import { endingOfRun } from './attempt-ending.ts';
import { holdEvent, type HeldEvent } from './hold-event.ts';
import type { HttpCall } from './http-call.ts';
import { acknowledge } from './identify-event.ts';
import { RequestEvent } from './request-event.ts';
import { attributesOf } from './stored-event.ts';
import { deadCallItem } from './system-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface LateAcknowledgement {
  /** The handler has ended: settles the stored event if there is one. */
  end(result: CallResult): void;
  /** Nobody knows how it ended: what is stored runs again. */
  fail(error: Error): void;
}

/** After a defect that is not the function's. */
const pauseAfterDefectMs = 5_000;

/** Starts the budget of the trigger; undefined: it has none. */
export function acknowledgeLate(call: HttpCall, parts: WorkerParts): LateAcknowledgement | undefined {
  const budget = call.trigger?.extras?.ackAfterMs;
  if (budget === undefined || call.listener !== 'public') return undefined;
  let ended: Ending | undefined;
  let held: Lease | undefined;
  let event: HeldEvent | undefined;

  async function overBudget(): Promise<void> {
    held = await storeLeased(call, parts);
    if (held !== undefined) event = holdEvent(held, parts.settings.asynchronous.leaseMs, parts);
    // The handler answered while the event was being stored.
    if (ended !== undefined) return await settle(ended);
    call.continues = true;
    call.note('ackAfter', true, `no answer within ${budget} ms: acknowledged, the handler runs on`);
    return acknowledge(call, parts, 'accepted');
  }

  async function settle(ending: Ending): Promise<void> {
    if (held === undefined) return;
    await event?.settle(ending, ending.kind === 'dead' ? deadCallItem(held, ending, parts) : undefined);
  }

  function end(ending: Ending): void {
    ended = ending;
    stop();
    settle(ending).catch((error: unknown) => parts.report('the end of a call over its ackAfter was not stored', error));
  }

  const spent = parts.clock.monotonic() - call.startedAt;
  const stop = parts.after(Math.max(0, (budget ?? 0) - spent), () => {
    // Not stored: the sender waits for the handler, as without a budget.
    overBudget().catch((error: unknown) => parts.report('an event over its ackAfter was not stored', error));
  });
  return {
    end: (result) => end(endingOfRun(result, 1, call.trigger?.entry.retryScheduleMs ?? [], call.fn)),
    fail: ({ message }) => end({ kind: 'retry', delayMs: pauseAfterDefectMs, error: message }),
  };
}

/** Undefined: the store knows this delivery from before, there is nothing to settle. */
async function storeLeased(call: HttpCall, parts: WorkerParts): Promise<Lease | undefined> {
  const [appended] = await parts.store.append([itemOfCall(call, { leaseMs: parts.settings.asynchronous.leaseMs })]);
  if (appended === undefined) throw new Error('the store answered nothing');
  call.eventId = appended.id;
  const [lease] = appended.leased;
  if (lease === undefined && appended.duplicateOf === undefined) throw new Error('the store gave no lease');
  return lease;
}

/** The event of a request of a synchronous trigger, for that trigger. */
export function itemOfCall(call: HttpCall, leased: Pick<NewDelivery, 'leaseMs'> = {}): AppendItem {
  const { fn, trigger } = call;
  if (fn === undefined || trigger === undefined) throw new Error('the call has no trigger');
  const { namespaceUid, name: functionName } = fn.entry;
  const event = new RequestEvent(call);
  const destination = formatDestination({ namespaceUid, functionName, target: { trigger: trigger.entry.name } });
  return {
    event: {
      // A trigger that publishes has stored its event under the call's id.
      id: call.eventId === undefined ? call.id : `${call.id}-late`,
      namespaceUid,
      type: event.eventType,
      source: event.eventSource,
      time: call.time,
      attributes: JSON.stringify(attributesOf(call)),
      body: new Uint8Array(call.body),
    },
    deliveries: [{ destination, ...leased }],
    ...(call.duplicateKey === undefined ? {} : { duplicate: call.duplicateKey }),
  };
}
