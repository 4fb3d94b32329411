/** Stores what is sent to a namespace's bus: one CloudEvent, or all of a batch in one transaction, or nothing. */
import { chosenId, shownId } from '../delivery/chosen-id.ts';
import type { Matched } from '../delivery/publish.ts';
import type { AppendItem, StoredEvent } from '../store/store.ts';
import { shareBudget } from '../triggers/event-budget.ts';
import { answerCall } from './answer-call.ts';
import { appendBounded } from './append-eager.ts';
import { answerAccepted, keyWindowMs } from './answer-accepted.ts';
import { foreseeEvent } from './foresee-event.ts';
import type { HttpCall } from './http-call.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { readCloudEvents, type ReceivedEvent } from './read-cloud-event.ts';
import { refuse } from './refuse.ts';
import { withBudget } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

/** What became of one event. */
interface Published {
  readonly id: string;
  readonly deliveries: number;
  readonly duplicateOf?: string;
}

export async function acceptBusEvents(call: HttpCall, parts: WorkerParts, namespace: string): Promise<void> {
  const namespaceUid = parts.table.namespaceUid(namespace) ?? parts.subscriptions.namespaceUid(namespace);
  if (namespaceUid === undefined) {
    return refuse(call, parts, 'FunctionNotFound', {
      outcome: 'unmatched',
      publicDetail: `namespace "${namespace}" has no functions and no subscriptions`,
    });
  }
  call.bus = { namespace, uid: namespaceUid };
  const read = readCloudEvents(call, namespace);
  if (!read.ok) {
    const code = read.unsupported ? 'UnsupportedMediaType' : 'RequestInvalid';
    return refuse(call, parts, code, { outcome: 'unmatched', publicDetail: read.message });
  }
  const dryRun = readDryRun(call.target);
  if (dryRun === undefined) {
    const publicDetail = 'dryRun is All, or is left out';
    return refuse(call, parts, 'RequestInvalid', { outcome: 'unmatched', publicDetail });
  }
  if (dryRun) return foresee(call, parts, namespaceUid, read.events);
  const published = await publish(call, parts, namespaceUid, read.events);
  const [first] = published;
  if (read.batch) {
    const fresh = published.filter(({ duplicateOf }) => duplicateOf === undefined);
    const isWanted = published.length === 0 || fresh.some(({ deliveries }) => deliveries > 0);
    call.note('batch', true, `${fresh.length} of ${published.length} events are new`);
    const outcome = isWanted ? 'accepted' : fresh.length === 0 ? 'duplicate' : 'unmatched';
    return answerAccepted(call, parts, outcome, { events: published });
  }
  if (first === undefined) {
    return refuse(call, parts, 'Internal', { outcome: 'error', detail: 'the store answered nothing' });
  }
  const { duplicateOf, ...told } = first;
  const [event] = read.events;
  if (duplicateOf !== undefined) {
    call.note('duplicate', false, `an event of this id from ${event?.source} came before`);
    call.duplicateOf = duplicateOf;
    return answerAccepted(call, parts, 'duplicate', told, duplicateOf);
  }
  if (told.deliveries > 0) {
    const where = told.deliveries === 1 ? '1 destination' : `${told.deliveries} destinations`;
    call.note('publish', true, `${event?.type} from ${event?.source} goes to ${where}`);
  }
  return answerAccepted(call, parts, told.deliveries === 0 ? 'unmatched' : 'accepted', told);
}

/** As Kubernetes has it: `?dryRun=All`; undefined: something else is asked for. */
function readDryRun(target: string): boolean | undefined {
  const asked = new URLSearchParams(target.split('?')[1] ?? '').getAll('dryRun');
  if (asked.length === 0) return false;
  return asked.every((each) => each === 'All') ? true : undefined;
}

async function foresee(
  call: HttpCall,
  parts: WorkerParts,
  namespaceUid: string,
  received: readonly ReceivedEvent[],
): Promise<void> {
  const [first] = received;
  // In a cluster, who may publish may not therefore see who listens, and what their filters say.
  const publicDetail =
    parts.callerReviews === undefined
      ? 'with dryRun send one event, not a batch'
      : 'dryRun is for a run on one machine';
  if (first === undefined || received.length > 1 || parts.callerReviews !== undefined) {
    return refuse(call, parts, 'RequestInvalid', { outcome: 'unmatched', publicDetail });
  }
  const event = storedEvent(call, namespaceUid, first, 0);
  const destinations = await foreseeEvent(parts, event);
  call.note('publish', true, 'asked who would receive it: nothing is stored');
  const headers = [['content-type', 'application/json']] as const;
  const body = `${JSON.stringify({ id: shownId(event.id), dryRun: true, destinations })}\n`;
  answerCall(call, parts, { status: 200, headers, body }, { outcome: 'ok' });
}

async function publish(
  call: HttpCall,
  parts: WorkerParts,
  namespaceUid: string,
  events: readonly ReceivedEvent[],
): Promise<readonly Published[]> {
  const matched: (Matched & { readonly event: StoredEvent; readonly received: ReceivedEvent })[] = [];
  let total = 0;
  for (const [index, received] of events.entries()) {
    const event = storedEvent(call, namespaceUid, received, index);
    const { deliveries, count } = await publishedDeliveries(parts, event);
    if (count === 0) call.note('publish', false, `no event trigger and no subscription matches ${received.type}`);
    total += count;
    matched.push({ event, received, deliveries, count });
  }
  const budget = shareBudget(call.budget, total);
  const items = matched.map(({ event, received: { id, source }, deliveries, count }): AppendItem => ({
    event: withBudget(event, budget),
    deliveries,
    // The same source and id are the same event (CloudEvents 1.0 §3.1). What goes nowhere is not kept, and takes no id: sent
    // again when somebody listens, it arrives.
    ...(id === undefined || count === 0
      ? {}
      : { duplicate: { endpoint: `${namespaceUid} bus`, key: `${source} ${id}`, windowMs: keyWindowMs } }),
  }));
  const appended = items.length === 0 ? [] : await appendBounded(items, parts);
  const published = appended.map(({ id, duplicateOf }, index): Published => {
    const shown = shownId(id);
    if (duplicateOf !== undefined) return { id: shown, deliveries: 0, duplicateOf: shownId(duplicateOf) };
    return { id: shown, deliveries: matched[index]?.count ?? 0 };
  });
  call.eventId = published[0]?.id ?? call.eventId;
  return published;
}

/** An event without an id has that of the call; in a batch with its place. */
function storedEvent(call: HttpCall, namespaceUid: string, event: ReceivedEvent, index: number): StoredEvent {
  const own = index === 0 ? call.id : `${call.id}.${index}`;
  return {
    id: event.id === undefined ? own : chosenId(event.source, event.id),
    namespaceUid,
    type: event.type,
    source: event.source,
    time: call.time,
    attributes: JSON.stringify({
      name: event.type,
      ...event.attributes,
      ...(event.extra === undefined ? {} : { extra: event.extra }),
      callId: call.id,
      hops: call.hops,
    }),
    body: event.body,
  };
}
