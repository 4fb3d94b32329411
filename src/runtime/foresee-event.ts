/** What would become of an event: who would get it, and why the others of its namespace would not. Nothing is stored. */
import { formatDestination } from '../delivery/destination.ts';
import type { StoredEvent } from '../store/store.ts';
import type { EventTriggerEntry } from '../routing/types.ts';
import { evaluate, isTrue, type Evaluated } from './evaluate.ts';
import { evaluateSubscription } from './evaluate-subscription.ts';
import { EventTable } from './event-table.ts';
import type { LiveFunction } from './live-function.ts';
import type { LiveSubscription } from './live-subscriptions.ts';
import { subscriptionExpressions } from './load-subscription.ts';
import { readAttributes, StoredEventSource } from './stored-event.ts';
import { restingOf } from './why-resting.ts';
import type { WorkerParts } from './worker-parts.ts';

/** One trigger or subscription. `why`: why it would not get the event, or what the event would wait for there. */
export interface Foreseen {
  readonly to: { readonly kind: string; readonly name: string; readonly trigger?: string };
  readonly receives: boolean;
  readonly why?: string;
}

/** So many filters are asked at most: whoever looks must not cost more than whoever publishes. */
const mostAsked = 100;
/** And so many are shown. */
const mostShown = 1000;

type Judged = Omit<Foreseen, 'to'>;

export async function foreseeEvent(parts: WorkerParts, event: StoredEvent): Promise<readonly Foreseen[]> {
  let asked = 0;
  const mayAsk = (): boolean => (asked += 1) <= mostAsked;
  const foreseen: Foreseen[] = [];
  const { namespaceUid, type } = event;
  const listening = new Set([...parts.table.listeners(namespaceUid, type)].map(({ trigger }) => trigger));
  const subscribed = parts.subscriptions.match(namespaceUid, type);
  for (const fn of parts.table.functions()) {
    if (fn.entry.namespaceUid !== namespaceUid) continue;
    for (const entry of fn.entry.triggers) {
      if (entry.kind !== 'event' || foreseen.length >= mostShown) continue;
      const to = { kind: 'WebhookFunction', name: fn.entry.name, trigger: entry.name };
      const judged = listening.has(entry)
        ? await judgeTrigger(parts, event, fn, entry, mayAsk)
        : { receives: false, why: `it wants ${entry.type}` };
      foreseen.push({ to, ...judged });
    }
  }
  for (const live of parts.subscriptions.inNamespace(namespaceUid)) {
    if (foreseen.length >= mostShown) break;
    const to = { kind: 'WebhookSubscription', name: live.entry.name };
    const judged = subscribed.has(live)
      ? await judgeSubscription(parts, event, live, mayAsk)
      : { receives: false, why: `it wants ${live.entry.events.join(', ')}` };
    foreseen.push({ to, ...judged });
  }
  return foreseen.toSorted((one, other) => Number(other.receives) - Number(one.receives));
}

async function judgeTrigger(
  parts: WorkerParts,
  event: StoredEvent,
  fn: LiveFunction,
  entry: EventTriggerEntry,
  mayAsk: () => boolean,
): Promise<Judged> {
  const { namespaceUid, name } = fn.entry;
  if (entry.source !== undefined && entry.source !== event.source) {
    return { receives: false, why: `it wants events from ${entry.source}` };
  }
  const filter = fn.trigger(entry.name)?.expressions.filter;
  if (filter !== undefined && fn.program !== undefined) {
    if (!mayAsk()) return unasked;
    const source = new StoredEventSource(event, entry.name, 1);
    const judged = judge(await evaluate(fn, parts, parts.newCallId(), filter, new EventTable(source)));
    if (judged !== undefined) return judged;
  }
  const destination = formatDestination({ namespaceUid, functionName: name, target: { trigger: entry.name } });
  const unresolved = fn.entry.unresolved?.message;
  return waiting(fn.suspended ? 'the function is suspended' : (unresolved ?? resting(parts, destination)));
}

async function judgeSubscription(
  parts: WorkerParts,
  event: StoredEvent,
  live: LiveSubscription,
  mayAsk: () => boolean,
): Promise<Judged> {
  const { entry } = live;
  const { channel } = readAttributes(event);
  if (entry.channels !== undefined && (channel === undefined || !entry.channels.includes(channel))) {
    return { receives: false, why: `it wants the channel ${entry.channels.join(' or ')}` };
  }
  const off = await parts.outgoing.health.switchedOff(entry.namespaceUid, entry.name);
  if (off?.identity === live.identity) return { receives: false, why: `it is switched off: ${off.error}` };
  if (entry.filter !== undefined && live.program !== undefined) {
    if (!mayAsk()) return unasked;
    const result = await evaluateSubscription(live, parts, subscriptionExpressions.filter, event, 1);
    const judged = judge(
      result.kind === 'ok'
        ? { ok: true, value: result.values[0] }
        : { ok: false, error: result.kind === 'exit' ? { message: 'exit is not for expressions' } : result.error },
    );
    if (judged !== undefined) return judged;
  }
  const unresolved = entry.unresolved?.message;
  return waiting(entry.suspended ? 'the subscription is suspended' : (unresolved ?? resting(parts, live.destination)));
}

const unasked: Judged = { receives: true, why: `its filter was not asked: ${mostAsked} others were` };

/** Undefined: it says yes. */
function judge(filtered: Evaluated): Judged | undefined {
  if (!filtered.ok)
    return { receives: false, why: `its filter fails, and so would each attempt: ${filtered.error.message}` };
  return isTrue(filtered.value) ? undefined : { receives: false, why: 'its filter turns the event away' };
}

const waiting = (why: string | undefined): Judged => ({
  receives: true,
  ...(why === undefined ? {} : { why: `it would wait: ${why}` }),
});

const resting = (parts: WorkerParts, destination: string): string | undefined =>
  restingOf([destination], parts).reasons[destination];
