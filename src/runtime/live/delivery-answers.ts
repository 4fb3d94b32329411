/** What a runtime tells of deliveries: lists of them, one with its event and its attempts, stories to the end. */
import { shownId } from '../../delivery/chosen-id.ts';
import { callbackType } from '../add-callback.ts';
import type { CallRecord } from '../call-record.ts';
import type { EventAttributes } from '../stored-event.ts';
import { tellAttributes, tellStories } from '../tell-story.ts';
import { deliveryStates, type DeliveryFilter, type DeliveryState, type StoredEvent } from '../../store/store.ts';
import {
  deliveryName,
  deliveryNumber,
  runApiVersion,
  tellDelivery,
  viewDelivery,
  viewEvent,
  type DeliveryView,
} from './delivery-view.ts';
import { restingOf } from './ask-why-resting.ts';
import { coverSubject } from './destination-view.ts';
import { findCallbacks, findDeliveries, namespacesOf, type FoundDeliveries } from './find-deliveries.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';
import type { LiveView } from './live-view.ts';
import { toPlainRecord } from './plain-record.ts';
import { readSubjectFields, readTimes } from './read-selection.ts';

export interface DeliveryQuery {
  readonly id?: string;
  readonly more: Omit<DeliveryFilter, 'namespaceUid'>;
  readonly subject?: { readonly kind: 'function' | 'subscription'; readonly name: string; readonly trigger?: string };
  readonly limit: number;
  readonly after?: number;
}

/** A text: what is wrong with the query. */
export function readDeliveryQuery(query: Readonly<Record<string, string | undefined>>): DeliveryQuery | string {
  const { id, state, limit = '100', latest } = query;
  const states = state === undefined || state === '' ? [] : state.split(',');
  const unknown = states.find((word) => !(deliveryStates as readonly string[]).includes(word));
  if (unknown !== undefined) return `there is no state "${unknown}"; known are ${deliveryStates.join(', ')}`;
  if (!/^[1-9][0-9]{0,3}$/.test(limit) || Number(limit) > 1000) return 'limit must be a number from 1 to 1000';
  const from = query['continue'];
  const after = from === undefined ? undefined : deliveryNumber(from);
  if (from !== undefined && after === undefined) return `continue must be what the page before answered, not "${from}"`;
  const times = readTimes(query);
  if (typeof times === 'string') return times;
  const subject = readSubjectFields(query);
  if (typeof subject === 'string') return subject;
  return {
    ...(id === undefined ? {} : { id }),
    ...(subject === undefined ? {} : { subject }),
    more: {
      ...times,
      ...(states.length === 0 ? {} : { states: states as DeliveryState[] }),
      ...(latest === 'true' ? { latest: true } : {}),
    },
    limit: Number(limit),
    ...(after === undefined ? {} : { after }),
  };
}

/** Newest first; `metadata.continue` asks for the page after. */
export async function listDeliveries(
  view: LiveView,
  namespace: string | undefined,
  query: DeliveryQuery,
): Promise<LiveAnswer> {
  const { id, more, subject, limit, after } = query;
  if (id !== undefined) {
    const found = await findDeliveries(view, namespace, id);
    const narrowed = found.map(async ({ namespace: own, uid, filter }) => {
      const wanted = { ...filter, ...more, ...(subject === undefined ? {} : coverSubject(uid, subject)) };
      const rows = await view.store.read(wanted, { limit, newestFirst: true });
      const resting = await restingOf(view, rows);
      return rows.map((row) => viewDelivery(row, own, view.table(), resting));
    });
    return listOf((await Promise.all(narrowed)).flat().slice(0, limit), undefined);
  }
  const page = { limit: Math.min(limit + 1, 1000), newestFirst: true, ...(after === undefined ? {} : { after }) };
  const pages = await Promise.all(
    namespacesOf(view, namespace).map(async ({ namespace: own, uid }) => {
      const filter = { namespaceUid: uid, ...more, ...(subject === undefined ? {} : coverSubject(uid, subject)) };
      return (await view.store.read(filter, page)).map((row) => ({ row, own }));
    }),
  );
  const all = pages.flat().sort((one, other) => other.row.delivery - one.row.delivery);
  const shown = all.slice(0, limit);
  const resting = await restingOf(
    view,
    shown.map(({ row }) => row),
  );
  const items = shown.map(({ row, own }) => viewDelivery(row, own, view.table(), resting));
  const full = all.length > limit || pages.some((each) => each.length === 1000);
  return listOf(items, full ? items.at(-1)?.metadata.name : undefined);
}

function listOf(items: readonly DeliveryView[], next: string | undefined): LiveAnswer {
  const metadata = next === undefined ? {} : { continue: next };
  return { status: 200, body: { apiVersion: runApiVersion, kind: 'DeliveryList', metadata, items } };
}

/** Of a body that is shown: the longest answer holds it besides the records. */
const shownBodyBytes = 1024 * 1024;

/** What the event of a delivery is, its attempts as far as records are kept, and its story; the body where it is asked for. */
export async function describeDelivery(
  view: LiveView,
  namespace: string,
  id: string,
  withBody: boolean,
): Promise<LiveAnswer> {
  const [found] = await findDeliveries(view, namespace, id);
  const row = found?.rows[0];
  if (found === undefined || row === undefined) return unknownId(id, namespace);
  if (found.rows.length > 1) {
    const names = found.rows.map((each) => viewDelivery(each, namespace, view.table()).metadata.name);
    const shown = names.slice(0, 10).join(', ');
    return { status: 400, message: `"${id}" is an event with ${names.length} deliveries: name one of ${shown}` };
  }
  const whole = await wholeEvents(view, [found]);
  const delivery = whole.find(({ metadata }) => metadata.name === deliveryName(row.delivery));
  // It was trimmed this very moment.
  if (delivery === undefined) return unknownId(id, namespace);
  const event = await view.store.event(found.uid, row.eventId);
  const records = await view.findRecords({ id: shownId(row.eventId), namespace, limit: 1000 });
  const attempts = records.filter((record) => isAttemptOf(record, delivery));
  return {
    status: 200,
    body: {
      ...delivery,
      event: {
        ...delivery.event,
        ...(event === undefined ? {} : plainEvent(event)),
        ...(event === undefined || !withBody ? {} : plainBody(event)),
      },
      records: attempts.map(toPlainRecord),
      lines: [...tellEvent(event, row.eventId), ...tellDelivery(delivery, view.now()), ...attemptLines(attempts)],
    },
  };
}

/** Records and deliveries of whatever the id stands for: one story, to the end. */
export async function explainId(view: LiveView, namespace: string | undefined, id: string): Promise<LiveAnswer> {
  const asked = await findDeliveries(view, namespace, id);
  const found = [...asked, ...(await findCallbacks(view, asked))];
  const scope = namespace === undefined ? {} : { namespace };
  const ids = new Set([id, ...found.flatMap(({ rows }) => rows.map(({ eventId }) => shownId(eventId)))]);
  const each = await Promise.all([...ids].map((one) => view.findRecords({ id: one, ...scope })));
  const records = [...new Map(each.flat().map((record) => [record.callId, record])).values()];
  if (records.length === 0 && found.length === 0) return unknownId(id, namespace);
  // The id by which its receiver knows it: the story is that of the event.
  const sent = found.length > 0 ? undefined : records.find(({ outgoing }) => outgoing?.id === id);
  if (sent?.eventId !== undefined && sent.eventId !== id) return explainId(view, sent.namespace, sent.eventId);
  const deliveries = await wholeEvents(view, found);
  const events = await Promise.all(
    [...new Map(found.map((place) => [`${place.uid} ${place.rows[0]?.eventId}`, place])).values()].map((place) =>
      view.store.event(place.uid, place.rows[0]?.eventId ?? ''),
    ),
  );
  const lines = [
    ...beginningOf(events, records, id),
    ...tellStories(records),
    ...(records.length > 0 && deliveries.length > 0 ? [''] : []),
    ...deliveries.flatMap((delivery) => tellDelivery(delivery, view.now())),
  ];
  return { status: 200, body: { calls: records.map(toPlainRecord), deliveries, lines } };
}

/** The events themselves, where no record tells how they came. */
function beginningOf(
  events: readonly (StoredEvent | undefined)[],
  records: readonly CallRecord[],
  id: string,
): readonly string[] {
  if (records.length === 0) return events.flatMap((event) => tellEvent(event, event?.id ?? id));
  if (records.some(({ attempt }) => attempt === undefined)) return [];
  const kept = events.filter((event) => event !== undefined && event.type !== callbackType);
  return kept.length === 0 ? [] : [...kept.flatMap((event) => tellEvent(event, id)), ''];
}

/** Every delivery of the events that were found by one of them. */
async function wholeEvents(view: LiveView, found: readonly FoundDeliveries[]): Promise<readonly DeliveryView[]> {
  const events = new Map(
    found.flatMap((place) => place.rows.map(({ eventId }) => [`${place.uid} ${eventId}`, { place, eventId }] as const)),
  );
  const each = await Promise.all(
    [...events.values()].map(async ({ place, eventId }) => {
      const rows = await view.store.read({ namespaceUid: place.uid, eventId }, { limit: 1000 });
      return viewEvent(rows, place.namespace, view.table(), await restingOf(view, rows));
    }),
  );
  return each.flat();
}

export function unknownId(id: string, namespace: string | undefined): LiveAnswer {
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  return { status: 404, message: `no call, event or delivery "${id}" is remembered${where}` };
}

function isAttemptOf(record: CallRecord, { to }: DeliveryView): boolean {
  if (record.attempt === undefined) return false;
  if (to.kind === 'WebhookSubscription') return record.subscription === to.name;
  if (to.kind === 'Callback') return record.kind === 'callback' && record.functionName === to.name;
  return (
    record.functionName === to.name &&
    record.kind !== 'callback' &&
    (to.trigger === undefined ? record.handler === to.handler : record.trigger === to.trigger)
  );
}

function attemptLines(attempts: readonly CallRecord[]): readonly string[] {
  return attempts.length === 0 ? [] : ['', ...tellStories(attempts)];
}

function plainEvent({ source, time, attributes, body }: StoredEvent): Readonly<Record<string, unknown>> {
  const { name, subject, extra, deliveryId, callId, contentType } = JSON.parse(attributes) as EventAttributes;
  return {
    source,
    ...(time === undefined ? {} : { time: new Date(time).toISOString() }),
    ...(name === undefined ? {} : { name }),
    ...(subject === undefined ? {} : { subject }),
    ...(extra === undefined ? {} : { attributes: extra }),
    ...(deliveryId === undefined ? {} : { deliveryId }),
    ...(callId === undefined ? {} : { callId }),
    ...(contentType === undefined ? {} : { contentType }),
    bodyBytes: body.length,
  };
}

/** In the fields of a request that was refused, as records have it. */
function plainBody({ body }: StoredEvent): Readonly<Record<string, unknown>> {
  return {
    bodyBase64: Buffer.from(body.subarray(0, shownBodyBytes)).toString('base64'),
    bodyCut: body.length > shownBodyBytes,
  };
}

function tellEvent(event: StoredEvent | undefined, id: string): readonly string[] {
  if (event === undefined) return [`event ${id}: it is not kept any more`];
  const { name, subject, extra, deliveryId, callId, cause, request } = JSON.parse(event.attributes) as EventAttributes;
  const at = event.time === undefined ? '' : `${new Date(event.time).toISOString()} `;
  const facts = [
    name === undefined || name === event.type ? undefined : `event ${name}`,
    subject === undefined ? undefined : `subject ${subject}`,
    deliveryId === undefined ? undefined : `delivery ${deliveryId}`,
    callId === undefined || callId === event.id ? undefined : `set off by call ${callId}`,
    cause === undefined ? undefined : `because of event ${cause}`,
    `body ${event.body.length} bytes`,
  ].filter((fact) => fact !== undefined);
  return [
    `${at}event ${shownId(event.id)} · ${event.type} from ${event.source}`,
    ...(request === undefined ? [] : [`  ${request.method} by route ${request.route} from ${request.ip}`]),
    `  ${facts.join(', ')}`,
    ...(extra === undefined ? [] : [`  ${tellAttributes(extra)}`]),
  ];
}
