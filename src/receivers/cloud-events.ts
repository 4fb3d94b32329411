/**
 * `cloudEvents`: events over HTTP in structured, binary and batched mode, with the handshake of web hooks.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md and
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
 */
import { basic } from './basic.ts';
import { batchName, jsonItems, textAt } from './batch-items.ts';
import { bearer } from './bearer.ts';
import { deliveryId, eventName } from './event-name.ts';
import { genericProfile } from './generic-profile.ts';
import { hmac } from './hmac.ts';
import { httpSignature } from './http-signature.ts';
import { jwt } from './jwt.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import type { Fields } from './read-fields.ts';
import { firstHeader, mediaType, single } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { standardWebhooks } from './standard-webhooks.ts';
import type { HostAnswer, Identified, RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';

const structuredType = 'application/cloudevents+json';
const batchType = 'application/cloudevents-batch+json';
const maxRate = 1_000_000;

/**
 * `OPTIONS` with `WebHook-Request-Origin`: may this origin send here? The callback that a sender may offer is not visited:
 * a stranger would say where we call.
 */
function handshake(request: RawRequest, fields: Fields): HostAnswer | undefined {
  if (request.method !== 'OPTIONS') return undefined;
  const origin = single(request.headers.get('webhook-request-origin'));
  if (origin.kind !== 'one' || !/^[A-Za-z0-9.:_/-]{1,253}$/.test(origin.value)) return undefined;
  // Refused: the headers stay away.
  if (!isAllowed(fields, origin.value)) return { status: 200, headers: { allow: 'POST' } };
  const rate = single(request.headers.get('webhook-request-rate'));
  const asked = rate.kind === 'one' && /^\d{1,9}$/.test(rate.value) ? Math.min(Number(rate.value), maxRate) : undefined;
  return {
    status: 200,
    headers: {
      'webhook-allowed-origin': origin.value,
      ...(asked === undefined ? {} : { 'webhook-allowed-rate': String(asked) }),
      allow: 'POST',
    },
  };
}

function isAllowed(fields: Fields, origin: string): boolean {
  const { origins } = fields as { readonly origins?: readonly string[] };
  return origins === undefined || origins.includes(origin);
}

const eventKey = (source: string | undefined, id: string | undefined): string | undefined =>
  // Only both together are unique.
  id === undefined ? undefined : `${source ?? ''}#${id}`;

function identify(request: RawRequest): Identified {
  const { body } = request;
  const type = mediaType(request);
  if (type === batchType) {
    const items = jsonItems(body, [], 'cloudevents', (item) => ({
      name: textAt(item, 'type'),
      id: eventKey(textAt(item, 'source'), textAt(item, 'id')),
    }))?.map((item) => ({ ...item, type: item.name, contentType: structuredType }));
    const name = items === undefined ? 'request' : batchName(items);
    return { name, type: name, idSigned: true, ...(items === undefined ? {} : { items }) };
  }
  const structured = type === structuredType;
  const read = (name: string): string | undefined =>
    structured ? readJsonText(body, [name]) : decodeHeader(firstHeader(request, `ce-${name}`));
  const [source, subject] = [read('source'), read('subject')];
  const name = eventName(read('type') ?? 'request');
  const id = deliveryId(eventKey(source, read('id')));
  return {
    name,
    type: name,
    ...(source === undefined ? {} : { source }),
    ...(subject === undefined ? {} : { subject }),
    ...(id === undefined ? {} : { deliveryId: id }),
    // Headers of the binary mode are outside of most proofs.
    idSigned: structured,
  };
}

/** Header values are percent-encoded where they are not plain ASCII (HTTP binding §3.1.3.2). */
function decodeHeader(value: string | undefined): string | undefined {
  if (value === undefined || !value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    // Not an escape: as it stands.
    return value;
  }
}

export const cloudEvents = defineProvedReceiver({
  profile: genericProfile({
    name: 'cloudEvents',
    title: 'CloudEvents',
    documentation: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md',
    duplicateBy: 'id',
    handshakeMethods: ['OPTIONS'],
    secretsRequired: 0,
  }),
  guide: {
    secret: 'The bearer token of the sender, or what `proof` asks for.',
    example: { origins: ['events.example.com'] },
    scheme: 'Equality of the bearer token, in constant time, or the receiver in `proof`',
    handshake:
      '`OPTIONS` with `WebHook-Request-Origin` is answered with `WebHook-Allowed-Origin`; callbacks are not visited.',
    replay: 'As `proof` does it; duplicates are found by source and id.',
    event: '`type` of the event',
    id: '`source` and `id`',
    vectors: [],
    interop: 'cloudevents',
    sampleEvent: 'com.example.order.created',
  },
  fields: {
    origins: {
      type: 'array',
      minItems: 1,
      maxItems: 64,
      'x-kubernetes-list-type': 'set',
      items: { type: 'string', minLength: 1, maxLength: 253, description: 'A host name as senders give it.' },
      description: 'Origins that the handshake allows; without it every one, the proof being what counts.',
    },
  },
  proofs: [bearer, basic, hmac, standardWebhooks, jwt, httpSignature, urlSecret],
  defaults: { urlSecret: { query: 'access_token' } },
  prove: (reader) => {
    reader.texts('origins', 64);
    return { definition: bearer, fields: {} };
  },
  handshake,
  check: (request, fields) => {
    // Deliveries repeat the origin that asked (HTTP web hook §4.1).
    const origin = single(request.headers.get('webhook-request-origin'));
    return origin.kind === 'none' || (origin.kind === 'one' && isAllowed(fields, origin.value))
      ? undefined
      : 'ContentMismatch';
  },
  identify,
  compose: (event, body, id, _fields, { nowMs }) => {
    const text = Buffer.from(body).toString('utf8').trim();
    if (text.startsWith('[')) return { headers: { 'content-type': batchType } };
    if (readJsonText(body, ['specversion']) !== undefined) return { headers: { 'content-type': structuredType } };
    return {
      headers: {
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': id,
        'ce-source': '/moonhook/send',
        'ce-type': event,
        'ce-time': new Date(nowMs).toISOString(),
      },
    };
  },
});
