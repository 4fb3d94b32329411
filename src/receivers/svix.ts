/** Svix, and the many senders that deliver through it (Clerk, Resend and others). https://docs.svix.com/receiving/verifying-payloads/how-manual */
import { defineSignatureReceiver } from './signature-receiver.ts';
import { decodeStandardKey, identifyBy, publicKeyScheme, schemeOf } from './standard-webhooks.ts';
import { vendorProfile } from './vendor-profile.ts';

export const svix = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'svix',
    title: 'Svix',
    documentation: 'https://docs.svix.com/receiving/verifying-payloads/how-manual',
    answerBudgetMs: 15_000,
  }),
  guide: {
    secret: 'The "Signing Secret" of the endpoint: `whsec_` and base64.',
    setUp: [
      'In the application portal of the sender open Endpoints and press "Add Endpoint".',
      'Type the URL of the trigger and choose the events.',
      'Copy the "Signing Secret" of the endpoint into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 (`v1`) or Ed25519 (`v1a`) over `{id}.{timestamp}.{body}`, base64, `svix-signature`',
    replay: 'The signed time may be 5 minutes off.',
    event: '`type`',
    id: '`svix-id`, signed',
    vectors: ['svix-v1'],
    interop: 'svix',
    sampleEvent: 'user.created',
  },
  fields: {},
  setup: () => ({
    schemes: [schemeOf('svix'), publicKeyScheme('svix'), schemeOf('webhook'), publicKeyScheme('webhook')],
    decodeSecret: decodeStandardKey,
    secretForm: 'whsec_ and base64 text (or whpk_)',
    warnings: [],
    identify: (request) => identifyBy('svix', request),
  }),
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'Svix-Webhooks/1.0' } }),
});
