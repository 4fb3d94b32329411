/** The fields of `jwt`, read once and with their schema. */
import { keyReference } from '../function/schema-parts.ts';
import { jwtAlgorithms, type JwtAlgorithm } from './jwt-key.ts';
import type { FieldReader, Fields, SecretReference } from './read-fields.ts';

export interface JwtOptions {
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly algorithms: readonly JwtAlgorithm[];
  readonly jwksUrl?: string;
  readonly keyRefs: readonly SecretReference[];
  /** `keyRefs[0]`: paths under which the keys come as named secrets. */
  readonly keyPaths: readonly string[];
  /** Claims that must have these values; of a list it is enough to hold it. */
  readonly claims: Readonly<Record<string, string | number | boolean>>;
}

const text = (description: string, max: number): Readonly<Record<string, unknown>> => ({
  type: 'string',
  minLength: 1,
  maxLength: max,
  description,
});

export const jwtFields: Readonly<Record<string, unknown>> = {
  issuer: text('The issuer (`iss`) that tokens must come from.', 512),
  audiences: {
    type: 'array',
    minItems: 1,
    maxItems: 16,
    'x-kubernetes-list-type': 'set',
    items: text('An audience.', 512),
    description: 'Audiences (`aud`), one of which a token must be made for.',
  },
  algorithms: {
    type: 'array',
    minItems: 1,
    maxItems: 13,
    'x-kubernetes-list-type': 'set',
    items: { type: 'string', enum: jwtAlgorithms, description: 'An algorithm of RFC 7518.' },
    description: 'Algorithms that pass; by default RS256, PS256, ES256 and EdDSA, and HS256 with shared secrets.',
  },
  jwksUrl: text(
    'The https URL at which the issuer publishes its keys; fetched through the outbound guard, cached.',
    2048,
  ),
  keyRefs: {
    type: 'array',
    minItems: 1,
    maxItems: 8,
    'x-kubernetes-list-type': 'atomic',
    items: keyReference('Secret with a key: PEM, JWK or a shared secret.', 'Secret'),
    description: 'Keys instead of jwksUrl: all verify, the first signs.',
  },
  claims: {
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 512, description: 'The value the claim must have or hold.' },
    maxProperties: 16,
    description: 'Further claims with the value each must have, or hold where it is a list.',
  },
};

const loopback = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?\//;

/** Reads and checks; mistakes are with the reader. */
export function readJwtOptions(reader: FieldReader, given: Fields): JwtOptions {
  const issuer = reader.text('issuer', { max: 512 });
  const audiences = reader.texts('audiences', 16);
  const listed = reader.texts('algorithms', 13);
  const jwksUrl = reader.url('jwksUrl');
  if (jwksUrl !== undefined && !jwksUrl.startsWith('https://') && !loopback.test(jwksUrl)) {
    reader.mistake('jwksUrl', 'must begin with https://');
  }
  const keys = reader.objects('keyRefs', 8) ?? [];
  const keyRefs = keys.flatMap((key, index) => {
    key.allowOnly(['name', 'key']);
    const name = key.text('name', { max: 253 });
    const entry = key.text('key', { max: 253 });
    if (name !== undefined && entry !== undefined) return [{ name, key: entry }];
    reader.mistake(`keyRefs[${index}]`, 'must have name and key');
    return [];
  });
  if (jwksUrl !== undefined && keys.length > 0)
    reader.mistake('jwksUrl', 'one of jwksUrl and keyRefs must be set, and only one');
  for (const [index, name] of (listed ?? []).entries()) {
    if (!jwtAlgorithms.some((known) => known === name)) {
      reader.mistake(`algorithms[${index}]`, `must be one of ${jwtAlgorithms.join(', ')}`);
    } else if (jwksUrl !== undefined && name.startsWith('HS')) {
      reader.mistake(`algorithms[${index}]`, 'is for shared secrets, which no issuer publishes');
    }
  }
  reader.allowOnly(Object.keys(jwtFields));
  return {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audiences === undefined ? {} : { audiences }),
    algorithms:
      (listed as readonly JwtAlgorithm[] | undefined) ??
      (jwksUrl === undefined ? ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] : ['RS256', 'PS256', 'ES256', 'EdDSA']),
    ...(jwksUrl === undefined ? {} : { jwksUrl }),
    keyRefs,
    keyPaths: keyRefs.map((_, index) => `keyRefs[${index}]`),
    claims: readClaims(reader, given),
  };
}

function readClaims(reader: FieldReader, given: Fields): JwtOptions['claims'] {
  const object = reader.object('claims');
  if (object === undefined) return {};
  const claims = given['claims'] as Fields;
  for (const [name, value] of Object.entries(claims)) {
    if (!['string', 'number', 'boolean'].includes(typeof value))
      object.mistake(name, 'must be text, a number or true/false');
  }
  return claims as JwtOptions['claims'];
}
