/** An event as the request that takes it outside, in one of the shapes receivers know. Pure; signed elsewhere. */
import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import type { OutgoingFormat } from '../function/subscription-types.ts';

export interface OutgoingEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject?: string;
  /** Added by its publisher; only CloudEvents have a place for them. */
  readonly extra?: Readonly<Record<string, string | number | boolean>>;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** The sender's own word for it. */
  readonly name?: string;
  /** Media type of `body`. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** What a `transform` made of it. */
export interface TransformedBody {
  readonly contentType: string;
  readonly body: Uint8Array;
}

export interface OutgoingMessage {
  /** Lower case names. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/**
 * A transformed body is sent as it is; with `cloudEvents` it becomes the data. Without one, `standardWebhooks` sends
 * `{ type, timestamp, data }` (the payload its specification recommends), `cloudEvents` the structured mode, so that the
 * signature covers the attributes, and `github` the data alone.
 */
export function formatOutgoing(
  format: OutgoingFormat,
  event: OutgoingEvent,
  transformed: TransformedBody | undefined,
): OutgoingMessage {
  const time = new Date(event.time).toISOString();
  if (format === 'cloudEvents') {
    const { contentType, body } = transformed ?? event;
    const attributes = {
      ...event.extra,
      specversion: '1.0',
      id: event.id,
      source: event.source,
      type: event.type,
      time,
      ...(event.subject === undefined ? {} : { subject: event.subject }),
      ...(body.length === 0 ? {} : { datacontenttype: contentType }),
    };
    return {
      headers: [['content-type', 'application/cloudevents+json']],
      body: withData(attributes, contentType, body),
    };
  }
  const own = format === 'github' ? githubHeaders(event) : [];
  if (transformed !== undefined) {
    return { headers: [['content-type', transformed.contentType], ...own], body: transformed.body };
  }
  if (format === 'github') return { headers: [['content-type', event.contentType], ...own], body: event.body };
  const { type, contentType, body } = event;
  return {
    headers: [['content-type', 'application/json']],
    body: withData({ type, timestamp: time }, contentType, body),
  };
}

/** Standard Webhooks: an id is text without blanks and dots, as it is part of what is signed. Others are hashed. */
export function messageId(eventId: string): string {
  if (/^[A-Za-z0-9_:-]{1,200}$/.test(eventId)) return eventId;
  return `evt_${createHash('sha256').update(eventId).digest('base64url').slice(0, 32)}`;
}

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers */
function githubHeaders({ id, type, name }: OutgoingEvent): readonly (readonly [string, string])[] {
  // `pull_request.opened` is event `pull_request`; its action stands in the body.
  const word = type.startsWith('com.github.') ? (name ?? type.slice('com.github.'.length)).split('.')[0] : type;
  return [
    ['x-github-event', headerText(word ?? type)],
    ['x-github-delivery', messageId(id)],
  ];
}

const headerText = (text: string): string => text.replaceAll(/[^\x21-\x7e]/g, '_');

/** The data as it was written, not decoded and encoded again: numbers keep every digit. */
function withData(
  fields: Readonly<Record<string, string | number | boolean>>,
  contentType: string,
  body: Uint8Array,
): Uint8Array {
  const start = JSON.stringify(fields).slice(0, -1);
  if (body.length === 0) return Buffer.from(`${start}}`);
  if (isJson(contentType)) {
    return Buffer.concat([Buffer.from(`${start},"data":`), withoutMark(body), Buffer.from('}')]);
  }
  if (isUtf8(body)) return Buffer.from(`${start},"data":${JSON.stringify(Buffer.from(body).toString('utf8'))}}`);
  return Buffer.from(`${start},"data_base64":"${Buffer.from(body).toString('base64')}"}`);
}

/** A byte order mark may begin a text, and stands nowhere else in JSON (RFC 8259 §8.1). */
function withoutMark(body: Uint8Array): Uint8Array {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

/** What was read as JSON when it was accepted. */
function isJson(contentType: string): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || type === 'text/json' || type.endsWith('+json');
}
