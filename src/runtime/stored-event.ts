/** An event as it is stored and read again: its attributes as JSON beside the bytes of its body. */
import { shownId } from '../delivery/chosen-id.ts';
import { parseJson } from '../function/parse-json.ts';
import type { LuaInput } from '../lua/types.ts';
import type { StoredEvent } from '../store/store.ts';
import type { ExtraAttributes } from '../triggers/event-attributes.ts';
import { rootBudget } from '../triggers/event-budget.ts';
import type { CallOutcome } from './add-callback.ts';
import { decodeForLua } from './decode-data.ts';
import type { EventSource, RequestSource, SenderFields } from './event-table.ts';
import type { HttpCall } from './http-call.ts';
import { sensitiveHeaders } from './mask-credentials.ts';
import { RequestEvent, senderFields } from './request-event.ts';

/** What is stored of a request: no credential of it. */
interface StoredRequest {
  readonly method: string;
  readonly path: string;
  readonly route: string;
  readonly host: string;
  readonly ip: string;
  readonly params: readonly (readonly [string, string])[];
  readonly headers: readonly (readonly [string, readonly string[]])[];
  readonly query: readonly (readonly [string, readonly string[]])[];
}

/** JSON beside a stored event; schedules, `later` and published events have the first few only. */
export interface EventAttributes {
  readonly name?: string;
  readonly subject?: string;
  /** When its publisher says it happened, RFC 3339; absent: when it was stored. */
  readonly time?: string;
  /** Narrows a published event to subscriptions of that channel. */
  readonly channel?: string;
  readonly hops?: number;
  /** How many events may descend from each delivery; absent: that of a root. */
  readonly budget?: number;
  readonly traceparent?: string;
  readonly scheduledTime?: string;
  /** Of a cluster event: `changed` and `filter` of the trigger said yes before it was stored. */
  readonly judged?: boolean;
  readonly handler?: string;
  /** The trigger that an active call named: its handler runs, none of its rules hold. */
  readonly trigger?: string;
  /** Those the publisher added to those every event has. */
  readonly extra?: ExtraAttributes;
  readonly contentType?: string;
  readonly formField?: string;
  readonly deliveryId?: string;
  readonly sender?: SenderFields;
  readonly request?: StoredRequest;
  /** The call it came with: a request, or one whose code published it or put it off. */
  readonly callId?: string;
  /** Of a system event: the id of the event whose end it tells. */
  readonly cause?: string;
  /** Where the result of the call goes, and which destination's it is. */
  readonly callback?: { readonly url: string; readonly destination: string };
  /** Of a callback: how the call ended. */
  readonly outcome?: CallOutcome;
}

/** Attributes of the event of a verified request. */
export function attributesOf(call: HttpCall): EventAttributes {
  const event = new RequestEvent(call);
  const sender = senderFields(call);
  const { identified } = call;
  const contentType = identified?.contentType ?? call.head.contentType;
  const traceparent = call.head.traceparent;
  const attributes: Draft<EventAttributes> = {
    name: event.eventName,
    callId: call.id,
    request: {
      method: event.method,
      path: event.path,
      route: event.route,
      host: event.host,
      ip: event.ip,
      params: [...event.params],
      headers: keptHeaders(call, event),
      query:
        call.queryText === '' ? [] : event.queryNames().map((name) => [name, event.queryValues(name) ?? []] as const),
    },
  };
  // An object for each that may be missing would be more than all that is kept.
  if (contentType !== undefined) attributes.contentType = contentType;
  if (identified?.deliveryId !== undefined) attributes.deliveryId = identified.deliveryId;
  if (sender !== undefined) attributes.sender = sender;
  if (call.namedTrigger !== undefined) attributes.trigger = call.namedTrigger.entry.name;
  if (call.callback !== undefined) attributes.callback = call.callback;
  if (event.eventSubject !== undefined) attributes.subject = event.eventSubject;
  if (call.hops !== 0) attributes.hops = call.hops;
  if (call.budget !== rootBudget) attributes.budget = call.budget;
  if (traceparent !== undefined) attributes.traceparent = traceparent;
  if (identified?.formField !== undefined) attributes.formField = identified.formField;
  return attributes;
}

type Draft<Made> = { -readonly [Key in keyof Made]: Made[Key] };

/** In one pass over the lines: a table of them would be made for this alone. */
function keptHeaders(call: HttpCall, event: RequestEvent): StoredRequest['headers'] {
  const raw = call.request.rawHeaders;
  const kept: (readonly [string, string[]])[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    if (sensitiveHeaders.has(name) || event.hidesHeader(name)) continue;
    const value = raw[at + 1] as string;
    const before = valuesOf(kept, name);
    if (before === undefined) kept.push([name, [value]]);
    else before.push(value);
  }
  return kept;
}

function valuesOf(kept: readonly (readonly [string, string[]])[], name: string): string[] | undefined {
  for (const each of kept) if (each[0] === name) return each[1];
  return undefined;
}

/** They hold texts of senders and tenants. */
export function readAttributes(event: Pick<StoredEvent, 'attributes'>): EventAttributes {
  return parseJson(event.attributes) as EventAttributes;
}

/** The event with what may descend from each of its deliveries; that of a root is not written down. */
export function withBudget(event: StoredEvent, budget: number): StoredEvent {
  if (budget === rootBudget) return event;
  return { ...event, attributes: JSON.stringify({ ...readAttributes(event), budget }) };
}

/** A stored event as the source of Lua's `event`. */
export class StoredEventSource implements EventSource {
  readonly attributes: EventAttributes;
  readonly triggerName: string | undefined;
  readonly attempt: number;
  readonly #event: StoredEvent;

  constructor(event: StoredEvent, triggerName: string | undefined, attempt: number) {
    this.#event = event;
    this.attributes = readAttributes(event);
    this.triggerName = triggerName ?? this.attributes.trigger;
    this.attempt = attempt;
  }

  get eventId(): string {
    return shownId(this.#event.id);
  }
  get eventName(): string {
    return this.attributes.name ?? this.#event.type;
  }
  get eventType(): string {
    return this.#event.type;
  }
  get eventSource(): string {
    return this.#event.source;
  }
  get eventSubject(): string | undefined {
    return this.attributes.subject;
  }
  get eventAttributes(): ExtraAttributes | undefined {
    return this.attributes.extra;
  }
  get time(): number {
    const { time } = this.attributes;
    return time === undefined ? (this.#event.time ?? 0) : Date.parse(time);
  }
  get eventBody(): Uint8Array {
    return this.#event.body;
  }
  get eventSender(): SenderFields | undefined {
    return this.attributes.sender;
  }
  get eventRequest(): RequestSource | undefined {
    const { request } = this.attributes;
    return request === undefined ? undefined : new StoredRequestSource(request);
  }

  readEventData(): LuaInput {
    const { request, contentType, formField, scheduledTime } = this.attributes;
    // What the platform itself stored (schedules, `later`, published events) is JSON.
    const type = request === undefined ? (contentType ?? 'application/json') : contentType;
    const data = decodeForLua(type, this.#event.body, formField);
    if (scheduledTime === undefined) return data;
    if (data instanceof Map) return new Map([...data, ['scheduledTime', scheduledTime]]);
    return { ...(data as Readonly<Record<string, LuaInput>>), scheduledTime };
  }
}

class StoredRequestSource implements RequestSource {
  readonly #request: StoredRequest;
  readonly #headers: ReadonlyMap<string, readonly string[]>;
  readonly #query: ReadonlyMap<string, readonly string[]>;
  readonly params: ReadonlyMap<string, string>;

  constructor(request: StoredRequest) {
    this.#request = request;
    this.#headers = new Map(request.headers);
    this.#query = new Map(request.query);
    this.params = new Map(request.params);
  }

  get method(): string {
    return this.#request.method;
  }
  get path(): string {
    return this.#request.path;
  }
  get route(): string {
    return this.#request.route;
  }
  get host(): string {
    return this.#request.host;
  }
  get ip(): string {
    return this.#request.ip;
  }
  headerFirst(name: string): string | undefined {
    return this.#headers.get(name)?.[0];
  }
  headerNames(): readonly string[] {
    return [...this.#headers.keys()];
  }
  headerValues(name: string): readonly string[] | undefined {
    return this.#headers.get(name);
  }
  queryNames(): readonly string[] {
    return [...this.#query.keys()];
  }
  queryValues(name: string): readonly string[] | undefined {
    return this.#query.get(name);
  }
}
