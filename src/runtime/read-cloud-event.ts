/** Reads CloudEvents sent to a namespace's bus: binary, structured or batched mode (CloudEvents HTTP binding 1.0.2 §3). */
import { chosenId } from '../delivery/chosen-id.ts';
import { isObject } from '../function/is-object.ts';
import { bodyKind } from '../receivers/decode-body.ts';
import { mediaType, mistakeInJson } from './decode-data.ts';
import { defaultEncodeOptions, encodeJson } from '../host/json-encode.ts';
import type { LuaValue } from '../lua/types.ts';
import { readExtraAttributes, type ExtraAttributes } from '../triggers/event-attributes.ts';
import { isMediaType, isTimestamp, isUri, isUriReference } from '../triggers/attribute-forms.ts';
import { checkEventType } from '../triggers/event-pattern.ts';
import type { HttpCall } from './http-call.ts';

export interface ReceivedEvent {
  readonly id?: string;
  readonly type: string;
  readonly source: string;
  /** Of every event. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Those its publisher added. */
  readonly extra?: ExtraAttributes;
  readonly body: Uint8Array;
}

interface Mistake {
  readonly ok: false;
  readonly unsupported: boolean;
  readonly message: string;
}

type ReadEvent = { readonly ok: true; readonly event: ReceivedEvent } | Mistake;

export type ReadEvents =
  | { readonly ok: true; readonly batch: boolean; readonly events: readonly ReceivedEvent[] }
  | Mistake;

const bad = (message: string): Mistake => ({ ok: false, unsupported: false, message });
/** Each is matched against the patterns of the namespace. */
const mostOfBatch = 1000;
const longest = 1024;
/** As they are stored: an index holds both. */
const longestId = 2_200;
/** No smaller than what was read: the body's own limit has ended what is too much. */
const dataOptions = { ...defaultEncodeOptions, maxBytes: Infinity, maxValues: Infinity };

/** `namespace` names the source where the sender gives none. */
export function readCloudEvents(call: HttpCall, namespace: string): ReadEvents {
  const type = mediaType(call.header('content-type'));
  if (type === 'application/cloudevents-batch+json') return readBatch(call.data, namespace);
  const read =
    type === 'application/cloudevents+json' ? readStructured(call.data, namespace) : readBinary(call, namespace);
  return read.ok ? { ok: true, batch: false, events: [read.event] } : read;
}

/** All of them or none: what a sender is told to mend it sends again as a whole. */
function readBatch(data: unknown, namespace: string): ReadEvents {
  if (!Array.isArray(data)) return bad('a batch of CloudEvents is a JSON array');
  if (data.length > mostOfBatch) return bad(`a batch has at most ${mostOfBatch} events, this one has ${data.length}`);
  const events: ReceivedEvent[] = [];
  for (const [index, item] of data.entries()) {
    const read = readStructured(item, namespace);
    if (!read.ok) return bad(`event ${index + 1} of ${data.length}: ${read.message}`);
    events.push(read.event);
  }
  return { ok: true, batch: true, events };
}

function readBinary(call: HttpCall, namespace: string): ReadEvent {
  if (call.header('ce-type') === undefined) {
    return {
      ok: false,
      unsupported: true,
      message: 'send a CloudEvent: header ce-type, application/cloudevents+json, or application/cloudevents-batch+json',
    };
  }
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, [value = '']] of call.headers) {
    if (name.startsWith('ce-')) fields[name.slice(3)] = decodeHeader(value);
  }
  // Its place is the header of that name, not `ce-datacontenttype`.
  const type = call.header('content-type');
  // What is declared as JSON was read when it came.
  fields['datacontenttype'] = type ?? typeOfUntyped(call.body);
  return finish(fields, new Uint8Array(call.body), namespace);
}

/** Blanks, quotes, percent signs and what is not ASCII come percent-encoded (HTTP binding 1.0.2 §3.1.3.2). */
function decodeHeader(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    // Not encoded by a sender that should have: as it is.
    return value;
  }
}

function readStructured(data: unknown, namespace: string): ReadEvent {
  if (!isObject(data)) return bad('a CloudEvent is a JSON object');
  // Documents with integers beyond 2^53 and some escapes come as Maps.
  const fields = (data instanceof Map ? Object.fromEntries(data) : data) as Readonly<Record<string, unknown>>;
  const encoded = fields['data_base64'];
  if (encoded !== undefined && fields['data'] !== undefined) return bad('data and data_base64 exclude each other');
  if (encoded !== undefined && typeof encoded !== 'string') return bad('data_base64 is not a string');
  if (encoded !== undefined && !isBase64(encoded)) return bad('data_base64 is not base64 (RFC 4648)');
  if (encoded === undefined) return finish(fields, new Uint8Array(bodyOf(fields, data instanceof Map)), namespace);
  const body = new Uint8Array(Buffer.from(encoded, 'base64'));
  const type = fields['datacontenttype'];
  if (type === undefined) return finish({ ...fields, datacontenttype: typeOfUntyped(body) }, body, namespace);
  const mistake = typeof type === 'string' ? mistakeInJson(type, body) : undefined;
  return mistake === undefined ? finish(fields, body, namespace) : bad(`data_base64 ${mistake}`);
}

/** Without a type data is JSON (§3.1), but bytes may be anything: as JSON they would stand in what is signed as they are. */
function typeOfUntyped(body: Uint8Array): string | undefined {
  return mistakeInJson('application/json', body) === undefined ? undefined : 'application/octet-stream';
}

/** Either alphabet, with or without padding. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;
}

/** A text of a type that is not JSON is the body itself; anything else is JSON (JSON format 1.0.2 §3.1). */
function bodyOf({ data, datacontenttype }: Readonly<Record<string, unknown>>, hasMaps: boolean): Buffer {
  if (data === undefined) return Buffer.alloc(0);
  const isText = typeof datacontenttype === 'string' && bodyKind(mediaType(datacontenttype)) !== 'json';
  if (typeof data === 'string' && isText) return Buffer.from(data);
  return Buffer.from(hasMaps ? encodeJson(data as LuaValue, dataOptions) : JSON.stringify(data));
}

function finish(fields: Readonly<Record<string, unknown>>, body: Uint8Array, namespace: string): ReadEvent {
  for (const name of ['id', 'type', 'source', 'subject', 'time', 'specversion', 'datacontenttype']) {
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value !== 'string') return bad(`${name} is not a text`);
    if (value === '') return bad(`${name} is empty`);
    if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) return bad(`${name} holds a control character`);
    if (!value.isWellFormed()) return bad(`${name} holds half of a character`);
    if (value.length > longest) return bad(`${name} is longer than ${longest} characters`);
  }
  const text = (name: string): string | undefined => fields[name] as string | undefined;
  const type = text('type');
  if (type === undefined) return bad('type is missing');
  if (text('specversion') !== undefined && text('specversion') !== '1.0') return bad('specversion is not 1.0');
  const mistake = checkEventType(type);
  if (mistake !== undefined) return bad(mistake);
  // Events of the platform itself come from the platform only.
  if (type.startsWith('dev.moonhook.')) return bad('types below dev.moonhook. are set by Moonhook only');
  const time = text('time');
  const contentType = text('datacontenttype');
  const form = checkForms(text('source'), time, contentType, fields['dataschema']);
  if (form !== undefined) return bad(form);
  const extra = readExtraAttributes(Object.entries(fields));
  if (!extra.ok) return bad(extra.message);
  const id = text('id');
  const subject = text('subject');
  if (id !== undefined && chosenId(text('source') ?? '', id).length > longestId) {
    return bad(
      `source and id are longer than ${longestId} characters together, those that are not ASCII counted as nine`,
    );
  }
  return {
    ok: true,
    event: {
      ...(id === undefined ? {} : { id }),
      type,
      source: text('source') ?? `/namespaces/${namespace}`,
      attributes: {
        ...(subject === undefined ? {} : { subject }),
        ...(time === undefined ? {} : { time }),
        ...(contentType === undefined ? {} : { contentType }),
      },
      ...(extra.attributes === undefined ? {} : { extra: extra.attributes }),
      body,
    },
  };
}

/** What is wrong with the form of an attribute (CloudEvents 1.0.2 §3.1); undefined: nothing. */
function checkForms(source = '/', time?: string, contentType?: string, schema?: unknown): string | undefined {
  if (!isUriReference(source)) {
    return 'source is not a URI-reference such as /till/1 or https://example.com/shop (RFC 3986): write blanks and other characters percent-encoded';
  }
  if (time !== undefined && !isTimestamp(time)) {
    return 'time is not a time such as 2026-01-31T12:00:00Z (RFC 3339)';
  }
  if (contentType !== undefined && !isMediaType(contentType)) {
    return 'datacontenttype is not a media type such as application/json (RFC 2046)';
  }
  if (schema === undefined || schema === null || (typeof schema === 'string' && isUri(schema))) return undefined;
  return 'dataschema is not a URI such as https://example.com/order.json (RFC 3986)';
}
