/** The schema of `hmac`: every field described, for `kubectl explain` and the reference page. */

const place = (what: string): Readonly<Record<string, unknown>> => ({
  type: 'object',
  description: `Where the ${what} is read after verification: a header or a JSON pointer into the body.`,
  properties: {
    header: { type: 'string', minLength: 1, maxLength: 64, description: 'Name of the header.' },
    body: { type: 'string', minLength: 1, maxLength: 256, description: 'JSON pointer into the body: /event/id.' },
  },
});

/** Schema of the fields of `hmac` besides `secretRefs` and `events`. */
export const hmacFields: Readonly<Record<string, unknown>> = {
  secretEncoding: {
    type: 'string',
    enum: ['utf8', 'base64', 'hex'],
    description: 'How the secret is written: utf8 (default) uses its bytes as they are, base64 and hex decode it.',
  },
  algorithm: {
    type: 'string',
    enum: ['sha256', 'sha384', 'sha512', 'sha1'],
    description: 'Hash of the HMAC; sha256 by default. sha1 is accepted with a warning.',
  },
  signature: {
    type: 'object',
    description: 'The header that carries the signature, and how it is written there.',
    required: ['header'],
    properties: {
      header: { type: 'string', minLength: 1, maxLength: 64, description: 'Name of the header.' },
      encoding: {
        type: 'string',
        enum: ['hex', 'base64'],
        description: 'How it is written: hex (default) or base64 of either alphabet.',
      },
      prefix: {
        type: 'string',
        minLength: 1,
        maxLength: 32,
        description: 'Text before the signature, such as sha256= or v1=. Entries with another prefix are skipped.',
      },
      separator: {
        type: 'string',
        minLength: 1,
        maxLength: 4,
        description: 'Text between several entries of the header; any entry may match.',
      },
    },
  },
  signed: {
    type: 'string',
    minLength: 1,
    maxLength: 256,
    description:
      'The signed text: {body} (default), {timestamp}, {id}, {method}, {url} (the public URL), {path} (path and query) and {header:NAME}. Without {body} it needs a signed digest: {header:Content-Digest} or {header:Digest}.',
  },
  timestamp: {
    type: 'object',
    description: 'The time in the signed text. Requests too far from now are refused.',
    properties: {
      header: { type: 'string', minLength: 1, maxLength: 64, description: 'Name of the header that holds it.' },
      from: { type: 'string', enum: ['signature'], description: 'It stands in the signature header, in field.' },
      field: {
        type: 'string',
        minLength: 1,
        maxLength: 32,
        description: 'Its field in the signature header, such as t.',
      },
      unit: { type: 'string', enum: ['s', 'ms', 'rfc3339'], description: 'Seconds (default), milliseconds or a date.' },
      tolerance: {
        type: 'string',
        pattern: '^[0-9]{1,9}(ms|s|m|h|d)$',
        maxLength: 12,
        description: 'How far it may be from now, either way; 5m by default.',
      },
    },
  },
  id: place('delivery id'),
  type: place('name of the event'),
};
