/**
 * Real events of a function, to try a draft on: those that are stored, and those that are caught while somebody looks. Their
 * requests are without credentials, as they are stored, and values that are called like credentials are `***`: a function of an
 * open trigger may check them itself. Bodies are what senders sent.
 */
import { shownId } from '../../delivery/chosen-id.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';
import type { DeliveryState } from '../../store/store.ts';
import { caughtBodyBytes } from '../catch-in-worker.ts';
import { isCredentialName, isCredentialParameter, mask } from '../mask-credentials.ts';
import { readAttributes, type EventAttributes } from '../stored-event.ts';
import { addresseeOf, coverSubject, functionIn } from './destination-view.ts';
import type { LiveView } from './live-view.ts';

export interface PastEvent {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** In the sender's words. */
  readonly name: string;
  /** Absent: a call by name. */
  readonly trigger?: string;
  /** Of its request, where one brought it; credentials in the path are `***`, those in the query are left out. */
  readonly method?: string;
  readonly target?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly contentType?: string;
  readonly body: string;
  /** Of the whole body: `body` may be its beginning. */
  readonly bodyBytes: number;
  /** How its delivery stands; absent: it was caught, nothing of it is stored. */
  readonly state?: DeliveryState;
}

export interface PastEvents {
  readonly events: readonly PastEvent[];
  /** Those whose bodies are no text. */
  readonly binary: number;
  /** False: too many functions are looked at by others. */
  readonly catching: boolean;
}

const mostStored = 20;
/** Of the answer, as JSON. */
const mostBytes = 2 * 1024 * 1024;

interface Found {
  readonly id: string;
  readonly time: number;
  readonly type: string;
  readonly trigger?: string | undefined;
  readonly attributes: EventAttributes;
  readonly body: Uint8Array;
  readonly bodyBytes: number;
  readonly state?: DeliveryState;
}

/** The newest first. `catching`: undefined leaves that as it is, true begins it or goes on, false ends it. */
export async function listPastEvents(
  view: LiveView,
  namespace: string,
  name: string,
  catching: boolean | undefined,
): Promise<LiveAnswer> {
  const namespaceUid = view.namespaceUid(namespace);
  const entry = functionIn(view.table(), namespaceUid, name);
  if (entry !== undefined && catching === false) view.caught.end(entry.uid);
  const caught = entry !== undefined && catching === true ? view.caught.look(entry.uid, namespaceUid) : [];
  const stored = await storedEvents(view, namespaceUid, name);
  const known = new Set(stored.map(({ id }) => id));
  const all = [...stored, ...(caught ?? []).filter(({ id }) => !known.has(id))];
  const events: PastEvent[] = [];
  let [binary, bytes] = [0, 0];
  for (const found of all.toSorted((one, other) => other.time - one.time)) {
    const event = plainEvent(found);
    if (event === undefined) binary += 1;
    else if ((bytes += Buffer.byteLength(JSON.stringify(event))) > mostBytes) break;
    else events.push(event);
  }
  const body: PastEvents = { events, binary, catching: catching === true && caught !== undefined };
  return { status: 200, body };
}

async function storedEvents(view: LiveView, namespaceUid: string, name: string): Promise<readonly Found[]> {
  const filter = { namespaceUid, ...coverSubject(namespaceUid, { kind: 'function', name }) };
  const rows = await view.store.read(filter, { limit: mostStored, newestFirst: true });
  const triggered = rows.flatMap((row) => {
    const { trigger, handler } = addresseeOf(row.destination);
    // What a function left for later is no event of a sender.
    return handler === undefined ? [{ row, trigger }] : [];
  });
  const byEvent = new Map(triggered.toReversed().map((each) => [each.row.eventId, each]));
  const found = [...byEvent.values()].map(async ({ row, trigger }): Promise<Found[]> => {
    const event = await view.store.event(namespaceUid, row.eventId);
    if (event === undefined) return [];
    return [
      {
        id: shownId(event.id),
        time: event.time ?? row.time,
        type: event.type,
        trigger,
        attributes: readAttributes(event),
        body: event.body.subarray(0, caughtBodyBytes),
        bodyBytes: event.body.length,
        state: row.state,
      },
    ];
  });
  return (await Promise.all(found)).flat();
}

/** Undefined: its body is no text. */
function plainEvent({ id, time, type, trigger, attributes, body, bodyBytes, state }: Found): PastEvent | undefined {
  const text = textOf(body, body.length < bodyBytes);
  if (text === undefined) return undefined;
  const { name, request, contentType } = attributes;
  return {
    id,
    time,
    name: name ?? type,
    ...(trigger === undefined ? {} : { trigger }),
    ...(request === undefined ? {} : { method: request.method, target: targetOf(request) }),
    headers: (request?.headers ?? []).flatMap(([header, values]) =>
      values.map((value): [string, string] => [header, isCredentialName(header) ? mask : value]),
    ),
    ...(contentType === undefined ? {} : { contentType }),
    body: text,
    bodyBytes,
    ...(state === undefined ? {} : { state }),
  };
}

function targetOf({ path, query }: NonNullable<EventAttributes['request']>): string {
  const pairs = query.flatMap(([name, values]) =>
    values.map((value): [string, string] => [name, isCredentialParameter(name) ? mask : value]),
  );
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
}

/** `cut`: its last character may be half of one. */
function textOf(body: Uint8Array, cut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body, { stream: cut });
  } catch {
    return undefined;
  }
}
