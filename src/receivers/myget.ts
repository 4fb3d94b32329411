/** MyGet. https://docs.myget.org/docs/reference/webhooks */
import { identified } from './identify-event.ts';
import { defineProvedReceiver, urlSecretFields, urlSecretOf } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import type { Identified, RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

/** `PackageAddedWebHookEventPayloadV1` is `PackageAdded`. */
function identify({ body }: RawRequest): Identified {
  const word = readJsonText(body, ['PayloadType'])?.replace(/WebHookEventPayloadV\d+$/, '');
  return identified('org.myget', word, { id: readJsonText(body, ['Identifier']), idSigned: false });
}

export const myget = defineProvedReceiver({
  profile: vendorProfile({
    name: 'myget',
    title: 'MyGet',
    documentation: 'https://docs.myget.org/docs/reference/webhooks',
    answerBudgetMs: 10_000,
    handshakeEvents: ['Ping'],
  }),
  guide: {
    secret: 'A random text of at least 32 characters that you append to the URL: `?code=…`.',
    setUp: [
      'In MyGet open the feed, Web Hooks and press "Add web hook", "HTTP POST".',
      'Type the URL of the trigger followed by `?code=` and the text in the Secret named by `secretRefs`.',
      'Choose content type `application/vnd.myget.webhooks.v1+json` and the events.',
    ],
    scheme: 'Equality of the secret in the URL, in constant time: MyGet signs nothing',
    handshake: 'The test sends `Ping`, acknowledged by the host.',
    replay: 'None; duplicates are found by identifier and body.',
    event: '`PayloadType` without `WebHookEventPayloadV1`',
    id: '`Identifier`, not signed',
    vectors: [],
    sampleEvent: 'PackageAdded',
  },
  fields: urlSecretFields,
  prove: (_reader, given) => ({ definition: urlSecret, fields: urlSecretOf(given) }),
  identify,
  compose: () => ({ headers: { 'content-type': 'application/vnd.myget.webhooks.v1+json' } }),
});
