/**
 * GitLab: a signing token (Standard Webhooks, since 19.0) or the older plain token.
 * https://docs.gitlab.com/user/project/integrations/webhooks/
 */
import { deliveryId, eventName, withAction } from './event-name.ts';
import { FieldReader } from './read-fields.ts';
import { firstHeader, singleHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver } from './signature-receiver.ts';
import { decodeStandardSecret, standardScheme } from './standard-webhooks.ts';
import { defineTokenReceiver, tokenOf } from './token-receiver.ts';
import type {
  Identified,
  PreparedReceiver,
  RawRequest,
  ReceiverDefinition,
  SenderGuide,
  VerifiedSender,
} from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

const profile = vendorProfile({
  name: 'gitlab',
  title: 'GitLab',
  documentation: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  answerBudgetMs: 10_000,
  credentialHeaders: ['x-gitlab-token', 'webhook-signature'],
});

const guide: SenderGuide = {
  secret: 'The signing token (`whsec_…`), or the older "Secret token" of the webhook.',
  setUp: [
    'In the project (or group) open Settings, Webhooks and press "Add new webhook".',
    'Type the URL of the trigger; press "Generate" for a signing token (GitLab 19), or type a random text as "Secret token".',
    'Put the token into the Secret named by `secretRefs`, choose the triggers and press "Add webhook".',
  ],
  scheme: 'Standard Webhooks (HMAC-SHA256, base64) if a secret is a signing token; else equality of `X-Gitlab-Token`',
  replay: 'With a signing token the signed time may be 5 minutes off; with a plain token none.',
  event: '`object_kind` or `event_name`, and `object_attributes.action`',
  id: '`webhook-id`, signed with a signing token; else `Idempotency-Key`, not signed',
  vectors: ['gitlab-signing-token'],
  sampleEvent: 'push',
};

function identify(request: RawRequest, verdict: VerifiedSender): Identified {
  const { body } = request;
  const word = readJsonText(body, ['object_kind']) ?? readJsonText(body, ['event_name']);
  const hook = firstHeader(request, 'x-gitlab-event')
    ?.replace(/ Hook$/, '')
    .toLowerCase();
  const name = withAction(eventName(word ?? hook ?? 'request'), readJsonText(body, ['object_attributes', 'action']));
  const signed = verdict.proof === 'signature';
  const id = deliveryId(firstHeader(request, signed ? 'webhook-id' : 'idempotency-key'));
  const source = readJsonText(body, ['project', 'web_url']);
  return {
    name,
    type: `com.gitlab.${name}`,
    ...(source === undefined ? {} : { source }),
    ...(id === undefined ? {} : { deliveryId: id }),
    idSigned: signed,
  };
}

const headersOf = (event: string, id: string): Readonly<Record<string, string>> => ({
  'content-type': 'application/json',
  'x-gitlab-event': `${event.split('.')[0] ?? event} Hook`,
  'idempotency-key': id,
});

const byToken = defineTokenReceiver({
  profile,
  guide,
  fields: {},
  setup: () => ({
    place: 'header x-gitlab-token',
    find: (request) => tokenOf(singleHeader(request, 'x-gitlab-token')),
    attach: (secret) => ({ headers: { 'x-gitlab-token': secret } }),
  }),
});

const bySignature = defineSignatureReceiver({
  profile,
  guide,
  fields: {},
  setup: () => ({
    schemes: [standardScheme],
    decodeSecret: decodeStandardSecret,
    secretForm: 'whsec_ and base64 text',
    warnings: [],
    identify,
  }),
  compose: (event, _body, id) => ({ headers: headersOf(event, id) }),
});

const isSigningToken = (secret: Uint8Array): boolean =>
  Buffer.from(secret.subarray(0, 6)).toString('latin1') === 'whsec_';

function prepared(definition: ReceiverDefinition): PreparedReceiver {
  const result = definition.prepare({});
  if (!result.ok) throw new Error('gitlab has no fields that could be wrong');
  return result.receiver;
}

function combine(): PreparedReceiver {
  const signature = prepared(bySignature);
  const token = prepared(byToken);
  const partOf = (secret: Uint8Array): PreparedReceiver => (isSigningToken(secret) ? signature : token);
  return {
    profile,
    warnings: [],
    credentialHeaders: profile.credentialHeaders,
    credentialQuery: [],
    credentialParams: [],
    checkSecret: (secret) => partOf(secret).checkSecret(secret),
    keyLength: (secret) => partOf(secret).keyLength(secret),
    handshake: () => undefined,
    verify: (request, secrets, tools) => {
      // Both may be set at GitLab at once: with a signing token in place, the plain one proves nothing any more.
      const signing = secrets.secrets.filter(isSigningToken);
      if (signing.length === 0) return token.verify(request, secrets, tools);
      return signature.verify(request, { ...secrets, secrets: signing }, tools);
    },
    identify,
  };
}

export const gitlab: ReceiverDefinition = {
  profile,
  guide,
  fields: {},
  required: ['secretRefs'],
  prepare: (fields) => {
    const reader = new FieldReader(fields);
    reader.allowOnly([]);
    return reader.mistakes.length > 0 ? { ok: false, mistakes: reader.mistakes } : { ok: true, receiver: combine() };
  },
  sign: (event, body, url, _fields, secrets, tools) => {
    const [first] = secrets.secrets;
    if (first !== undefined && isSigningToken(first)) return bySignature.sign(event, body, url, {}, secrets, tools);
    const signed = byToken.sign(event, body, url, {}, secrets, tools);
    return { ...signed, headers: { ...headersOf(event, tools.newId()), ...signed.headers } };
  },
};
