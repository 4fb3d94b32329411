/** WordPress.com. https://wordpress.com/support/webhooks/ */
import { formOfJson, formType, readFormField } from './form-body.ts';
import { identified } from './identify-event.ts';
import { defineProvedReceiver, urlSecretFields, urlSecretOf } from './proved-receiver.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

export const wordpress = defineProvedReceiver({
  profile: vendorProfile({
    name: 'wordpress',
    title: 'WordPress.com',
    documentation: 'https://wordpress.com/support/webhooks/',
    answerBudgetMs: 10_000,
    // The same hook may come again with the same fields: only the nearest repeats are taken for duplicates.
    duplicateBy: 'body',
    duplicateWindowMs: 10 * 60_000,
  }),
  guide: {
    secret: 'A random text of at least 32 characters that you append to the URL: `?code=…`.',
    setUp: [
      'In the dashboard of the site open Settings, Webhooks and press "Add webhook".',
      'Choose the action and the fields, and type the URL of the trigger followed by `?code=` and the text in the Secret named by `secretRefs`.',
    ],
    scheme: 'Equality of the secret in the URL, in constant time: WordPress.com signs nothing',
    replay: 'None; equal bodies within ten minutes are duplicates.',
    event: '`hook` of the form: `publish_post`',
    vectors: [],
    sampleEvent: 'publish_post',
  },
  fields: urlSecretFields,
  prove: (_reader, given) => ({ definition: urlSecret, fields: urlSecretOf(given) }),
  identify: ({ body }) => identified('com.wordpress', readFormField(body, 'hook'), { idSigned: false }),
  compose: (_event, body) => ({ headers: { 'content-type': formType }, body: formOfJson(body) }),
});
