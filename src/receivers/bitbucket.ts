/**
 * Bitbucket, in the cloud and on own servers (Data Center): same signature, other headers beside it.
 * https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/ and
 * https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html
 */
import { deliveryId, eventName } from './event-name.ts';
import { firstHeader } from './read-header.ts';
import { defineSignatureReceiver, literalSecret, type SignatureSender } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

// The header that carries SHA-1 at GitHub carries SHA-256 here: the algorithm is the endpoint's, never the request's.
const scheme: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-hub-signature',
  encoding: 'hex',
  prefix: 'sha256=',
  signed: template('{body}'),
};

function identifyBy(request: RawRequest, idHeader: string, type: string): Identified {
  const name = eventName(firstHeader(request, 'x-event-key') ?? 'request');
  const id = deliveryId(firstHeader(request, idHeader));
  return { name, type: `${type}.${name}`, ...(id === undefined ? {} : { deliveryId: id }), idSigned: false };
}

function senderWith(idHeader: string, type: string): Pick<SignatureSender, 'fields' | 'setup' | 'compose'> {
  return {
    fields: {},
    setup: () => ({
      schemes: [scheme],
      decodeSecret: literalSecret,
      warnings: [],
      identify: (request) => identifyBy(request, idHeader, type),
    }),
    compose: (event, _body, id) => ({
      headers: { 'content-type': 'application/json', 'x-event-key': event, [idHeader]: id },
    }),
  };
}

export const bitbucket = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'bitbucket',
    title: 'Bitbucket Cloud',
    documentation: 'https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/',
    answerBudgetMs: 10_000,
  }),
  guide: {
    secret: 'The "Secret" of the webhook (repository or workspace settings, Webhooks).',
    setUp: [
      'In the repository open Repository settings, Webhooks and press "Add webhook".',
      'Type the URL of the trigger, and a random text as "Secret"; put the same text into the Secret named by `secretRefs`.',
      'Choose the triggers and press "Save".',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-Hub-Signature: sha256=…`',
    replay: 'No time is signed; duplicates are found by request id and body.',
    event: '`X-Event-Key`',
    id: '`X-Request-UUID`, not signed',
    vectors: ['bitbucket-cloud-doc'],
    sampleEvent: 'repo:push',
  },
  ...senderWith('x-request-uuid', 'org.bitbucket'),
});

export const bitbucketServer = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'bitbucketServer',
    title: 'Bitbucket Data Center',
    documentation: 'https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html',
    answerBudgetMs: 10_000,
    // After failures deliveries are left out, not repeated.
    retriesByItself: false,
    handshakeEvents: ['diagnostics:ping'],
  }),
  guide: {
    secret: 'The "Secret" of the webhook (repository settings, Webhooks).',
    setUp: [
      'In the repository open Repository settings, Webhooks and press "Create webhook".',
      'Type the URL of the trigger, and a random text as "Secret"; put the same text into the Secret named by `secretRefs`.',
      'Press "Test connection", choose the events and press "Create".',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-Hub-Signature: sha256=…`',
    handshake: 'The test button sends `diagnostics:ping`, acknowledged by the host.',
    replay: 'No time is signed; duplicates are found by request id and body.',
    event: '`X-Event-Key`',
    id: '`X-Request-Id`, not signed',
    vectors: ['bitbucket-server-refs'],
    sampleEvent: 'repo:refs_changed',
  },
  ...senderWith('x-request-id', 'com.atlassian.bitbucket'),
});
