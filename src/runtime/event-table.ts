/** `event` as Lua sees it, made field by field when a script reads it: of a request now, or of a stored event later. */
import type { ExtraAttributes } from '../triggers/event-attributes.ts';
import { lazy, type LazyTable, type LuaInput } from '../lua/types.ts';

/** Where the fields of an event come from. */
export interface EventSource {
  readonly eventId: string;
  readonly eventName: string;
  readonly eventType: string;
  readonly eventSource: string;
  readonly eventSubject: string | undefined;
  /** Those its publisher added; only stored events have any. */
  readonly eventAttributes?: ExtraAttributes | undefined;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly triggerName: string | undefined;
  readonly attempt: number;
  /** Decoded content; undefined where there is none. */
  readEventData(): LuaInput;
  /** Undefined for events that never had bytes (schedules). */
  readonly eventBody: Uint8Array | undefined;
  /** Undefined for events that did not come over HTTP. */
  readonly eventRequest: RequestSource | undefined;
  readonly eventSender: SenderFields | undefined;
}

export interface SenderFields {
  readonly name: string;
  readonly verified: string;
  readonly subject?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** An HTTP request without its credentials. */
export interface RequestSource {
  readonly method: string;
  readonly path: string;
  readonly route: string;
  readonly params: ReadonlyMap<string, string>;
  readonly host: string;
  readonly ip: string;
  /** The first value; names in lower case. */
  headerFirst(name: string): string | undefined;
  headerNames(): readonly string[];
  headerValues(name: string): readonly string[] | undefined;
  queryNames(): readonly string[];
  queryValues(name: string): readonly string[] | undefined;
}

const eventKeys = [
  'id',
  'name',
  'type',
  'source',
  'subject',
  'attributes',
  'time',
  'trigger',
  'attempt',
  'data',
  'body',
  'request',
  'sender',
] as const;

/** The `event` table. */
export class EventTable implements LazyTable {
  readonly [lazy] = true as const;
  readonly #source: EventSource;

  constructor(source: EventSource) {
    this.#source = source;
  }

  keys(): readonly string[] {
    return eventKeys.filter((key) => this.get(key) !== undefined);
  }

  get(key: string): LuaInput {
    const source = this.#source;
    switch (key) {
      case 'request':
        return source.eventRequest === undefined ? undefined : new RequestTable(source.eventRequest);
      case 'data':
        return source.readEventData();
      case 'body':
        return source.eventBody;
      case 'sender':
        return source.eventSender as LuaInput;
      case 'id':
        return source.eventId;
      case 'name':
        return source.eventName;
      case 'type':
        return source.eventType;
      case 'source':
        return source.eventSource;
      case 'subject':
        return source.eventSubject;
      case 'attributes':
        return source.eventAttributes;
      case 'time':
        return new Date(source.time).toISOString();
      case 'trigger':
        return source.triggerName;
      case 'attempt':
        return source.attempt;
      default:
        return undefined;
    }
  }
}

const requestKeys = [
  'method',
  'path',
  'route',
  'params',
  'query',
  'query_all',
  'headers',
  'headers_all',
  'host',
  'ip',
] as const;

class RequestTable implements LazyTable {
  readonly [lazy] = true as const;
  readonly #request: RequestSource;

  constructor(request: RequestSource) {
    this.#request = request;
  }

  keys(): readonly string[] {
    return requestKeys;
  }

  get(key: string): LuaInput {
    const request = this.#request;
    switch (key) {
      case 'method':
        return request.method;
      case 'path':
        return request.path;
      case 'route':
        return request.route;
      case 'params':
        return request.params;
      case 'headers':
        return new ValuesTable(request, 'headers', false);
      case 'headers_all':
        return new ValuesTable(request, 'headers', true);
      case 'query':
        return new ValuesTable(request, 'query', false);
      case 'query_all':
        return new ValuesTable(request, 'query', true);
      case 'host':
        return request.host;
      case 'ip':
        return request.ip;
      default:
        return undefined;
    }
  }
}

/** Headers or query: the first value of a name, or all of them. */
class ValuesTable implements LazyTable {
  readonly [lazy] = true as const;
  readonly caseInsensitive: boolean;
  readonly #request: RequestSource;
  readonly #all: boolean;

  constructor(request: RequestSource, kind: 'headers' | 'query', all: boolean) {
    this.#request = request;
    this.#all = all;
    this.caseInsensitive = kind === 'headers';
  }

  keys(): readonly string[] {
    return this.caseInsensitive ? this.#request.headerNames() : this.#request.queryNames();
  }

  get(key: string): LuaInput {
    if (this.caseInsensitive) return this.#all ? this.#request.headerValues(key) : this.#request.headerFirst(key);
    const values = this.#request.queryValues(key);
    return this.#all ? values : values?.[0];
  }
}
