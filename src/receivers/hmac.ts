/** `hmac`: any sender that signs with HMAC, described in the resource instead of in the source. */
import { decodeBase64, decodeHex } from './decode-digest.ts';
import { deliveryId, eventName } from './event-name.ts';
import { genericProfile, requestEvent } from './generic-profile.ts';
import { hmacFields } from './hmac-fields.ts';
import type { DecodeSecret } from './keyring.ts';
import type { FieldReader } from './read-fields.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret, type SignatureSetup } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { parseTemplate, template, uses, type SignedTemplate } from './signed-template.ts';
import type { TimestampRule } from './timestamp.ts';
import type { Identified, RawRequest } from './types.ts';

const decoders: Readonly<Record<'utf8' | 'base64' | 'hex', DecodeSecret>> = {
  utf8: literalSecret,
  base64: (secret) => decodeBase64(Buffer.from(secret).toString('latin1').trim()),
  hex: (secret) => decodeHex(Buffer.from(secret).toString('latin1').trim()),
};
const secretForms = { utf8: 'text', base64: 'base64 text', hex: 'hex text' } as const;

/** Where a value of the request is read after verification. */
type Place = { readonly header: string } | { readonly body: readonly string[] } | undefined;

function readPlace(fields: FieldReader, name: string): Place {
  const object = fields.object(name);
  if (object === undefined) return undefined;
  object.allowOnly(['header', 'body']);
  if (object.has('header') === object.has('body')) {
    fields.mistake(name, 'must have either header or body');
    return undefined;
  }
  const header = object.header('header');
  if (header !== undefined) return { header };
  const body = object.pointer('body');
  return body === undefined ? undefined : { body };
}

function valueAt(place: Place, request: RawRequest): string | undefined {
  if (place === undefined) return undefined;
  return 'header' in place ? firstHeader(request, place.header) : readJsonText(request.body, place.body);
}

function readSigned(fields: FieldReader): SignedTemplate {
  const text = fields.text('signed', { max: 256 }) ?? '{body}';
  const parsed = parseTemplate(text);
  if (parsed.ok) return parsed.template;
  fields.mistake('signed', parsed.message);
  return template('{body}');
}

function readTimestampRule(fields: FieldReader, signed: SignedTemplate): TimestampRule | undefined {
  const object = fields.object('timestamp');
  if (object === undefined) {
    if (uses(signed, 'timestamp')) fields.mistake('timestamp', 'is required because signed uses {timestamp}');
    return undefined;
  }
  object.allowOnly(['header', 'from', 'field', 'unit', 'tolerance']);
  const unit = object.choice('unit', ['s', 'ms', 'rfc3339'], 's');
  const toleranceMs = object.duration('tolerance', 300_000);
  if (!uses(signed, 'timestamp')) {
    // A time that nobody signed can be set to now by whoever replays the request.
    fields.mistake('timestamp', 'is not covered by the signature: signed must use {timestamp}');
  }
  const inSignature = object.has('from');
  if (inSignature) object.choice('from', ['signature'], 'signature');
  if (inSignature === object.has('header')) {
    fields.mistake('timestamp', 'must have either header, or from: signature with field');
    return undefined;
  }
  const header = object.header('header');
  if (header !== undefined) return { from: { header }, unit, toleranceMs };
  const field = object.text('field', { max: 32, pattern: /^[A-Za-z0-9_-]+$/, form: 'a field name such as t' });
  if (field === undefined) {
    object.mistake('field', 'is required with from: signature');
    return undefined;
  }
  return { from: { field }, unit, toleranceMs };
}

function readScheme(fields: FieldReader): SignatureScheme {
  const algorithm = fields.choice('algorithm', ['sha1', 'sha256', 'sha384', 'sha512'] as const, 'sha256');
  const signed = readSigned(fields);
  const timestamp = readTimestampRule(fields, signed);
  const signature = fields.object('signature');
  if (signature === undefined) fields.mistake('signature', 'is required: { header: … }');
  signature?.allowOnly(['header', 'encoding', 'prefix', 'separator']);
  const header = signature?.header('header');
  if (signature !== undefined && header === undefined) signature.mistake('header', 'is required');
  const separator = signature?.text('separator', { max: 4 });
  const timestampField = timestamp !== undefined && 'field' in timestamp.from ? timestamp.from.field : undefined;
  if (timestampField !== undefined && separator === undefined) {
    fields.mistake('signature.separator', 'is required with timestamp from: signature');
  }
  return {
    algorithm,
    header: header ?? '',
    encoding: signature?.choice('encoding', ['hex', 'base64'], 'hex') ?? 'hex',
    prefix: signature?.text('prefix', { max: 32 }) ?? '',
    ...(separator === undefined ? {} : { separator }),
    ...(timestampField === undefined ? {} : { timestampField }),
    ...(timestamp === undefined ? {} : { timestamp }),
    signed,
  };
}

function readWarnings(scheme: SignatureScheme): readonly string[] {
  const warnings: string[] = [];
  if (scheme.algorithm === 'sha1') warnings.push('algorithm sha1: prefer sha256 if the sender offers it');
  if (scheme.timestamp === undefined) {
    warnings.push(
      'no timestamp: a captured request can be sent again once dedup has forgotten it; make the handler idempotent',
    );
  }
  const { parts } = scheme.signed;
  const loose = parts.some((part, index) => {
    const next = parts[index + 1];
    return part.kind === 'id' && next !== undefined && next.kind !== 'literal';
  });
  if (loose) warnings.push('signed: no separator behind {id}, so bytes can move between it and the next part');
  return warnings;
}

function setup(fields: FieldReader): SignatureSetup {
  const encoding = fields.choice('secretEncoding', ['utf8', 'base64', 'hex'], 'utf8');
  const scheme = readScheme(fields);
  const id = readPlace(fields, 'id');
  const type = readPlace(fields, 'type');
  const idHeader = id !== undefined && 'header' in id ? id.header : undefined;
  const idInText = uses(scheme.signed, 'id');
  if (idInText && idHeader === undefined) fields.mistake('id', 'must be { header: … } because signed uses {id}');
  const idSigned =
    idHeader === undefined
      ? true // Part of the body, which every template covers, itself or by its digest.
      : idInText || scheme.signed.parts.some((part) => part.kind === 'header' && part.name === idHeader);
  const identify = (request: RawRequest): Identified => {
    const found = deliveryId(valueAt(id, request));
    const word = valueAt(type, request);
    const name = word === undefined ? requestEvent.name : eventName(word);
    return {
      name,
      type: `dev.moonhook.http.${name}`,
      ...(found === undefined ? {} : { deliveryId: found }),
      idSigned: idSigned && id !== undefined,
    };
  };
  return {
    schemes: [{ ...scheme, ...(idInText && idHeader !== undefined ? { idHeader } : {}) }],
    decodeSecret: decoders[encoding],
    secretForm: secretForms[encoding],
    warnings: readWarnings(scheme),
    identify,
  };
}

export const hmac = defineSignatureReceiver({
  profile: genericProfile({
    name: 'hmac',
    title: 'HMAC by description',
    documentation: 'https://www.rfc-editor.org/rfc/rfc2104',
    duplicateBy: 'id',
  }),
  guide: {
    secret: 'The signing secret of the sender, as text, base64 or hex (`secretEncoding`).',
    example: {
      signature: { header: 'X-Acme-Signature', prefix: 'v1=', separator: ',' },
      signed: '{timestamp}.{body}',
      timestamp: { from: 'signature', field: 't' },
      id: { body: '/id' },
      type: { body: '/type' },
    },
    scheme: 'HMAC as described by `algorithm`, `signature` and `signed`',
    replay: 'With `timestamp`: its tolerance (5 minutes by default).',
    event: '`type`: a header or a JSON pointer; else `request`',
    id: '`id`: a header or a JSON pointer',
    vectors: [
      'generic-adnanh-sha1',
      'generic-adnanh-sha256',
      'generic-adnanh-sha512',
      'generic-topsecret-256',
      'generic-scalr',
      'aspnet-custom',
      'mux',
      'convoy-simple',
      'convoy-advanced',
      'hook0-v0',
      'hook0-v1',
    ],
    sampleEvent: 'request',
  },
  fields: hmacFields,
  required: ['signature'],
  setup,
  compose: (event, _body, id, fields) => {
    const headerOf = (name: string): string | undefined => {
      const place = fields[name];
      const header = typeof place === 'object' && place !== null ? (place as { header?: unknown }).header : undefined;
      return typeof header === 'string' ? header.toLowerCase() : undefined;
    };
    const typeHeader = headerOf('type');
    const idHeader = headerOf('id');
    return {
      headers: {
        'content-type': 'application/json',
        ...(typeHeader === undefined ? {} : { [typeHeader]: event }),
        ...(idHeader === undefined ? {} : { [idHeader]: id }),
      },
    };
  },
});
