/** Intercom. https://developers.intercom.com/docs/webhooks/webhook-notifications */
import { bodyScheme, identified } from './identify-event.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

const scheme = bodyScheme('x-hub-signature', { algorithm: 'sha1', prefix: 'sha1=' });

function identify({ body }: RawRequest): Identified {
  return identified('io.intercom', readJsonText(body, ['topic']), {
    id: readJsonText(body, ['id']),
    idSigned: true,
  });
}

export const intercom = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'intercom',
    title: 'Intercom',
    documentation: 'https://developers.intercom.com/docs/webhooks/webhook-notifications',
    answerBudgetMs: 5000,
    handshakeMethods: ['HEAD'],
    handshakeEvents: ['ping'],
  }),
  guide: {
    secret: 'The "Client secret" of the app (Basic information).',
    setUp: [
      'In the Intercom Developer Hub open the app, Webhooks, and type the URL of the trigger.',
      'Choose the topics and save: the host answers the checks.',
      'Copy the "Client secret" of the app (Basic information) into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA1 over the body, hex, `X-Hub-Signature: sha1=…`',
    handshake: '`HEAD` is answered 200; the topic `ping` is acknowledged by the host.',
    replay: 'No time is signed; duplicates are found by the id of the notification.',
    event: '`topic`',
    id: '`id`, signed',
    vectors: ['intercom'],
    sampleEvent: 'conversation.user.created',
  },
  fields: {},
  setup: () => ({
    schemes: [scheme],
    decodeSecret: literalSecret,
    warnings: [],
    identify,
  }),
  handshake: ({ method }) => (method === 'HEAD' ? { status: 200 } : undefined),
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'intercom-webhooks' } }),
});
