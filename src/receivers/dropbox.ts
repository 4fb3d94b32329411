/** Dropbox. https://www.dropbox.com/developers/reference/webhooks */
import { single } from './read-header.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { HostAnswer, RawRequest } from './types.ts';
import { echo, vendorProfile } from './vendor-profile.ts';

const scheme: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-dropbox-signature',
  encoding: 'hex',
  prefix: '',
  signed: template('{body}'),
};

/** `GET ?challenge=…` when the URL is registered. */
function handshake(request: RawRequest): HostAnswer | undefined {
  if (request.method !== 'GET') return undefined;
  const challenge = single(request.query.get('challenge'));
  return challenge.kind === 'one' ? echo(challenge.value) : undefined;
}

export const dropbox = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'dropbox',
    title: 'Dropbox',
    documentation: 'https://www.dropbox.com/developers/reference/webhooks',
    answerBudgetMs: 10_000,
    handshakeMethods: ['GET'],
    // The same account may change again with the same body: only the repeats of one notification are duplicates.
    duplicateBy: 'body',
    duplicateWindowMs: 10 * 60_000,
    // App secrets of Dropbox have 15 characters.
    minimumSecretBytes: 15,
  }),
  guide: {
    secret: 'The "App secret" of the app (App Console, Settings).',
    setUp: [
      'In the Dropbox App Console open the app, Settings, and copy the "App secret" into the Secret named by `secretRefs`.',
      'Apply the function, then type the URL of the trigger under "Webhook URIs" and press "Add".',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-Dropbox-Signature`',
    handshake: '`GET ?challenge=…` is answered with the challenge.',
    replay: 'No time is signed; equal bodies within ten minutes are duplicates.',
    event: 'always `notification`: the body only says which accounts changed',
    vectors: ['dropbox'],
    sampleEvent: 'notification',
  },
  fields: {},
  setup: () => ({
    schemes: [scheme],
    decodeSecret: literalSecret,
    warnings: [],
    identify: () => ({ name: 'notification', type: 'com.dropbox.notification', idSigned: true }),
  }),
  handshake,
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'DropboxWebhooks/1.0' } }),
});
