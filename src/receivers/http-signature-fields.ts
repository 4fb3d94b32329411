/** The fields of `httpSignature`, read once and with their schema. */
import { keyReference } from '../function/schema-parts.ts';
import { httpSignatureAlgorithms, type HttpSignatureAlgorithm } from './http-signature-base.ts';
import type { FieldReader, SecretReference } from './read-fields.ts';

export interface SignatureKey {
  readonly id: string;
  readonly algorithm: HttpSignatureAlgorithm;
  readonly reference: SecretReference;
  /** `keys[0].keyRef`: where the key comes as a named secret. */
  readonly path: string;
}

export interface HttpSignatureOptions {
  readonly keys: readonly SignatureKey[];
  /** What a signature has to cover. */
  readonly components: readonly string[];
  readonly toleranceMs: number;
  /** As the sender knows it, instead of the public URL. */
  readonly url?: string;
}

export const httpSignatureFields: Readonly<Record<string, unknown>> = {
  keys: {
    type: 'array',
    minItems: 1,
    maxItems: 16,
    description: 'Keys that sign; the request says by keyid which one did.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['id'],
    items: {
      type: 'object',
      description: 'One key.',
      required: ['id', 'algorithm', 'keyRef'],
      properties: {
        id: { type: 'string', minLength: 1, maxLength: 256, description: 'Its name in `keyid`.' },
        algorithm: { type: 'string', enum: httpSignatureAlgorithms, description: 'The one algorithm it is used with.' },
        keyRef: keyReference('Secret with the key: PEM, JWK, or a shared secret.', 'Secret'),
      },
    },
  },
  components: {
    type: 'array',
    minItems: 1,
    maxItems: 32,
    'x-kubernetes-list-type': 'set',
    items: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'A component such as @method or content-digest.',
    },
    description:
      'What a signature has to cover; by default @method, @target-uri (or its parts) and content-digest. More may be covered.',
  },
  tolerance: {
    type: 'string',
    pattern: '^[0-9]{1,9}(ms|s|m|h|d)$',
    maxLength: 12,
    description: 'How far `created` may be from now, either way; 5m by default.',
  },
  url: {
    type: 'string',
    minLength: 1,
    maxLength: 2048,
    description: 'The URL as the sender knows it; by default the public URL of the route with the path of the request.',
  },
};

/** Reads and checks; mistakes are with the reader. */
export function readHttpSignatureOptions(reader: FieldReader, required: readonly string[]): HttpSignatureOptions {
  const keys: SignatureKey[] = [];
  if (!reader.has('keys')) reader.mistake('keys', 'is required');
  for (const [index, key] of (reader.objects('keys', 16) ?? []).entries()) {
    key.allowOnly(['id', 'algorithm', 'keyRef']);
    const id = key.text('id', {
      max: 256,
      pattern: /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/,
      form: 'printable, without quotes',
    });
    const algorithm = key.choice('algorithm', httpSignatureAlgorithms, 'ed25519');
    const reference = key.reference('keyRef');
    if (!key.has('algorithm')) key.mistake('algorithm', 'is required');
    if (id === undefined || reference === undefined) reader.mistake(`keys[${index}]`, 'must have id and keyRef');
    else if (keys.some((known) => known.id === id)) key.mistake('id', 'is there twice');
    else keys.push({ id, algorithm, reference, path: `keys[${index}].keyRef` });
  }
  const components = reader.texts('components', 32) ?? required;
  for (const [index, name] of components.entries()) {
    if (!/^(?:@[a-z-]+|[a-z0-9!#$%&'*+.^_`|~-]+)$/.test(name)) {
      reader.mistake(`components[${index}]`, 'must be a lower case header name or a component such as @method');
    }
  }
  const url = reader.url('url');
  const toleranceMs = reader.duration('tolerance', 300_000);
  reader.allowOnly(Object.keys(httpSignatureFields));
  return { keys, components, toleranceMs, ...(url === undefined ? {} : { url }) };
}
