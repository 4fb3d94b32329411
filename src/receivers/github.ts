/**
 * GitHub and GitHub Enterprise webhooks.
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries and
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
import { eventName, withAction, deliveryId } from './event-name.ts';
import { readFormField } from './form-body.ts';
import { firstHeader, mediaType } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';

const sha256: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-hub-signature-256',
  encoding: 'hex',
  prefix: 'sha256=',
  signed: template('{body}'),
};
const sha1: SignatureScheme = { ...sha256, algorithm: 'sha1', header: 'x-hub-signature', prefix: 'sha1=' };

function identify(request: RawRequest): Identified {
  const form = mediaType(request) === 'application/x-www-form-urlencoded';
  const json = form ? Buffer.from(readFormField(request.body, 'payload') ?? '') : request.body;
  const name = withAction(firstHeader(request, 'x-github-event') ?? 'request', readJsonText(json, ['action']));
  const id = deliveryId(firstHeader(request, 'x-github-delivery'));
  const repository = readJsonText(json, ['repository', 'html_url']);
  const identified: { -readonly [Key in keyof Identified]: Identified[Key] } = {
    name,
    type: `com.github.${name}`,
    idSigned: false,
  };
  if (repository !== undefined) identified.source = repository;
  if (id !== undefined) identified.deliveryId = id;
  if (form) identified.formField = 'payload';
  return identified;
}

export const github = defineSignatureReceiver({
  profile: {
    name: 'github',
    title: 'GitHub',
    documentation: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
    defaultMode: 'async',
    answerBudgetMs: 10_000,
    retriesByItself: false,
    acknowledgement: { status: 202 },
    duplicateBy: 'id',
    // Deliveries can be sent again by hand for three days.
    duplicateWindowMs: 72 * 3_600_000,
    handshakeEvents: ['ping'],
    credentialHeaders: ['x-hub-signature-256', 'x-hub-signature'],
    credentialQuery: [],
    minimumSecretBytes: 16,
    secretsRequired: 1,
  },
  guide: {
    secret: 'The "Secret" of the webhook (repository, organization or app settings, Webhooks).',
    setUp: [
      'In the repository (or organization, or app) open Settings, Webhooks and press "Add webhook".',
      'Type the URL of the trigger as "Payload URL", content type application/json, and a random text as "Secret".',
      'Put the same text into the Secret named by `secretRefs`; choose the events and press "Add webhook".',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-Hub-Signature-256: sha256=…`',
    handshake: 'A signed `ping` event, acknowledged by the host.',
    replay: 'No time is signed; duplicates are found by delivery id and body.',
    event: '`X-GitHub-Event`, and `action` of the body',
    id: '`X-GitHub-Delivery`, not signed',
    vectors: [
      'github-doc',
      'github-octokit-1',
      'github-octokit-2',
      'github-gogithub-sha1',
      'github-gogithub-sha256',
      'github-form-sha256',
    ],
    interop: '@octokit/webhooks-methods',
    sampleEvent: 'push',
  },
  fields: {
    acceptSha1: {
      type: 'boolean',
      description:
        'Accept the retired X-Hub-Signature (SHA-1) on requests without X-Hub-Signature-256: only for very old GitHub Enterprise Servers.',
    },
  },
  setup: (fields) => {
    const old = fields.flag('acceptSha1');
    return {
      schemes: old ? [sha256, sha1] : [sha256],
      decodeSecret: literalSecret,
      warnings: old ? ['acceptSha1: a request with only a SHA-1 signature passes'] : [],
      identify,
    };
  },
  compose: (event, _body, id) => ({
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/moonhook',
      'x-github-event': eventName(event).split('.')[0] ?? event,
      'x-github-delivery': id,
    },
  }),
});
