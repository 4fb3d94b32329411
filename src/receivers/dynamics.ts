/** Dynamics 365 and Dataverse. https://learn.microsoft.com/power-apps/developer/data-platform/use-webhooks */
import { bearer } from './bearer.ts';
import { identified } from './identify-event.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import type { Identified, RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

function identify(request: RawRequest): Identified {
  const { body } = request;
  const message = readJsonText(body, ['MessageName']) ?? firstHeader(request, 'x-ms-dynamics-request-name');
  const entity = readJsonText(body, ['PrimaryEntityName']) ?? firstHeader(request, 'x-ms-dynamics-entity-name');
  const organization = firstHeader(request, 'x-ms-dynamics-organization');
  return identified('com.dynamics', entity === undefined ? message : `${entity}.${message ?? 'request'}`, {
    id: firstHeader(request, 'x-request-id'),
    idSigned: false,
    source: organization === undefined ? undefined : `https://${organization}`,
    subject: readJsonText(body, ['PrimaryEntityId']),
  });
}

export const dynamics = defineProvedReceiver({
  profile: vendorProfile({
    name: 'dynamics',
    title: 'Dynamics 365, Dataverse',
    documentation: 'https://learn.microsoft.com/power-apps/developer/data-platform/use-webhooks',
    answerBudgetMs: 60_000,
    secretsRequired: 0,
  }),
  guide: {
    secret: 'The "WebhookKey" (`?code=…`), or the value of a query or header pair.',
    setUp: [
      'Open the Plug-in Registration Tool, connect, and choose Register, "Register New Web Hook".',
      'Type the URL of the trigger; choose Authentication "WebhookKey" and type the text of the Secret named by `secretRefs`.',
      'Register a step of the web hook for a message and an entity; "Asynchronous", or with `mode: sync` "Synchronous": an error then undoes the change of the user.',
    ],
    scheme: 'Equality of the secret in the URL (or in a header with `proof: { bearer: { header } }`), in constant time',
    replay: 'None; duplicates are found by request id and body.',
    event: '`PrimaryEntityName` and `MessageName`: `account.Create`',
    id: '`x-request-id`, not signed',
    vectors: [],
    sampleEvent: 'account.Create',
  },
  proofs: [urlSecret, bearer],
  defaults: { urlSecret: { query: 'code' } },
  identify,
  compose: (event, _body, id) => ({
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-request-id': id,
      'x-ms-dynamics-entity-name': event.split('.')[0] ?? event,
      'x-ms-dynamics-request-name': event.split('.')[1] ?? event,
      'x-ms-dynamics-organization': 'example.crm.dynamics.com',
    },
  }),
});
