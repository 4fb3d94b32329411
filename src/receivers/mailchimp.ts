/** Mailchimp Marketing. https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/ */
import { eventName } from './event-name.ts';
import { formOfJson, formType, readFormField } from './form-body.ts';
import { defineProvedReceiver, urlSecretFields, urlSecretOf } from './proved-receiver.ts';
import type { Identified, RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

function identify(request: RawRequest): Identified {
  const name = eventName(readFormField(request.body, 'type') ?? 'request');
  return { name, type: `com.mailchimp.${name}`, idSigned: false };
}

export const mailchimp = defineProvedReceiver({
  profile: vendorProfile({
    name: 'mailchimp',
    title: 'Mailchimp Marketing',
    documentation: 'https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/',
    answerBudgetMs: 10_000,
    handshakeMethods: ['GET', 'HEAD'],
    // Nothing in a request names it: equal bodies are repeats, the time of the event being one of the fields.
    duplicateBy: 'body',
    duplicateWindowMs: 24 * 3_600_000,
  }),
  guide: {
    secret: 'A random text of at least 32 characters that you append to the URL: `?code=…`.',
    setUp: [
      'In Mailchimp open Audience, Settings, Webhooks and press "Create New Webhook".',
      'Type the URL of the trigger followed by `?code=` and the text in the Secret named by `secretRefs`.',
      'Choose the events and save; Mailchimp asks for the URL with a GET request, which the host answers.',
    ],
    scheme: 'Equality of the secret in the URL, in constant time: Mailchimp signs nothing',
    handshake: '`GET` and `HEAD` are answered 200.',
    replay: 'None; equal bodies within a day are duplicates.',
    event: '`type` of the form',
    vectors: [],
    sampleEvent: 'subscribe',
  },
  fields: urlSecretFields,
  prove: (_reader, given) => ({ definition: urlSecret, fields: urlSecretOf(given) }),
  handshake: ({ method }) => (method === 'GET' || method === 'HEAD' ? { status: 200 } : undefined),
  identify,
  compose: (_event, body) => ({ headers: { 'content-type': formType }, body: formOfJson(body) }),
});
