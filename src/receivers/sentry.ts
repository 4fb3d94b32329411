/** Sentry integrations. https://docs.sentry.io/organization/integrations/integration-platform/webhooks/ */
import { withAction } from './event-name.ts';
import { bodyScheme, identified } from './identify-event.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

/** Components of the user interface sign under another name. */
const schemes = [bodyScheme('sentry-hook-signature'), bodyScheme('sentry-app-signature')];

function identify(request: RawRequest): Identified {
  const resource = firstHeader(request, 'sentry-hook-resource') ?? 'request';
  return identified('io.sentry', withAction(resource, readJsonText(request.body, ['action'])), {
    id: firstHeader(request, 'request-id'),
    idSigned: false,
  });
}

export const sentry = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'sentry',
    title: 'Sentry',
    documentation: 'https://docs.sentry.io/organization/integrations/integration-platform/webhooks/',
    // The shortest of all; bad endpoints are switched off.
    answerBudgetMs: 1000,
    retriesByItself: false,
  }),
  guide: {
    secret: 'The "Client Secret" of the integration.',
    setUp: [
      'In Sentry open Settings, Developer Settings, Custom Integrations and create an internal integration.',
      'Type the URL of the trigger as "Webhook URL" and choose the webhooks.',
      'Copy the "Client Secret" into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `Sentry-Hook-Signature` or `Sentry-App-Signature`',
    replay: 'No time is signed; duplicates are found by request id and body.',
    event: '`Sentry-Hook-Resource` and `action`: `issue.created`',
    id: '`Request-ID`, not signed',
    vectors: ['sentry', 'sentry-empty'],
    sampleEvent: 'issue.created',
  },
  fields: {},
  setup: () => ({ schemes, decodeSecret: literalSecret, warnings: [], identify }),
  compose: (event, _body, id) => ({
    headers: {
      'content-type': 'application/json',
      'sentry-hook-resource': event.split('.')[0] ?? event,
      'request-id': id,
    },
  }),
});
