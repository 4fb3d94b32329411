/** Standard Webhooks 1.0, version `v1`; Svix sends the same. https://github.com/standard-webhooks/standard-webhooks */
import { decodeBase64 } from './decode-digest.ts';
import { deliveryId, eventName } from './event-name.ts';
import type { DecodeSecret } from './keyring.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

/** The scheme with headers of one family: `webhook-id`, `svix-id`. */
function schemeOf(family: 'webhook' | 'svix'): SignatureScheme {
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

/** `whsec_` and base64; the prefix may be missing. */
export const decodeStandardSecret: DecodeSecret = (secret) => {
  const text = Buffer.from(secret).toString('latin1').trim();
  return decodeBase64(text.startsWith('whsec_') ? text.slice('whsec_'.length) : text);
};

function identify(request: RawRequest): Identified {
  const name = eventName(readJsonText(request.body, ['type']) ?? 'request');
  // The id of the family that was verified: the other one is a stranger's word.
  const family = request.headers.has(standardScheme.header) ? 'webhook' : 'svix';
  const id = deliveryId(firstHeader(request, `${family}-id`));
  return { name, type: `dev.moonhook.http.${name}`, ...(id === undefined ? {} : { deliveryId: id }), idSigned: true };
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
    secret: 'The secret as shown: `whsec_` and base64; the decoded bytes are the key.',
    scheme: 'HMAC-SHA256 over `{id}.{timestamp}.{body}`, base64, `webhook-signature: v1,…`; `svix-*` headers too',
    replay: 'The signed time may be 5 minutes off.',
    event: '`type`',
    id: '`webhook-id`, signed',
    vectors: ['standard-v1'],
    sampleEvent: 'user.created',
  },
  fields: {},
  setup: () => ({
    schemes: [standardScheme, schemeOf('svix')],
    decodeSecret: decodeStandardSecret,
    secretForm: 'whsec_ and base64 text',
    warnings: [],
    identify,
  }),
  compose: () => ({ headers: { 'content-type': 'application/json' } }),
});
