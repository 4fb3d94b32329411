/** Jira Cloud: webhooks of administrators, with a secret. https://developer.atlassian.com/cloud/jira/platform/webhooks/ */
import { bodyScheme, identified } from './identify-event.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

const scheme = bodyScheme('x-hub-signature', { prefix: 'sha256=' });

function identify(request: RawRequest): Identified {
  // jira:issue_updated, comment_created
  const word = readJsonText(request.body, ['webhookEvent']);
  return identified('com.atlassian.jira', word?.replace(/^jira:/, ''), {
    id: firstHeader(request, 'x-atlassian-webhook-identifier'),
    idSigned: false,
  });
}

export const jira = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'jira',
    title: 'Jira Cloud',
    documentation: 'https://developer.atlassian.com/cloud/jira/platform/webhooks/',
    answerBudgetMs: 10_000,
  }),
  guide: {
    secret: 'The "Secret" of the webhook.',
    setUp: [
      'In Jira open Settings, System, WebHooks and press "Create a WebHook".',
      'Type the URL of the trigger, and a random text as "Secret"; put the same text into the Secret named by `secretRefs`.',
      'Choose the events and press "Create".',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-Hub-Signature: sha256=…`',
    replay: 'No time is signed; duplicates are found by webhook identifier and body.',
    event: '`webhookEvent` without `jira:`',
    id: '`X-Atlassian-Webhook-Identifier`, not signed',
    vectors: ['jira'],
    sampleEvent: 'issue_updated',
  },
  fields: {},
  setup: () => ({ schemes: [scheme], decodeSecret: literalSecret, warnings: [], identify }),
  compose: (_event, _body, id) => ({
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Atlassian Webhook HTTP Client',
      'x-atlassian-webhook-identifier': id,
      'x-atlassian-webhook-flow': 'Primary',
    },
  }),
});
