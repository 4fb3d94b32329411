/** Turns an entry of `test/vectors/receivers.json` into the request its sender would have made. */
import { receivers } from '../../src/receivers/catalogue.ts';
import type { RawRequest } from '../../src/receivers/types.ts';
import { rawRequest } from './raw-request.ts';

/** As the file has it; see `test/vectors/README.md`. */
export interface Vector {
  readonly id: string;
  readonly sender: string;
  readonly kind: string;
  readonly alg: string;
  readonly key: string;
  readonly key_encoding: 'utf8' | 'base64' | 'hex' | 'x509-pem';
  readonly secret_as_shown?: string;
  readonly signed: string;
  readonly encoding: 'hex' | 'base64';
  readonly prefix: string;
  readonly expect: string;
  readonly header?: string;
  readonly header_value?: string;
  readonly extra_headers?: Readonly<Record<string, string>>;
  readonly content_type?: string;
  readonly method?: string;
  readonly url?: string;
  readonly ts?: string;
  readonly msg_id?: string;
  readonly webhook_id?: string;
  readonly verify_at_unix?: number;
  readonly body?: string;
  readonly body_b64?: string;
}

/** Senders whose catalogue name is another than the vector's. */
const names: Readonly<Record<string, string>> = {
  'bitbucket-cloud': 'bitbucket',
  'bitbucket-server': 'bitbucketServer',
  'standard-webhooks': 'standardWebhooks',
};

/** Senders without a receiver of their own: proved through `hmac` with these fields. */
const described: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'generic-adnanh-sha1': { algorithm: 'sha1' },
  'generic-adnanh-sha256': { algorithm: 'sha256' },
  'generic-adnanh-sha512': { algorithm: 'sha512' },
  'generic-topsecret-256': {},
  'generic-scalr': { algorithm: 'sha1', signed: '{body}{header:Date}' },
  'aspnet-custom': {},
  mux: { signed: '{timestamp}.{body}', timestamp: { from: 'signature', field: 't' } },
  'convoy-simple': {},
  'convoy-advanced': { signed: '{timestamp},{body}', timestamp: { from: 'signature', field: 't' } },
  'hook0-v0': { signed: '{timestamp}.{body}', timestamp: { from: 'signature', field: 't' } },
  'hook0-v1': {
    signed: '{timestamp}.x-event-id x-delivery-id.{header:X-Event-Id}.{header:X-Delivery-Id}.{body}',
    timestamp: { from: 'signature', field: 't' },
  },
};

/** Own fields of named senders, where a vector needs some. */
const ownFields: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'github-gogithub-sha1': { acceptSha1: true },
  'hubspot-v1': { acceptOlder: true },
  'hubspot-v2-post': { acceptOlder: true },
  'grafana-time': { timestampHeader: 'X-Grafana-Alerting-Timestamp' },
  'paypal-2015': { webhookId: '4JH86294D6297924G' },
  'jwt-rfc7515-a1': { issuer: 'joe', algorithms: ['HS256'], keyRefs: [{ name: 'senders', key: 'jwt' }] },
};

/** Headers that belong to a vector beside signature, time and id. */
const ownHeaders: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'hubspot-v1': { 'x-hubspot-signature-version': 'v1' },
  'hubspot-v2-post': { 'x-hubspot-signature-version': 'v2' },
  'hook0-v1': { 'x-event-id': 'evt-1', 'x-delivery-id': 'dlv-1' },
  'paypal-2015': {
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': 'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77',
  },
};

/** Headers beside the signature that are part of the signed text. */
const timeHeaders: Readonly<Record<string, string>> = {
  slack: 'x-slack-request-timestamp',
  zendesk: 'x-zendesk-webhook-signature-timestamp',
  'standard-webhooks': 'webhook-timestamp',
  gitlab: 'webhook-timestamp',
  discord: 'x-signature-timestamp',
  hubspot: 'x-hubspot-request-timestamp',
  'generic-hmac': 'date',
  grafana: 'x-grafana-alerting-timestamp',
  svix: 'svix-timestamp',
  paypal: 'paypal-transmission-time',
};

/** Headers with the id that is part of the signed text. */
const idHeaders: Readonly<Record<string, string>> = { svix: 'svix-id', paypal: 'paypal-transmission-id' };

/** The version field where the signature stands in a list with its time. */
const listPrefixes: Readonly<Record<string, string>> = {
  mux: 'v1=',
  'convoy-advanced': 'v1=',
  'hook0-v0': 'v0=',
  'hook0-v1': 'v1=',
};

function hmacFieldsOf(vector: Vector): Readonly<Record<string, unknown>> {
  const listPrefix = listPrefixes[vector.id];
  const prefix = listPrefix ?? vector.prefix;
  return {
    ...described[vector.id],
    signature: {
      header: vector.header ?? 'X-Signature',
      encoding: vector.encoding,
      ...(prefix === '' ? {} : { prefix }),
      ...(listPrefix === undefined ? {} : { separator: ',' }),
    },
  };
}

/** The receiver that verifies a vector, with its fields; undefined: none in the catalogue does. */
export function receiverOfVector(
  vector: Vector,
): { readonly name: string; readonly fields: Readonly<Record<string, unknown>> } | undefined {
  if (vector.body === undefined && vector.body_b64 === undefined) return undefined;
  if (Object.hasOwn(described, vector.id)) return { name: 'hmac', fields: hmacFieldsOf(vector) };
  const name = names[vector.sender] ?? vector.sender;
  return receivers.has(name) ? { name, fields: ownFields[vector.id] ?? {} } : undefined;
}

/** The secret as a user would store it. */
export function secretOfVector(vector: Vector): Uint8Array {
  return Buffer.from(vector.secret_as_shown ?? vector.key);
}

/** Headers (lower case) whose every byte is part of the proof. */
export function proofHeaders(vector: Vector): readonly string[] {
  const timeHeader = timeHeaders[vector.sender];
  return [
    signatureHeader(vector),
    ...(vector.ts === undefined || timeHeader === undefined ? [] : [timeHeader]),
    ...(vector.msg_id === undefined ? [] : [idHeaders[vector.sender] ?? 'webhook-id']),
    ...(vector.id === 'hook0-v1' ? ['x-event-id', 'x-delivery-id'] : []),
  ];
}

function signatureHeader(vector: Vector): string {
  return (vector.header ?? 'X-Signature').toLowerCase();
}

/** The whole request. */
export function requestOfVector(vector: Vector): RawRequest {
  const listPrefix = listPrefixes[vector.id];
  const value =
    vector.header_value ??
    (listPrefix === undefined
      ? `${vector.prefix}${vector.expect}`
      : `t=${vector.ts ?? ''},${listPrefix}${vector.expect}`);
  const timeHeader = timeHeaders[vector.sender];
  return rawRequest({
    method: vector.method ?? 'POST',
    ...(vector.url === undefined ? {} : { url: vector.url }),
    headers: {
      'content-type': vector.content_type ?? 'application/json',
      [signatureHeader(vector)]: value,
      ...vector.extra_headers,
      ...(vector.ts === undefined || timeHeader === undefined ? {} : { [timeHeader]: vector.ts }),
      ...(vector.msg_id === undefined ? {} : { [idHeaders[vector.sender] ?? 'webhook-id']: vector.msg_id }),
      ...ownHeaders[vector.id],
    },
    body: vector.body ?? Buffer.from(vector.body_b64 ?? '', 'base64'),
  });
}
