/** Standard Webhooks 1.0: `v1` (HMAC) and `v1a` (Ed25519); Svix sends the same. https://github.com/standard-webhooks/standard-webhooks */
import { decodeBase64 } from './decode-digest.ts';
import { ed25519Key } from './ed25519-key.ts';
import { identified } from './identify-event.ts';
import type { DecodeSecret } from './keyring.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

/** The scheme with headers of one family: `webhook-id`, `svix-id`. */
export function schemeOf(family: 'webhook' | 'svix'): SignatureScheme {
  return {
    algorithm: 'sha256',
    header: `${family}-signature`,
    encoding: 'base64',
    prefix: 'v1,',
    separator: ' ',
    signed: template('{id}.{timestamp}.{body}'),
    timestamp: { from: { header: `${family}-timestamp` }, unit: 's', toleranceMs: 300_000 },
    idHeader: `${family}-id`,
  };
}

/** The scheme as GitLab uses it too. */
export const standardScheme = schemeOf('webhook');

/** The same signed with Ed25519. */
export const publicKeyScheme = (family: 'webhook' | 'svix'): SignatureScheme => ({
  ...schemeOf(family),
  algorithm: 'ed25519',
  prefix: 'v1a,',
});

/** `whsec_` and base64; the prefix may be missing. */
export const decodeStandardSecret = (secret: Uint8Array): Uint8Array | undefined => {
  const text = Buffer.from(secret).toString('latin1').trim();
  return decodeBase64(text.startsWith('whsec_') ? text.slice('whsec_'.length) : text);
};

/** Also `whpk_` (a public key, verifies `v1a`) and `whsk_` (a private one, signs too). */
export const decodeStandardKey: DecodeSecret = (secret) => {
  const text = Buffer.from(secret).toString('latin1').trim();
  if (!/^wh[ps]k_/.test(text)) return decodeStandardSecret(secret);
  const bytes = decodeBase64(text.slice('whpk_'.length));
  return bytes?.length === (text.startsWith('whpk_') ? 32 : 64) ? ed25519Key(bytes) : undefined;
};

/** What a payload of the specification says about itself; `first` is the family of headers that decides. */
export function identifyBy(first: 'webhook' | 'svix', request: RawRequest): Identified {
  // The id of the family that was verified: the other one is a stranger's word.
  const other = first === 'webhook' ? 'svix' : 'webhook';
  const family = request.headers.has(`${first}-signature`) ? first : other;
  return identified('dev.moonhook.http', readJsonText(request.body, ['type']), {
    id: firstHeader(request, `${family}-id`),
    idSigned: true,
  });
}

export const standardWebhooks = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'standardWebhooks',
    title: 'Standard Webhooks',
    documentation: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
    answerBudgetMs: 15_000,
    defaultMode: 'sync',
  }),
  guide: {
    secret:
      'The secret as shown: `whsec_` and base64 (the decoded bytes are the key), or the public key `whpk_…` of a sender that signs with `v1a`.',
    scheme:
      'HMAC-SHA256 (`v1`) or Ed25519 (`v1a`, at most four of them) over `{id}.{timestamp}.{body}`, base64, `webhook-signature`; `svix-*` headers too',
    replay: 'The signed time may be 5 minutes off.',
    event: '`type`',
    id: '`webhook-id`, signed',
    vectors: ['standard-v1', 'standard-v1a'],
    interop: 'standardwebhooks',
    sampleEvent: 'user.created',
  },
  fields: {},
  setup: () => ({
    schemes: [standardScheme, publicKeyScheme('webhook'), schemeOf('svix'), publicKeyScheme('svix')],
    decodeSecret: decodeStandardKey,
    secretForm: 'whsec_ and base64 text (or whpk_)',
    warnings: [],
    identify: (request) => identifyBy('webhook', request),
  }),
  compose: () => ({ headers: { 'content-type': 'application/json' } }),
});
