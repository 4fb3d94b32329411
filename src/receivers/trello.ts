/** Trello. https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/ */
import { deliveryId, eventName } from './event-name.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { registeredUrlSetup } from './registered-url.ts';
import { registeredUrlField, vendorProfile } from './vendor-profile.ts';

const scheme: SignatureScheme = {
  algorithm: 'sha1',
  header: 'x-trello-webhook',
  encoding: 'base64',
  prefix: '',
  signed: template('{body}{url}'),
};

function identify(request: RawRequest): Identified {
  const name = eventName(readJsonText(request.body, ['action', 'type']) ?? 'request');
  const id = deliveryId(readJsonText(request.body, ['action', 'id']));
  return { name, type: `com.trello.${name}`, ...(id === undefined ? {} : { deliveryId: id }), idSigned: true };
}

export const trello = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'trello',
    title: 'Trello',
    documentation: 'https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/',
    answerBudgetMs: 10_000,
    handshakeMethods: ['HEAD'],
  }),
  guide: {
    secret: 'The secret of the Power-Up or application whose token made the webhook.',
    setUp: [
      'On trello.com/power-ups/admin open the Power-Up (or app), API Key, and copy the "Secret" into the Secret named by `secretRefs`.',
      'Apply the function: Trello asks for the URL before the webhook is made.',
      'Call `POST https://api.trello.com/1/webhooks/` with `callbackURL` (the URL of the trigger) and `idModel`.',
    ],
    scheme: 'HMAC-SHA1 over body and registered URL, base64, `X-Trello-Webhook`',
    handshake: '`HEAD` is answered 200.',
    replay: 'No time is signed; duplicates are found by the id of the action.',
    event: '`action.type`',
    id: '`action.id`, signed',
    vectors: ['trello-real'],
    sampleEvent: 'updateCard',
  },
  fields: registeredUrlField,
  setup: registeredUrlSetup(scheme, identify),
  handshake: ({ method }) => (method === 'HEAD' ? { status: 200 } : undefined),
  compose: () => ({ headers: { 'content-type': 'application/json' } }),
});
