/** Reads a CloudEvent sent to a namespace's bus: binary or structured mode (CloudEvents HTTP binding 1.0.2 §3). */
import { mediaType } from './decode-data.ts';
import { defaultEncodeOptions, encodeJson } from '../host/json-encode.ts';
import type { LuaValue } from '../lua/types.ts';
import { checkEventType } from '../triggers/event-pattern.ts';
import type { HttpCall } from './http-call.ts';

export interface ReceivedEvent {
  readonly id?: string;
  readonly type: string;
  readonly source: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type ReadEvent =
  | { readonly ok: true; readonly event: ReceivedEvent }
  | { readonly ok: false; readonly unsupported: boolean; readonly message: string };

const bad = (message: string): ReadEvent => ({ ok: false, unsupported: false, message });
const longest = 1024;
/** No smaller than what was read: the body's own limit has ended what is too much. */
const dataOptions = { ...defaultEncodeOptions, maxBytes: Infinity, maxValues: Infinity };

/** `namespace` names the source where the sender gives none. */
export function readCloudEvent(call: HttpCall, namespace: string): ReadEvent {
  const type = mediaType(call.header('content-type'));
  if (type === 'application/cloudevents-batch+json') {
    return { ok: false, unsupported: true, message: 'batches are not supported: send one event per request' };
  }
  if (type === 'application/cloudevents+json') return readStructured(call.data, namespace);
  if (call.header('ce-type') === undefined) {
    return {
      ok: false,
      unsupported: true,
      message: 'send a CloudEvent: header ce-type, or application/cloudevents+json',
    };
  }
  return finish(
    {
      id: call.header('ce-id'),
      type: call.header('ce-type'),
      source: call.header('ce-source'),
      subject: call.header('ce-subject'),
      specversion: call.header('ce-specversion'),
      datacontenttype: call.header('content-type'),
    },
    new Uint8Array(call.body),
    namespace,
  );
}

function readStructured(data: unknown, namespace: string): ReadEvent {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return bad('a CloudEvent is a JSON object');
  // Documents with integers beyond 2^53 and some escapes come as Maps.
  const fields = (data instanceof Map ? Object.fromEntries(data) : data) as Readonly<Record<string, unknown>>;
  const encoded = fields['data_base64'];
  if (encoded !== undefined && typeof encoded !== 'string') return bad('data_base64 is not a string');
  const value = fields['data'];
  const body =
    encoded !== undefined
      ? Buffer.from(encoded, 'base64')
      : typeof value === 'string' &&
          fields['datacontenttype'] !== undefined &&
          fields['datacontenttype'] !== 'application/json'
        ? Buffer.from(value)
        : value === undefined
          ? Buffer.alloc(0)
          : Buffer.from(data instanceof Map ? encodeJson(value as LuaValue, dataOptions) : JSON.stringify(value));
  return finish(fields, new Uint8Array(body), namespace);
}

function finish(fields: Readonly<Record<string, unknown>>, body: Uint8Array, namespace: string): ReadEvent {
  for (const name of ['id', 'type', 'source', 'subject', 'specversion', 'datacontenttype']) {
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value === '') return bad(`${name} is not a text`);
    if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) return bad(`${name} holds a control character`);
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
  const id = text('id');
  const subject = text('subject');
  const contentType = text('datacontenttype');
  return {
    ok: true,
    event: {
      ...(id === undefined ? {} : { id }),
      type,
      source: text('source') ?? `/namespaces/${namespace}`,
      attributes: {
        ...(subject === undefined ? {} : { subject }),
        ...(contentType === undefined ? {} : { contentType }),
      },
      body,
    },
  };
}
