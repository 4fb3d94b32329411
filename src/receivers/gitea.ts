/** Gitea and Forgejo. https://docs.gitea.com/usage/webhooks */
import { withAction } from './event-name.ts';
import { formType, readFormField } from './form-body.ts';
import { bodyScheme, identified } from './identify-event.ts';
import { firstHeader, mediaType } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

/** Forgejo sends its own name beside Gitea's; either is over the same bytes with the same secret. */
const schemes = [
  bodyScheme('x-gitea-signature'),
  bodyScheme('x-forgejo-signature'),
  bodyScheme('x-hub-signature-256', { prefix: 'sha256=' }),
];

const fact = (request: RawRequest, name: string): string | undefined =>
  firstHeader(request, `x-gitea-${name}`) ??
  firstHeader(request, `x-forgejo-${name}`) ??
  firstHeader(request, `x-github-${name}`);

function identify(request: RawRequest): Identified {
  const form = mediaType(request) === formType;
  const json = form ? Buffer.from(readFormField(request.body, 'payload') ?? '') : request.body;
  const name = withAction(fact(request, 'event') ?? 'request', readJsonText(json, ['action']));
  const event = identified('io.gitea', name, {
    id: fact(request, 'delivery'),
    idSigned: false,
    source: readJsonText(json, ['repository', 'html_url']),
  });
  return form ? { ...event, formField: 'payload' } : event;
}

export const gitea = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'gitea',
    title: 'Gitea and Forgejo',
    documentation: 'https://docs.gitea.com/usage/webhooks',
    answerBudgetMs: 5000,
    // Deliveries are sent again by hand only.
    retriesByItself: false,
    credentialHeaders: ['x-gogs-signature', 'x-hub-signature'],
  }),
  guide: {
    secret: 'The "Secret" of the webhook.',
    setUp: [
      'In the repository (or organization) open Settings, Webhooks, "Add Webhook" and choose Gitea or Forgejo.',
      'Type the URL of the trigger, method POST, content type application/json, and a random text as "Secret".',
      'Put the same text into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-Gitea-Signature` (or `X-Forgejo-Signature`)',
    replay: 'No time is signed; duplicates are found by delivery id and body.',
    event: '`X-Gitea-Event`, and `action` of the body',
    id: '`X-Gitea-Delivery`, not signed',
    vectors: ['gitea'],
    sampleEvent: 'push',
  },
  fields: {},
  setup: () => ({ schemes, decodeSecret: literalSecret, warnings: [], identify }),
  compose: (event, _body, id) => ({
    headers: {
      'content-type': 'application/json',
      'x-gitea-event': event.split('.')[0] ?? event,
      'x-gitea-delivery': id,
    },
  }),
});
